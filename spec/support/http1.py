#!/usr/bin/python3
"""An HTTP/1.1 server that says what it is told to: http1.py ANSWERS CERTIFICATE KEY, see http1.lua.

Prints {"port": N} when it listens, then a JSON line for each connection, each request, each end."""

import json
import socket
import ssl
import struct
import sys
import threading


def say(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


class Connection:
    def __init__(self, sock, number, answers):
        self.sock, self.number, self.answers, self.buffer = sock, number, answers, b""

    def fill(self):
        chunk = self.sock.recv(65536)
        if not chunk:
            raise EOFError
        self.buffer += chunk

    def until(self, mark):
        while mark not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def exactly(self, count):
        while len(self.buffer) < count:
            self.fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def body(self, fields):
        if fields.get("transfer-encoding") == "chunked":
            body, trailers = b"", []
            while size := int(self.until(b"\r\n"), 16):
                body += self.exactly(size)
                assert self.exactly(2) == b"\r\n"
            while line := self.until(b"\r\n"):
                trailers.append(line.decode("latin-1"))
            return body, trailers
        return self.exactly(int(fields.get("content-length", 0))), []

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def answer(self, answer):
        """True: the connection goes on."""
        for piece in answer["pieces"]:
            self.sock.sendall(piece.encode("latin-1") * answer.get("times", 1))
        say(event="answered", connection=self.number)
        way = answer.get("ends", "no")
        if way == "notify":
            self.sock = self.sock.unwrap()
        if way == "reset":
            self.reset()
        return way == "no"

    def serve(self):
        count = 0
        while True:
            head = self.until(b"\r\n\r\n").decode("latin-1")
            count += 1
            line, *fields = head.split("\r\n")
            named = dict(field.lower().split(": ", 1) for field in fields)
            answer = self.answers[line.split(" ")[1]]
            say(event="request", connection=self.number, number=count, line=line, fields=fields)
            if not answer.get("early"):
                body, trailers = self.body(named)
                say(event="body", bytes=len(body), text=body[:200].decode("latin-1"), trailers=trailers)
            if count in answer.get("silent", []) or not self.answer(answer):
                return

    def run(self):
        try:
            self.serve()
        except (EOFError, OSError):
            pass
        self.sock.close()
        say(event="end", connection=self.number)


def greet(sock, context, greeting):
    """One segment has the handshake's last flight (TLS 1.2: ours), these bytes, and close_notify where it ends so."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    waits = True
    while waits:
        try:
            tls.do_handshake()
            waits = False
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            incoming.write(sock.recv(65536))
    if greeting["bytes"]:
        tls.write(greeting["bytes"].encode("latin-1"))
    if greeting.get("ends"):
        try:
            tls.unwrap()
        except ssl.SSLError:
            pass
    sock.sendall(outgoing.read())
    while sock.recv(65536):
        pass


def open_connection(sock, context, number, told):
    answers = told["answers"]
    try:
        if told["greeting"]:
            greet(sock, context, told["greeting"])
            sock.close()
            return
        if context:
            sock = context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=True)
    except OSError:
        sock.close()
        say(event="end", connection=number)
        return
    if context:
        say(event="tls", connection=number, alpn=sock.selected_alpn_protocol() or "")
    Connection(sock, number, answers).run()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        told = json.load(file)
    context = None
    if told["tls"]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        if told["alpn"]:
            context.set_alpn_protocols(told["alpn"])
        if told["asks"]:
            context.load_verify_locations(sys.argv[2])
            context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        say(port=listener.getsockname()[1])
        number = 0
        while True:
            sock, _ = listener.accept()
            number += 1
            # else an answer may wait for our session tickets to be acknowledged, and be lost when we close
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            say(event="accept", connection=number)
            threading.Thread(target=open_connection, args=(sock, context, number, told), daemon=True).start()


if __name__ == "__main__":
    main()
