"""A case is what the server does for each request: bytes that it sends, and how it ends.

Expectations and bodies are those of spec/hostile; see its README.md for what is looked at."""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hostile"))

from bed import expect as expectations  # noqa: E402
from bed.registry import ask  # noqa: E402

CASES = {}
HELLO = b"hello"
OK = b"HTTP/1.1 200 OK\r\n"
COUNTED = OK + b"content-length: 5\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
GOOD = COUNTED + b"\r\n" + HELLO
LAST = b"0\r\n\r\n"

FIN, NOTIFY, RESET, HANG, BODY = "fin", "notify", "reset", "hang", "body"


@dataclass
class Drip:
    """Byte by byte, with a pause before each."""
    data: bytes
    gap_s: float = 0.005


@dataclass
class Flood:
    """The same again and again, until the client is gone."""
    data: bytes


@dataclass
class Case:
    name: str
    family: str
    scripts: list
    expect: dict
    request: dict
    tls_only: bool
    clear_only: bool

    def script(self, attempt):
        """What is done for the client's so-manieth request; the last script stays."""
        return self.scripts[min(attempt, len(self.scripts)) - 1]

    def listing(self):
        return {"name": self.name, "family": self.family, "level": "message", "request": self.request,
                "expect": self.expect, "tls_only": self.tls_only, "clear_only": self.clear_only}


def family(name):
    """A function that adds cases: add(name, expect, *steps); `then`: the scripts of later requests."""
    def add(case, expect, *steps, then=(), request=None, tls_only=False, clear_only=False):
        if case in CASES:
            raise ValueError(f"two cases are named {case}")
        request = request or ask()
        expect = expectations.resolve(expect, case, request["timeout_s"])
        CASES[case] = Case(case, name, [list(steps), *map(list, then)], expect, request, tls_only, clear_only)
    return add


def hello(**extra):
    """The response comes, with the body "hello"."""
    return expectations.ok(body=HELLO, **extra)


def refused(**extra):
    """The message breaks HTTP/1.1."""
    return expectations.error("protocol_error", retry_safe=False, server={"max_connections": 1}, **extra)


def cut(**extra):
    """A head had come: nothing is repeated."""
    return expectations.lost(server={"max_connections": 1}, **extra)


def endless(**extra):
    """Given up before much was sent."""
    return expectations.error("protocol_error", max_seconds=None, max_cpu_seconds=3.0,
                              server={"max_sent_mb": 64, "max_connections": 1}, **extra)
