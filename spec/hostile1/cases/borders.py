"""Where two readers may come to differ: folds, CR without LF, fields said twice, what stands behind a message."""

from bed.expect import error, ok
from bed.registry import ask
from bed1 import (CHUNKED, COUNTED, FIN, GOOD, HANG, HELLO, LAST, NOTIFY, OK, RESET, Drip, Flood, cut, endless, family,
                  hello, refused)

add = family("borders")
END = b"content-length: 5\r\n\r\nhello"
HINT = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"

# --- folds ---

for name, fields in {
    "fold-in-name": b"x-\r\n a: 1\r\n", "fold-before-colon": b"x-a\r\n : 1\r\n", "fold-in-length": b"content-length: 1\r\n 0\r\n",
    "fold-in-coding": b"transfer-encoding: chun\r\n ked\r\n", "fold-no-colon-twice": b"nothing\r\n at: all\r\n",
    "fold-before-length": b"content-length\r\n\t: 5\r\n", "fold-length-twice": b"content-length: 5,\r\n 6\r\n",
}.items():
    add(name, refused(), OK + fields + END)

for name, fields, seen in (
    ("fold-blank-last", b"x-a: one\r\n \r\n", "one"), ("fold-blank-between", b"x-a: one\r\n \t \r\n two\r\n", "one two"),
    ("fold-cr-before", b"x-a: one\r\r\n two\r\n", "one two"), ("fold-nul", b"x-a: one\x00\r\n two\r\n", "one  two"),
    ("fold-empty-value", b"x-a:\r\n one\r\n", "one"), ("fold-colon", b"x-a: one\r\n b: two\r\n", "one b: two"),
):
    add(name, hello(headers=[["x-a", seen]]), OK + fields + END)

add("fold-coding", hello(), OK + b"transfer-encoding:\r\n chunked\r\n\r\n5\r\nhello\r\n" + LAST)
add("fold-close", hello(server={"min_connections": 2}), COUNTED + b"connection: x,\r\n\tclose\r\n\r\nhello", request=ask(count=2))
add("fold-drip", hello(max_seconds=6.0, headers=[["x-a", "one two"]]), Drip(OK + b"x-a: one\r\n \r\n  two\r\n" + END))
add("fold-trailer-no-colon", refused(), CHUNKED + b"0\r\nx-a\r\n : 1\r\n\r\n", HANG)

# --- CR without LF ---

for name, head in {
    "cr-empty-line": COUNTED + b"\r\r\n", "cr-in-name": OK + b"x\ra: 1\r\n" + COUNTED[len(OK):] + b"\r\n",
    "cr-behind-status": b"HTTP/1.1 200\r\r\n" + COUNTED[len(OK):] + b"\r\n", "cr-in-length": OK + b"content-length: 5\r5\r\n\r\n",
    "cr-in-coding": OK + b"transfer-encoding: chunked\rx\r\n\r\n",
}.items():
    add(name, refused(), head + HELLO)

add("cr-only", error("connection_lost", retry_safe=False, max_seconds=6.0), b"HTTP/1.1 200 OK\rcontent-length: 5\r\rhello", NOTIFY)
add("cr-in-reason", hello(), b"HTTP/1.1 200 O\rK\r\n" + END)
add("cr-twice", hello(headers=[["x-a", "b"]]), OK + b"x-a: b\r\r\n" + END)
add("nul-before-empty-line", refused(), COUNTED + b"\x00\r\n\r\nhello")

# --- said twice, or with another ---

for name, fields in {
    "lengths-three": b"content-length: 5\r\ncontent-length: 5\r\ncontent-length: 50\r\n",
    "lengths-list-and-field": b"content-length: 5, 5\r\ncontent-length: 6\r\n",
    "lengths-capitals": b"content-length: 5\r\nCONTENT-LENGTH: 6\r\n", "length-and-gzip": b"content-length: 5\r\ntransfer-encoding: gzip\r\n",
    "length-behind-coding-twice": b"transfer-encoding: chunked\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n",
    "length-minus-zero": b"content-length: -0\r\n", "length-underscore": b"content-length: 0_5\r\n",
    "length-wide-digits": "content-length: \uff15\r\n".encode(), "coding-blank-inside": b"transfer-encoding: chunked chunked\r\n",
    "coding-bytes": b"transfer-encoding: chunked\xa0\r\n", "coding-form-feed": b"transfer-encoding:\x0cchunked\r\n",
}.items():
    add(name, refused(), OK + fields + b"\r\n5\r\nhello\r\n" + LAST)

