#!/usr/bin/python3 -B
"""Writes the seeds of session and frames: fuzz/seeds.py. Rerun when their input format changes."""
import gzip
import os
import struct

import hpack

HERE = os.path.dirname(os.path.abspath(__file__))
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def response(encoder, stream, body, status=200, more=(), end=True):
    fields = [(":status", str(status)), ("content-type", "text/plain"), *more]
    head = frame(HEADERS, END_HEADERS | (END_STREAM if end and not body else 0), stream, encoder.encode(fields))
    return head + (frame(DATA, END_STREAM if end else 0, stream, body) if body else b"")


def session(name, text, decisions=b""):
    """decisions: as the harness takes them; they stand at the end, the first one last."""
    if len(decisions) * 2 > len(text):
        text += frame(PING, 0, 0, b"padding!") * (1 + len(decisions) * 2 // 17)
    room = len(text) // 2 + 1  # a third of the whole
    write("session", name, text + decisions.ljust(min(room, 40), b"\0")[::-1])


def write(harness, name, content):
    directory = os.path.join(HERE, harness + ".seeds")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as file:
        file.write(content)


def sessions():
    greeting = frame(SETTINGS, 0, 0, struct.pack(">HIHI", 3, 100, 4, 65535)) + frame(SETTINGS, ACK, 0)
    e = hpack.Encoder()
    get = greeting + response(e, 1, b"hello\n", more=[("content-length", "6"), ("server", "x")])
    three = get + response(e, 3, b"z" * 700) + frame(UPDATE, 0, 0, struct.pack(">I", 1 << 20)) \
        + frame(UPDATE, 0, 5, struct.pack(">I", 1 << 20)) + response(e, 5, b"", 204)
    ways = {"finish": 1, "drop": 0, "close": 2 + 4, "free": 16}
    for way, number in ways.items():
        session("three-" + way, three, bytes([0, 0x32, 0x14, number]))
    session("get", get, bytes([0, 1, 0, 1]))
    session("small-pieces", three, bytes([0, 0x32, 0x14, 1] + [9] * 30))
    session("bound", three, bytes([64, 0x21, 0x43, 1, 200, 3, 210, 9]))
    e = hpack.Encoder()
    informational = frame(HEADERS, END_HEADERS, 1, e.encode([(":status", "103"), ("link", "<a>")]))
    trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, e.encode([("x-sum", "1")]))
    session("informational", greeting + informational + response(e, 1, b"abc", end=False) + trailers,
            bytes([0, 2, 0, 1]))
    session("goaway", greeting + frame(GOAWAY, 0, 0, struct.pack(">II", 1, 0) + b"bye") + response(e, 1, b"abc"),
            bytes([0, 0x32, 0x14, 1]))
    session("reset", greeting + frame(RST, 0, 1, struct.pack(">I", 7)) + frame(RST, 0, 3, struct.pack(">I", 8)),
            bytes([1, 0x32, 0x14, 1]))
    session("http1", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>no</html>", bytes([0, 1, 0, 1]))
    session("http1-get", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", bytes([128, 1, 0, 1]))
    session("http1-pieces", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\na: b\r\n\r\n",
            bytes([128, 2, 0, 1, 200, 3, 210, 9]))
    session("http1-upload", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            bytes([128, 0x47, 0, 1, 136, 8, 136, 255, 138, 1]))
    session("uploads", greeting + frame(UPDATE, 0, 0, struct.pack(">I", 1 << 24))
            + frame(UPDATE, 0, 1, struct.pack(">I", 1 << 24)) + frame(UPDATE, 0, 3, struct.pack(">I", 1 << 24))
            + response(e, 1, b"ok"), bytes([0, 0x43, 0x67, 1, 136, 8, 136, 255, 138, 1]))


# Of fuzz/frames.c: steps below 128 are frame types (mod 13); 128 and more are deeds (mod 22), with their argument.
def deed(number, argument=0):
    step = 132 + number  # 132 = 6 * 22
    assert step < 256 and step % 22 == number
    return bytes([step, argument])


def framed(name, choice, way_out, *steps):
    write("frames", name, bytes([choice & 255, choice >> 8 & 255, choice >> 16 & 255, way_out]) + b"".join(steps))


def frames():
    settings = bytes([4, 0, 6, 2, 3, 4, 4, 9])
    ack = bytes([4, 1, 6, 0])
    head = bytes([1, 4, 0, 2, 0, 12])
    data = bytes([0, 0, 0, 4])
    end = bytes([0, 1, 0, 5])
    framed("get", 0x100, 1, settings, ack, head, data, end)
    framed("pieces", 0x200, 1, settings, ack, head, data, deed(0, 1), data, deed(1, 0), end, deed(1, 0))
    framed("post", 0x300, 1, settings, ack, bytes([8, 0, 6, 11]), bytes([8, 0, 0, 11]), head, end)
    framed("put", 0x400, 1, settings, ack, deed(8, 0), deed(9, 255), deed(10, 0), head, end)
    framed("trailers", 0x402, 1, settings, ack, bytes([1, 4, 0, 1, 4]), head, data, deed(11, 0), bytes([1, 5, 0, 1, 12]))
    framed("expect", 0x700, 1, settings, ack, bytes([1, 4, 0, 1, 5]), head, end)
    framed("goaway", 0x4321, 1, settings, ack, bytes([7, 0, 6, 1, 0, 3]), head, end)
    framed("reset", 0x4321, 1, settings, ack, bytes([3, 0, 0, 8]), bytes([3, 0, 1, 7]))
    framed("padded", 0x200, 1, settings, bytes([1, 0x8c, 0, 1, 0]), bytes([0, 0x89, 0, 4]))
    framed("continuation", 0x100, 1, settings, bytes([1, 0, 0, 1, 0]), bytes([9, 4, 0, 1, 12]), end)
    framed("push", 0x100, 1, settings, bytes([5, 4, 0, 2, 1, 0]), head, end)
    framed("times", 0x8143, 1, settings, head, deed(14, 255), deed(15, 60), deed(15, 255))
    framed("bound", 0x4240, 1, settings, ack, deed(16), bytes([6, 1, 6]), deed(17), head, end)
    framed("deaf", 0x3300, 1, settings, ack, deed(20), bytes([4, 0, 6, 1, 4, 14]), bytes([8, 0, 6, 13]), deed(20), end)
    framed("drops", 0x654321, 0, settings, ack, deed(7, 0), deed(4, 1), deed(5, 2), deed(6, 3), head, end)


# Of fuzz/h1_exchange.c: which request, limits, two bytes for the cuts; then what the server says.
def exchanges():
    ok = b"HTTP/1.1 200 OK\r\n"
    chunked = ok + b"Transfer-Encoding: chunked\r\n\r\n"
    answers = {
        "counted": ok + b"content-length: 5\r\nx-a: 1\r\n  2\r\n\r\nhello",
        "chunked": chunked + b"5;a=b\r\nhello\r\n00A\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n",
        "until-end": b"HTTP/1.0 200 OK\nserver: x\n\nhello, world",
        "informational": b"HTTP/1.1 103 Hints\r\nlink: </a>\r\n\r\n" + ok + b"content-length: 0\r\n\r\n",
        "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + chunked + b"2\r\nok\r\n0\r\n\r\n",
        "refused": b"HTTP/1.1 413 No\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno",
        "gzip": ok + b"content-encoding: gzip\r\n\r\n" + gzip.compress(b"hello " * 1000, mtime=0),
        "broken": chunked + b"5\r\nhello!\r\n",
    }
    for number, (name, answer) in enumerate(answers.items()):
        for request in (0, 2):
            write("h1_exchange", f"{name}-{request}", bytes([request, 0, number, request]) + answer)


sessions()
frames()
exchanges()
