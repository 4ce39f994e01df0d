"""Ends of bodies and connections, statuses without a body, 1xx, floods, slowness."""

from bed.expect import error, ok, timeout
from bed.registry import ask
from bed1 import (BODY, COUNTED, FIN, GOOD, HANG, HELLO, NOTIFY, OK, RESET, Drip, Flood, cut, endless, family, hello,
                  refused)

add = family("ends")
TEN = OK + b"content-length: 10\r\n\r\nhello"
HINT = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
SHORT = ask(timeout_s=1.5)

RESETS = error("connection_lost", retry_safe=False, max_seconds=6.0)  # the head may have gone with it

# --- ends ---

add("until-end", hello(), OK + b"\r\nhello", NOTIFY)
add("until-end-cut", cut(), OK + b"\r\nhello", FIN, tls_only=True)
add("until-reset", RESETS, OK + b"\r\nhello", RESET)
add("short-end", cut(), TEN, NOTIFY)
add("short-fin", cut(), TEN, FIN)
add("short-reset", RESETS, TEN, RESET)
add("short-none", cut(), COUNTED + b"\r\n", NOTIFY)
for name, start in {"in-line": b"HTTP/1.", "in-fields": OK + b"x-a: ", "before-empty-line": COUNTED, "in-cr": COUNTED + b"\r",
                    "behind-100": b"HTTP/1.1 100 Continue\r\n\r\n", "silent": b""}.items():
    add(f"head-ends-{name}", error("connection_lost", retry_safe=False, max_seconds=6.0), start, NOTIFY)
    add(f"head-resets-{name}", error("connection_lost", retry_safe=False, max_seconds=6.0), start, RESET)
add("head-ends-once", hello(max_seconds=6.0, server={"min_connections": 2}), NOTIFY, then=[[GOOD]])
add("reused-ends-once", hello(server={"max_connections": 2}), GOOD, then=[[NOTIFY], [GOOD]], request=ask(count=2))
add("reused-resets-once", hello(server={"max_connections": 2}), GOOD, then=[[RESET], [GOOD]], request=ask(count=2))
add("reused-always-ends", hello(max_seconds=6.0, server={"min_connections": 5}), GOOD, NOTIFY, request=ask(count=5))
add("post-reused-ends", error("connection_lost", retry_safe=False), NOTIFY, request=ask("POST", upload=10))

# --- reuse ---

add("reuse", hello(server={"max_connections": 1}), GOOD, request=ask(count=5))
add("parallel", hello(server={"max_connections": 6}), GOOD, request=ask(count=30, parallel=30))
for name, fields in {"close": b"connection: close\r\n", "close-list": b"connection: x, Close\r\n", "max-0": b"keep-alive: max=0\r\n",
                     "close-two-fields": b"connection: keep-alive\r\nconnection: close\r\n"}.items():
    add(f"reuse-{name}", hello(server={"min_connections": 2}), COUNTED + fields + b"\r\n" + HELLO, request=ask(count=2))
add("reuse-1.0", hello(server={"min_connections": 2}), GOOD.replace(b"1.1", b"1.0"), request=ask(count=2))
add("reuse-1.0-kept", hello(server={"max_connections": 1}),
    COUNTED.replace(b"1.1", b"1.0") + b"connection: Keep-Alive\r\n\r\nhello", request=ask(count=3))
add("bytes-behind", hello(server={"min_connections": 2}), GOOD + b"more", request=ask(count=2))
add("response-behind", hello(server={"min_connections": 2}), GOOD + GOOD.replace(b"hello", b"wrong"), request=ask(count=2))
add("then-408", hello(server={"min_connections": 2}), GOOD + b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n",
    request=ask(count=2))

# --- no body ---

for status in (204, 304):
    line = b"HTTP/1.1 %d x\r\n" % status
    add(f"status-{status}-length", ok(status=status, body=b"", server={"max_connections": 1}), line + b"content-length: 10\r\n\r\n",
        request=ask(count=2))
    add(f"status-{status}-chunked", ok(status=status, body=b""), line + b"transfer-encoding: chunked\r\n\r\n")
    add(f"status-{status}-body", ok(status=status, body=b"", server={"min_connections": 2}),
        line + b"content-length: 5\r\n\r\nhello", request=ask(count=2))
