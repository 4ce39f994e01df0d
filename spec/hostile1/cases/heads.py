"""Status lines and fields."""

from bed.expect import ok, timeout
from bed.registry import ask
from bed1 import CHUNKED, COUNTED, GOOD, HANG, HELLO, LAST, NOTIFY, OK, family, hello, refused

add = family("heads")
END = b"content-length: 5\r\n\r\nhello"

add("baseline-small", hello(), GOOD)

# --- status lines ---

for name, line in {
    "version-1.10": b"HTTP/1.10 200 OK", "version-2.0": b"HTTP/2.0 200 OK", "version-0.9": b"HTTP/0.9 200 OK",
    "version-letter": b"HTTP/1.x 200 OK", "version-none": b"HTTP/ 200 OK", "version-lower": b"http/1.1 200 OK",
    "version-blank": b"HTTP /1.1 200 OK", "protocol-icy": b"ICY 200 OK", "protocol-rtsp": b"RTSP/1.0 200 OK",
    "status-two-digits": b"HTTP/1.1 20 OK", "status-four-digits": b"HTTP/1.1 2000 OK",
    "status-000": b"HTTP/1.1 000 OK", "status-099": b"HTTP/1.1 099 OK", "status-negative": b"HTTP/1.1 -20 OK",
    "status-letter": b"HTTP/1.1 2x0 OK", "status-missing": b"HTTP/1.1", "status-empty": b"HTTP/1.1 ",
    "status-two-blanks": b"HTTP/1.1  200 OK", "status-tab": b"HTTP/1.1\t200 OK", "status-tab-behind": b"HTTP/1.1 200\tOK",
    "status-plus": b"HTTP/1.1 +20 OK", "status-point": b"HTTP/1.1 200.1 OK", "line-blank-before": b" HTTP/1.1 200 OK",
    "line-garbage": b"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "line-html": b"<html><body>hello</body></html>",
    "line-request": b"GET / HTTP/1.1", "line-smtp": b"220 mail.example ESMTP", "line-ssh": b"SSH-2.0-OpenSSH_9.2",
    "line-nul": b"HTTP/1.1\x00200 OK", "line-utf16": "HTTP/1.1 200 OK".encode("utf-16"),
}.items():
    add(name, refused(), line + b"\r\n" + END)

