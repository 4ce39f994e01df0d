#!/usr/bin/python3
"""A listener that is no HTTP/2 server: tcp.py BEHAVIOUR CERTIFICATE KEY, see tcp.lua.

Prints {"port": N} when it listens, then JSON lines: connections accepted and ended."""

import json
import socket
import ssl
import sys
import threading

TEXT = b"HTTP/2.0 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
SAYS = threading.Lock()  # each connection has a thread: lines would run into each other


def say(**event):
    with SAYS:
        print(json.dumps(event), flush=True)


def read_all(sock):
    received = b""
    try:
        while chunk := sock.recv(65536):
            received += chunk
    except OSError:
        pass
    return received


def silent(sock):
    first = sock.recv(65536)
    say(event="heard")
    return first + read_all(sock)


def close(_):
    return b""


def text405(sock):
    received = sock.recv(65536)
    sock.sendall(TEXT)
    sock.shutdown(socket.SHUT_WR)
    return received + read_all(sock)


def redis5(sock):
    """Refuses AUTH as Redis 5 does, with a user and without."""
    received = sock.recv(65536)
    alone = received.startswith(b"*2\r\n")
    sock.sendall(b"-ERR invalid password\r\n" if alone else b"-ERR wrong number of arguments for 'auth' command\r\n")
    return received + read_all(sock)


def tls(protocols):
    def behave(sock):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        if protocols:
            context.set_alpn_protocols(protocols)
        try:
            with context.wrap_socket(sock, server_side=True) as inner:
                return read_all(inner)
        except OSError:
            return b""
    return behave


BEHAVIOURS = {"silent": silent, "close": close, "text405": text405, "redis5": redis5, "no_alpn": tls(None),
              "http1": tls(["http/1.1"])}


def serve(sock, behave):
    with sock:
        received = behave(sock)
    say(event="end", bytes=len(received), text=received[:200].decode("latin-1"))


def main():
    behave = BEHAVIOURS[sys.argv[1]]
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        say(port=listener.getsockname()[1])
        while True:
            sock, _ = listener.accept()
            say(event="accept")
            threading.Thread(target=serve, args=(sock, behave), daemon=True).start()


if __name__ == "__main__":
    main()