add("head-length", ok(body=b"", server={"max_connections": 1}), OK + b"content-length: 10\r\n\r\n", request=ask("HEAD", count=2))
add("head-chunked", ok(body=b""), OK + b"transfer-encoding: chunked\r\n\r\n", request=ask("HEAD"))
add("head-body", ok(body=b"", server={"min_connections": 2}), GOOD, request=ask("HEAD", count=2))

# --- 1xx ---

add("interim-100", hello(), b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD)
add("interim-103", hello(headers_absent=["link"]), HINT * 3 + GOOD)
add("interim-199", hello(), b"HTTP/1.1 199 Odd\r\ncontent-length: 7\r\n\r\n" + GOOD)
add("interim-chunked", hello(), b"HTTP/1.1 102 Processing\r\ntransfer-encoding: chunked\r\n\r\n" + GOOD)
add("interim-close", hello(), b"HTTP/1.1 103 Early Hints\r\nconnection: close\r\n\r\n" + GOOD)
add("interim-101", refused(), b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n", HANG)
add("interim-many", refused(), HINT * 2000 + GOOD)
add("interim-endless", endless(), Flood(HINT))
add("interim-100-endless", endless(), Flood(b"HTTP/1.1 100 Continue\r\n\r\n"))

# --- floods ---

add("flood-status-line", endless(), b"HTTP/1.1 200 ", Flood(b"a"))
add("flood-line", endless(), OK + b"x-a: ", Flood(b"a"))
add("flood-name", endless(), OK, Flood(b"a"))
add("flood-fields", endless(), OK, Flood(b"x-a: 1\r\n"))
add("flood-fold", endless(), OK + b"x-a: 1\r\n", Flood(b" a\r\n"))
add("flood-blank-fold", endless(), OK + b"x-a: 1\r\n", Flood(b" \r\n"))
add("flood-empty-lines", endless(), Flood(b"\r\n"))
add("flood-nul", endless(), Flood(b"\0"))
add("flood-behind", hello(server={"max_sent_mb": 64}), GOOD, Flood(b"a"))
add("flood-body", error("maxsize_exceeded", server={"max_sent_mb": 64}), OK + b"\r\n", Flood(b"a"), request=ask(maxsize=1 << 20))
add("length-beyond-maxsize", error("maxsize_exceeded", server={"max_sent_mb": 1}), OK + b"content-length: 99999999\r\n\r\n",
    HANG, request=ask(maxsize=1 << 20))
add("length-2-63-less-1", error("maxsize_exceeded"), OK + b"content-length: 9223372036854775807\r\n\r\n", HANG,
    request=ask(maxsize=1 << 20))

# --- slowness ---

add("slow-head", hello(max_seconds=6.0), Drip(GOOD))
add("slow-never", timeout(), HANG, request=SHORT)
add("slow-half-line", timeout(), b"HTTP/1.1 2", HANG, request=SHORT)
add("slow-half-head", timeout(), COUNTED, HANG, request=SHORT)
add("slow-half-body", timeout(), TEN, HANG, request=SHORT)
add("slow-until-end", timeout(), OK + b"\r\nhello", HANG, request=SHORT)
add("slow-interim", timeout(), HINT, HANG, request=SHORT)

# --- uploads ---

UPLOAD = ask("POST", upload=1 << 20)
add("upload", hello(), BODY, GOOD, request=UPLOAD)
add("upload-early-400", hello(status=400), COUNTED.replace(b"200 OK", b"400 No") + b"\r\nhello", HANG, BODY, request=UPLOAD)
add("upload-early-close", hello(), COUNTED + b"connection: close\r\n\r\nhello", HANG, BODY, request=UPLOAD)
add("upload-early-200", hello(), GOOD, BODY, request=UPLOAD)
add("upload-head-first", hello(), COUNTED + b"\r\n", BODY, HELLO, request=UPLOAD)
add("upload-ends", error("connection_lost", retry_safe=False), NOTIFY, BODY, request=UPLOAD)
