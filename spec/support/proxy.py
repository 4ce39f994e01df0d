#!/usr/bin/python3
"""A proxy that says what it is asked: proxy.py BEHAVIOUR CERTIFICATE KEY USER:PASSWORD, see proxy.lua.

Prints {"port": N} when it listens, then a JSON line for each request for a tunnel or a URL."""

import json
import socket
import ssl
import struct
import sys
import threading

BEHAVIOUR = CERTIFICATE = KEY = RIGHTS = ""  # see main()

# What it answers to CONNECT instead of opening a tunnel: bytes, and whether it closes then.
ANSWERS = {
    "silent": (b"", False),
    "head": (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 11000, False),
    "endless": (b"HTTP/1.1 200 " + b"x" * 70000, False),
    "midway": (b"HTTP/1.1 200 OK\r\nx: y\r\n", True),
    "closed": (b"", True),
    "refuses": (b"HTTP/1.1 403 Not here\r\ncontent-length: 0\r\n\r\n", False),
    "rights": (b"HTTP/1.1 407 Who are you\r\nproxy-authenticate: Basic realm=x\r\n\r\n", False),
    "early": (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", False),
    "switch": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", False),
    "nonsense": (b"SSH-2.0-OpenSSH\r\n", False),
    "socks-version": (b"\x04\x00", False),
    "socks-nobody": (b"\x05\xff", False),
    "socks-early": (b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50x", False),
    "socks-type": (b"\x05\x00\x05\x00\x00\x09\x00\x00\x00\x00", False),
    "socks-refuses": (b"\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", False),
    "socks-midway": (b"\x05\x00\x05\x00\x00", True),
}


def say(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def exactly(sock, count):
    data = b""
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_head(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            raise EOFError
        data += part
    head, rest = data.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    return lines[0], lines[1:], rest


def pump(source, target):
    try:
        while part := source.recv(65536):
            target.sendall(part)
    except OSError:
        pass
    for sock in (source, target):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def relay(client, host, port, first=b""):
    server = socket.create_connection((host, port))
    if first:
        server.sendall(first)
    back = threading.Thread(target=pump, args=(server, client), daemon=True)
    back.start()
    return server, back


def serve_http(client, number):
    line, fields, rest = read_head(client)
    method, target, _ = line.split(" ")
    say(event="request", connection=number, line=line, fields=fields)
    if BEHAVIOUR == "informs":
        client.sendall(b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n")
    if method == "CONNECT":
        host, port = target.rsplit(":", 1)
        client.sendall(b"HTTP/1.1 200 Connection established\r\nx: y\r\n\r\n")
        server, back = relay(client, host.strip("[]"), int(port))
    else:
        authority, path = target.split("://", 1)[1].split("/", 1)
        host, port = authority.rsplit(":", 1)
        kept = [text for text in fields if not text.lower().startswith("proxy-")]
        first = "\r\n".join([f"{method} /{path} HTTP/1.1"] + kept + ["", ""])
        server = socket.create_connection((host, int(port)))
        server.sendall(first.encode("latin-1") + rest)
        status, names, rest = read_head(server)
        length = next(int(name[15:]) for name in names if name.lower().startswith("content-length:"))
        head = "\r\n".join([status] + names + ["", ""]).encode("latin-1")
        client.sendall(head + rest + exactly(server, length - len(rest)))
        server.close()
        return True
    pump(client, server)
    back.join()
    return False


def serve_socks(client, number):
    version, count = exactly(client, 2)
    methods = exactly(client, count)
    user = None
    if RIGHTS:
        if 2 not in methods:
            client.sendall(b"\x05\xff")
            return
        client.sendall(b"\x05\x02")
        _, length = exactly(client, 2)
        user = exactly(client, length).decode()
        password = exactly(client, exactly(client, 1)[0]).decode()
        good = f"{user}:{password}" == RIGHTS
        client.sendall(b"\x01" + (b"\x00" if good else b"\x01"))
        if not good:
            say(event="request", connection=number, user=user, refused=True)
            return
    else:
        client.sendall(b"\x05\x00")
    _, _, _, kind = exactly(client, 4)
    if kind == 1:
        host = socket.inet_ntop(socket.AF_INET, exactly(client, 4))
    elif kind == 4:
        host = socket.inet_ntop(socket.AF_INET6, exactly(client, 16))
    else:
        host = exactly(client, exactly(client, 1)[0]).decode()
    port = struct.unpack(">H", exactly(client, 2))[0]
    say(event="request", connection=number, host=host, named=kind == 3, target=port, user=user, version=version)
    server, back = relay(client, host, port)
    # the bound address may be a name: all three forms are read
    client.sendall(b"\x05\x00\x00\x03\x04name\x00\x50" if kind == 3 else b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
    pump(client, server)
    back.join()


def serve(client, number):
    try:
        if BEHAVIOUR == "tls":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE, KEY)
            client = context.wrap_socket(client, server_side=True)
        if BEHAVIOUR in ANSWERS:
            answer, ends = ANSWERS[BEHAVIOUR]
            say(event="asked", connection=number, bytes=len(client.recv(65536)))
            client.sendall(answer)
            while not ends and client.recv(65536):
                pass
        elif BEHAVIOUR == "socks":
            serve_socks(client, number)
        else:
            while serve_http(client, number):
                pass
    except (OSError, EOFError, ssl.SSLError):
        pass
    finally:
        client.close()
        say(event="end", connection=number)


def main():
    global BEHAVIOUR, CERTIFICATE, KEY, RIGHTS
    BEHAVIOUR, CERTIFICATE, KEY, RIGHTS = sys.argv[1:5]
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    say(port=listener.getsockname()[1])
    number = 0
    while True:
        client, _ = listener.accept()
        number += 1
        say(event="accept", connection=number)
        threading.Thread(target=serve, args=(client, number), daemon=True).start()


if __name__ == "__main__":
    main()