add("lengths-zeros-equal", hello(), OK + b"content-length: 5\r\ncontent-length: 005\r\n\r\nhello")
add("length-1.0-and-coding", refused(), b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n" + LAST)
add("keep-alive-huge", hello(server={"max_connections": 1}), COUNTED + b"keep-alive: timeout=99999999999999999999, max=2\r\n\r\nhello",
    request=ask(count=2))
add("keep-alive-negative", hello(server={"max_connections": 1}), COUNTED + b"keep-alive: timeout=-5, max=-0\r\n\r\nhello",
    request=ask(count=2))

# --- chunks ---

add("chunk-extension-1-mb", refused(), CHUNKED + b"5;a=" + b"x" * (1 << 20) + b"\r\nhello\r\n" + LAST)
add("chunk-extension-behind-1-mib", refused(), CHUNKED + b"100000\r\n" + b"x" * (1 << 20) + b"\r\n5;" + b"x" * 30000 + b"\r\nhello\r\n" + LAST)
add("chunk-extension-last", refused(), CHUNKED + b"5\r\nhello\r\n0;" + b"x" * 20000 + b"\r\n\r\n")
add("chunk-size-2-63-less-1", error("maxsize_exceeded", retry_safe=False), CHUNKED + b"7fffffffffffffff\r\n" + b"x" * (1 << 20),
    HANG, request=ask(maxsize=1 << 19))
add("chunk-behind-last", hello(server={"min_connections": 2}), CHUNKED + b"5\r\nhello\r\n" + LAST + b"5\r\nwrong\r\n" + LAST,
    request=ask(count=2))
add("chunk-last-no-end", cut(), CHUNKED + b"5\r\nhello\r\n0\r\n", NOTIFY)
add("chunk-last-resets", error("connection_lost", retry_safe=False, max_seconds=6.0),  # the head may have gone with it
    CHUNKED + b"5\r\nhello\r\n0\r\n", RESET)

# --- 1xx ---

add("interim-until-end", error("connection_lost", retry_safe=False, max_seconds=6.0), HINT, NOTIFY)
add("interim-101-behind-103", refused(), HINT + b"HTTP/1.1 101 Switching Protocols\r\n\r\n", HANG)
add("interim-100-body", refused(), b"HTTP/1.1 100 Continue\r\ncontent-length: 5\r\n\r\nhello" + GOOD)
add("interim-fold-first", refused(), HINT + b" folded\r\n" + GOOD)
add("interim-million", endless(), Flood(b"HTTP/1.1 102 P\r\n\r\n" * 1000))

# --- ends, over TLS too ---

tls = family("ends")
tls("whole-fin", hello(), GOOD, FIN)
tls("whole-reset", hello(server={"max_connections": 2}), GOOD, NOTIFY, then=[[GOOD]], request=ask(count=2))
tls("chunked-whole-fin", hello(), CHUNKED + b"5\r\nhello\r\n" + LAST, FIN)
tls("chunked-cut-in-trailer-fin", cut(), CHUNKED + b"5\r\nhello\r\n0\r\nx-a: 1", FIN)
tls("status-204-fin", ok(status=204, body=b""), b"HTTP/1.1 204 x\r\n\r\n", FIN)
tls("head-until-end", ok(body=b""), OK + b"\r\n", HANG, request=ask("HEAD"))
tls("head-chunked-behind", ok(body=b"", server={"min_connections": 2}), CHUNKED + b"5\r\nhello\r\n" + LAST, request=ask("HEAD", count=2))
