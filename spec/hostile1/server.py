#!/usr/bin/python3
"""A scripted HTTP/1.1 server that misbehaves on purpose: the options and events of spec/hostile/server.py."""

import argparse
import importlib
import json
import pkgutil
import signal
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cases as case_package  # noqa: E402
from bed1 import BODY, CASES, FIN, HANG, NOTIFY, RESET, Drip, Flood  # noqa: E402
from bed.certs import Certificates  # noqa: E402

FORBIDDEN = {"connection", "keep-alive", "proxy-connection", "upgrade"}


def check_request(lines):
    """What is wrong with a request's head."""
    words = lines[0].split(" ")
    names = [line.split(":")[0] for line in lines[1:]]
    if len(words) != 3 or words[2] != "HTTP/1.1":
        yield "the request line is " + lines[0][:80]
    if names[:1] != ["host"] or names.count("host") != 1:
        yield "host is not the first field, once"
    if any(name != name.lower() for name in names):
        yield "a name is not in lower case"
    if FORBIDDEN & set(names):
        yield "a field of the connection is sent"
    if {"content-length", "transfer-encoding"} <= set(names):
        yield "two framings"


class Connection:
    def __init__(self, bed, sock, ordinal):
        self.bed, self.sock, self.ordinal, self.buffer = bed, sock, ordinal, b""
        self.case, self.streams, self.bytes_in, self.bytes_out, self.violations = "", 0, 0, 0, []

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.bytes_in += len(data)
        self.buffer += data

    def take(self, length):
        while len(self.buffer) < length:
            self.fill()
        taken, self.buffer = self.buffer[:length], self.buffer[length:]
        return taken

    def line(self, end=b"\r\n"):
        while end not in self.buffer:
            self.fill()
        taken, self.buffer = self.buffer.split(end, 1)
        return taken.decode("latin-1")

    def send(self, data):
        self.bytes_out += len(data)
        self.sock.sendall(data)

    def read_body(self, fields):
        if fields.get("transfer-encoding") != "chunked":
            self.take(int(fields.get("content-length", 0)))
            return
        while size := int(self.line(), 16):
            self.take(size + 2)
        while self.line():
            pass

    def flood(self, data):
        block = data * max(1, 65536 // len(data))
        while self.bytes_out < self.bed.flood_bytes:
            self.send(block)

    def end(self, how):
        if how == HANG:
            while True:
                self.fill()
        if how == NOTIFY and isinstance(self.sock, ssl.SSLSocket):
            self.sock = self.sock.unwrap()
        if how == RESET:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise EOFError

    def step(self, step, fields):
        if isinstance(step, Flood):
            self.flood(step.data)
        elif isinstance(step, Drip):
            for i in range(len(step.data)):
                time.sleep(step.gap_s)
                self.send(step.data[i:i + 1])
        elif isinstance(step, bytes):
            self.send(step)
        elif step == BODY:
            self.read_body(fields)
        else:
            self.end(step)

    def serve(self):
        while True:
            lines = self.line(b"\r\n\r\n").split("\r\n")
            self.streams += 1
            self.violations += check_request(lines)
            fields = dict(line.split(": ", 1) for line in lines[1:])
            self.case = lines[0].split(" ")[1].split("?")[0].removeprefix("/case/")
            case = CASES[self.case]
            steps = case.script(self.bed.attempt(self.case))
            if BODY not in steps:
                self.read_body(fields)
            for step in steps:
                self.step(step, fields)

    def run(self):
        try:
            self.serve()
        except (EOFError, OSError):
            pass
        try:
            self.sock.close()
        except OSError:
            pass
        self.bed.log(event="end", case=self.case, connection=self.ordinal, streams=self.streams, bytes_in=self.bytes_in,
                     bytes_out=self.bytes_out, violations=self.violations, client_resets=[], client_goaway=None)


class Bed:
    def __init__(self, options, certificates):
        self.lock, self.requests = threading.Lock(), {}
        self.flood_bytes = options.flood_mb << 20
        self.events = open(options.events, "a", encoding="utf-8") if options.events else None
        self.context = None
        if certificates:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificates.chain("leaf"))
            self.context.set_alpn_protocols(["http/1.1"])

    def log(self, **event):
        with self.lock:
            if self.events:
                self.events.write(json.dumps(event) + "\n")
                self.events.flush()

    def attempt(self, name):
        with self.lock:
            self.requests[name] = self.requests.get(name, 0) + 1
            return self.requests[name]

    def open(self, sock, ordinal):
        self.log(event="accept", connection=ordinal)
        try:
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=True)
        except OSError:
            sock.close()
            self.log(event="end", connection=ordinal, streams=0, bytes_in=0, bytes_out=0, violations=[],
                     client_resets=[], client_goaway=None)
            return
        Connection(self, sock, ordinal).run()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print the cases as JSON lines")
    parser.add_argument("--case", default="baseline-small", help="the one that the printed URL names; all are served")
    parser.add_argument("--h2c", action="store_true", help="clear text instead of TLS")
    parser.add_argument("--events", metavar="FILE", help="append what each connection did, as JSON lines")
    parser.add_argument("--certs", metavar="DIR", help="keep the certificates here and use them again")
    parser.add_argument("--flood-mb", type=int, default=512, help="most that one flood sends")
    return parser.parse_args()


def prepare():
    for module in pkgutil.iter_modules(case_package.__path__):
        importlib.import_module(f"cases.{module.name}")


def main():
    options = arguments()
    prepare()
    if options.list:
        for case in CASES.values():
            print(json.dumps(case.listing()))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="hostile1-") as scratch:
        certificates = None if options.h2c else Certificates(options.certs or scratch)
        bed = Bed(options, certificates)
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
            port = listener.getsockname()[1]
            url = f"{'http' if options.h2c else 'https'}://localhost:{port}/case/{options.case}"
            print(json.dumps({"port": port, "url": url, "ca": str(certificates.ca) if certificates else None}), flush=True)
            ordinal = 0
            while True:
                sock, _ = listener.accept()
                ordinal += 1
                threading.Thread(target=bed.open, args=(sock, ordinal), daemon=True).start()


if __name__ == "__main__":
    main()
