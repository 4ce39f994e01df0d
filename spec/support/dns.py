#!/usr/bin/python3
"""A DNS server for specs: dns.py RECORDS (a JSON file, see dns.lua). UDP on a free port of 127.0.0.1.

Prints {"port": N} when it listens, then one JSON line per question."""

import ipaddress
import json
import socket
import struct
import sys

TYPES = {1: "A", 28: "AAAA"}
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
CODES = {"nxdomain": NXDOMAIN, "servfail": SERVFAIL, "empty": NOERROR}


def say(**event):
    print(json.dumps(event), flush=True)


def read_question(packet):
    """Returns the name, the type's number and the question's own bytes."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii"))
        at += 1 + packet[at]
    kind = struct.unpack("!H", packet[at + 1:at + 3])[0]
    return ".".join(labels).lower(), kind, packet[12:at + 5]


def answers(record, kind):
    for address in record.get(TYPES.get(kind), []):
        data = ipaddress.ip_address(address).packed
        yield struct.pack("!HHHIH", 0xC00C, kind, 1, record.get("ttl", 60), len(data)) + data


def reply(packet, records):
    """The answer's bytes, or None for a name that gets silence."""
    name, kind, question = read_question(packet)
    say(name=name, type=TYPES.get(kind, str(kind)))
    record = records.get(name, "nxdomain")
    if record == "silence":
        return None
    if not isinstance(record, str) and TYPES.get(kind) in record.get("silent", []):
        return None
    code = CODES[record] if isinstance(record, str) else NOERROR
    found = [] if isinstance(record, str) else list(answers(record, kind))
    head = struct.pack("!HHHHHH", *struct.unpack("!H", packet[:2]), 0x8580 | code, 1, len(found), 0, 0)
    return head + question + b"".join(found)


def read_records():
    """Read for every question: specs change them."""
    with open(sys.argv[1], encoding="utf-8") as file:
        return dict(json.load(file))


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        say(port=server.getsockname()[1])
        while True:
            packet, peer = server.recvfrom(4096)
            answer = reply(packet, read_records())
            if answer:
                server.sendto(answer, peer)


if __name__ == "__main__":
    main()