add("line-http2-settings", timeout("protocol_error"), b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", HANG, request=ask(timeout_s=1.5))
add("line-two-empty-before", refused(), b"\r\n\r\n" + GOOD)

for name, line in {
    "reason-none": b"HTTP/1.1 200 ", "reason-no-blank": b"HTTP/1.1 200", "reason-long": b"HTTP/1.1 200 " + b"a" * 8000,
    "reason-bytes": b"HTTP/1.1 200 \xc3\xa4\xff", "minor-version-9": b"HTTP/1.9 200 OK",
    "line-one-empty-before": b"\r\nHTTP/1.1 200 OK",
}.items():
    add(name, hello(), line + b"\r\n" + END)

add("status-999", hello(status=999), b"HTTP/1.1 999 Odd\r\n" + END)
add("status-600", hello(status=600), b"HTTP/1.1 600 Odd\r\n" + END)
add("status-404", hello(status=404), b"HTTP/1.1 404 Not Found\r\n" + END)

# --- fields ---

for name, fields in {
    "field-no-colon": b"nothing\r\n", "field-empty-name": b": 1\r\n", "field-blank-name": b"  : 1\r\n",
    "fold-first": b" x-a: 1\r\n", "fold-first-tab": b"\tx-a: 1\r\n", "name-control": b"x\x01a: 1\r\n",
    "name-nul": b"x\x00a: 1\r\n", "name-del": b"x\x7fa: 1\r\n", "blank-before-colon-length": b"content-length : 5\r\n",
    "tab-before-colon-coding": b"transfer-encoding\t: chunked\r\n",
}.items():
    add(name, refused(), OK + fields + END)

for name, fields, seen in (
    ("fold", b"x-a: one\r\n  two\r\n", "one two"), ("fold-tab", b"x-a: one\r\n\ttwo\r\n", "one two"),
    ("fold-twice", b"x-a: one\r\n two\r\n three\r\n", "one two three"), ("fold-bare-lf", b"x-a: one\n two\r\n", "one two"),
    ("value-nul", b"x-a: a\x00b\r\n", "a b"), ("value-bare-cr", b"x-a: a\rb\r\n", "a b"),
    ("value-empty", b"x-a:\r\n", ""), ("value-blanks", b"x-a:  \t b \t \r\n", "b"), ("value-no-blank", b"x-a:b\r\n", "b"),
    ("value-colons", b"x-a: b:c:d\r\n", "b:c:d"), ("value-4-kib", b"x-a: " + b"a" * 4096 + b"\r\n", "a" * 4096),
    ("name-capitals", b"X-A: b\r\n", "b"), ("name-blank-behind", b"x-a : b\r\n", "b"), ("bare-lf", b"x-a: b\n", "b"),
):
    add(name, hello(headers=[["x-a", seen]]), OK + fields + END)

add("name-no-token", hello(), OK + b"x(a): 1\r\n" + END)
add("all-bare-lf", hello(), b"HTTP/1.1 200 OK\ncontent-length: 5\n\nhello")
add("fields-100", hello(), OK + b"".join(b"x-%d: a\r\n" % i for i in range(100)) + END)
add("fields-same-name", hello(headers=[["x-a", "1"], ["x-a", "2"]]), OK + b"x-a: 1\r\nx-a: 2\r\n" + END)

# --- lengths ---

for name, value in {
    "length-word": b"five", "length-plus": b"+5", "length-minus": b"-5", "length-hex": b"0x5", "length-empty": b"",
    "length-float": b"5.0", "length-exponent": b"5e0", "length-blank-inside": b"5 5", "length-comma-end": b"5,",
    "length-comma-start": b",5", "length-list-differs": b"5, 6", "length-2-63": b"9223372036854775808",
    "length-2-64": b"18446744073709551616", "length-2-64-and-5": b"18446744073709551621", "length-100-digits": b"1" * 100,
    "length-quoted": b'"5"', "length-semicolon": b"5;", "length-nul": b"5\x00",
}.items():
    expect = hello() if name == "length-nul" else refused()  # NUL becomes a blank
    add(name, expect, OK + b"content-length: " + value + b"\r\n\r\nhello")

add("lengths-differ", refused(), OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!")
add("lengths-differ-empty", refused(), OK + b"content-length: 5\r\ncontent-length:\r\n\r\nhello")
add("lengths-equal", hello(), OK + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello")
add("lengths-list-equal", hello(), OK + b"content-length: 5, 5,5\r\n\r\nhello")
add("length-zeros", hello(), OK + b"content-length: 0000000005\r\n\r\nhello")
add("length-folded", hello(), OK + b"content-length:\r\n 5\r\n\r\nhello")

# --- transfer codings ---

for name, fields in {
    "coding-gzip": b"transfer-encoding: gzip\r\n", "coding-gzip-chunked": b"transfer-encoding: gzip, chunked\r\n",
    "coding-chunked-twice": b"transfer-encoding: chunked, chunked\r\n", "coding-identity": b"transfer-encoding: identity\r\n",
    "coding-two-fields": b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
    "coding-empty": b"transfer-encoding:\r\n", "coding-xchunked": b"transfer-encoding: xchunked\r\n",
    "coding-parameter": b"transfer-encoding: chunked;q=1\r\n", "coding-quoted": b'transfer-encoding: "chunked"\r\n',
    "coding-vertical-tab": b"transfer-encoding: \x0bchunked\r\n", "coding-comma": b"transfer-encoding: chunked,\r\n",
    "coding-chunked-identity": b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
}.items():
    add(name, refused(), OK + fields + b"\r\n5\r\nhello\r\n" + LAST)

add("coding-in-1.0", refused(), b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n" + LAST)
add("coding-capitals", hello(), OK + b"Transfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n" + LAST)
add("coding-and-length", hello(server={"min_connections": 2}), OK + b"content-length: 3\r\n" +
    b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n" + LAST, request=ask(count=2))
add("coding-and-broken-length", refused(), OK + b"content-length: x\r\n" + CHUNKED.split(b"\r\n", 1)[1] + b"5\r\nhello\r\n" + LAST)
add("content-coding-unknown", hello(), COUNTED + b"content-encoding: rot13\r\n\r\n" + HELLO)
add("http-1.0-until-end", ok(body=HELLO), b"HTTP/1.0 200 OK\r\n\r\nhello", NOTIFY)
