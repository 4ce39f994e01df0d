# Reads WARC files strictly: python3 warc.py FILE... One line of JSON per record; whatever breaks ISO 28500 is an error.
import base64
import hashlib
import json
import re
import sys
import zlib

NEEDED = ["WARC-Record-ID", "WARC-Date", "WARC-Type", "Content-Length"]
DATE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$")
ID = re.compile(r"^<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}>$")


def members(data):
    while data:
        one = zlib.decompressobj(31)
        text = one.decompress(data) + one.flush()
        assert one.eof, "a gzip member is not whole"
        yield text
        data = one.unused_data


def sha1(data):
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def record(text):
    head, _, rest = text.partition(b"\r\n\r\n")
    lines = head.decode("utf-8").split("\r\n")
    assert lines[0] == "WARC/1.1", lines[0]
    fields = {}
    for line in lines[1:]:
        name, colon, value = line.partition(": ")
        assert colon and name not in fields, line
        fields[name] = value
    for name in NEEDED:
        assert name in fields, name + " is missing"
    assert DATE.match(fields["WARC-Date"]) and ID.match(fields["WARC-Record-ID"]), fields
    length = int(fields["Content-Length"])
    block, end = rest[:length], rest[length:]
    assert end == b"\r\n\r\n", "a record does not end where it says"
    assert fields["WARC-Block-Digest"] == sha1(block), "the block's digest is wrong"
    if fields["WARC-Type"] != "warcinfo":
        assert fields["Content-Type"].startswith("application/http;msgtype="), fields
        message, blank, payload = block.partition(b"\r\n\r\n")
        assert blank and b"HTTP/1.1" in message.split(b"\r\n")[0], message
        fields["head"], fields["payload"] = message.decode("latin-1"), payload.decode("latin-1")
        if fields["WARC-Type"] == "response":
            assert fields["WARC-Payload-Digest"] == sha1(payload), "the payload's digest is wrong"
    else:
        fields["payload"] = block.decode("utf-8")
    return fields


for path in sys.argv[1:]:
    with open(path, "rb") as file:
        for index, each in enumerate(members(file.read())):
            fields = record(each)
            assert (fields["WARC-Type"] == "warcinfo") == (index == 0), "a file begins with its warcinfo"
            print(json.dumps(dict(fields, file=path.split("/")[-1])))
