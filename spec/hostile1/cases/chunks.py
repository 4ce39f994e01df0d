"""Chunked bodies and trailers."""

from bed.expect import ok
from bed.registry import ask
from bed1 import CHUNKED, HANG, HELLO, LAST, NOTIFY, Drip, Flood, cut, endless, family, hello, refused

add = family("chunks")

for name, body in {
    "size-empty": b"\r\nhello\r\n" + LAST, "size-plus": b"+5\r\nhello\r\n" + LAST, "size-minus": b"-5\r\nhello\r\n" + LAST,
    "size-0x": b"0x5\r\nhello\r\n" + LAST, "size-word": b"five\r\nhello\r\n" + LAST, "size-blank-before": b" 5\r\nhello\r\n" + LAST,
    "size-tab-before": b"\t5\r\nhello\r\n" + LAST, "size-17-digits": b"0" * 16 + b"5\r\nhello\r\n" + LAST,
    "size-16-f": b"f" * 16 + b"\r\nhello\r\n" + LAST, "size-2-63": b"8000000000000000\r\nhello\r\n" + LAST,
    "size-17-overflow": b"10000000000000005\r\nhello\r\n" + LAST, "size-two": b"5 5\r\nhello\r\n" + LAST,
    "size-point": b"5.0\r\nhello\r\n" + LAST, "size-comma": b"5,5\r\nhello\r\n" + LAST, "size-h": b"5h\r\nhello\r\n" + LAST,
    "size-underscore": b"0_5\r\nhello\r\n" + LAST, "size-quote": b'"5"\r\nhello\r\n' + LAST, "size-nul": b"5\x00\r\nhello\r\n" + LAST,
    "line-control": b"5;a=\x01\r\nhello\r\n" + LAST, "line-del": b"5;a=\x7f\r\nhello\r\n" + LAST, "line-bare-lf": b"5\nhello\r\n" + LAST,
    "line-bare-cr": b"5\rhello\r\n" + LAST, "line-lf-cr": b"5\n\rhello\r\n" + LAST, "extension-bare-lf": b"5;a\nhello\r\n" + LAST,
    "extension-bare-cr": b"5;a\rb\r\nhello\r\n" + LAST, "data-longer": b"5\r\nhello!\r\n" + LAST,
    "data-shorter": b"6\r\nhello\r\n" + LAST, "data-no-crlf": b"5\r\nhello0\r\n\r\n", "data-bare-lf": b"5\r\nhello\n" + LAST,
    "data-bare-cr": b"5\r\nhello\r" + LAST, "data-two-crlf": b"5\r\nhello\r\n\r\n" + LAST,
    "extension-17-kib": b"5;" + b"x" * 17000 + b"\r\nhello\r\n" + LAST,
    "extensions-bit-by-bit": (b"1;" + b"x" * 60 + b"\r\nh\r\n") * 300 + LAST, "last-nul": b"5\r\nhello\r\n0\x00\r\n\r\n",
    "trailer-no-colon": b"5\r\nhello\r\n0\r\nnothing\r\n\r\n", "trailer-fold-first": b"5\r\nhello\r\n0\r\n a: 1\r\n\r\n",
    "trailer-no-name": b"5\r\nhello\r\n0\r\n: 1\r\n\r\n", "trailer-control": b"5\r\nhello\r\n0\r\na\x01: 1\r\n\r\n",
    "trailers-70-kib": b"5\r\nhello\r\n0\r\n" + (b"x-a: " + b"a" * 1000 + b"\r\n") * 70 + b"\r\n",
}.items():
    add("chunk-" + name, refused(), CHUNKED + body, HANG)

for name, body in {
    "blank-behind": b"5 \t\r\nhello\r\n0 \r\n\r\n", "extension": b'5;a="b c";d\r\nhello\r\n0;last\r\n\r\n',
    "capitals": b"00005\r\nhello\r\n000\r\n\r\n", "16-digits": b"0" * 15 + b"5\r\nhello\r\n" + b"0" * 16 + b"\r\n\r\n",
    "bytes": b"".join(b"1\r\n%c\r\n" % byte for byte in HELLO) + LAST, "trailer": b"5\r\nhello\r\n0\r\nx-a: 1\r\n\r\n",
    "trailer-framing": b"5\r\nhello\r\n0\r\ncontent-length: 9\r\ntransfer-encoding: x\r\n\r\n",
    "trailer-folded": b"5\r\nhello\r\n0\r\nx-a: 1\r\n 2\r\n\r\n", "trailer-bare-lf": b"5\r\nhello\r\n0\r\nx-a: 1\n\n",
    "extension-many-small": b"".join(b"1;x\r\n%c\r\n" % byte for byte in HELLO) + LAST,
}.items():
    add("chunk-" + name, hello(), CHUNKED + body)

add("chunk-drip", hello(max_seconds=6.0), Drip(CHUNKED + b"5;a\r\nhello\r\n0\r\nx-a: 1\r\n\r\n"))
add("chunk-none", ok(body=b""), CHUNKED + LAST)
add("chunk-1-mib", ok(body=b"x" * (1 << 20)), CHUNKED + b"100000\r\n" + b"x" * (1 << 20) + b"\r\n" + LAST)
add("chunk-endless-extension", endless(), CHUNKED, b"5;", Flood(b"a"))
add("chunk-endless-blanks", endless(), CHUNKED, b"5", Flood(b" "))
add("chunk-endless-zeros", refused(), CHUNKED, Flood(b"0"))
add("chunk-endless-trailers", endless(), CHUNKED + b"0\r\n", Flood(b"x-a: 1\r\n"))
add("chunk-endless-trailer-line", endless(), CHUNKED + b"0\r\nx-a: ", Flood(b"a"))
add("chunk-tiny-endless", cut() | {"close_reason": ["maxsize_exceeded"], "max_seconds": 8.0, "max_cpu_seconds": 3.0},
    CHUNKED, Flood(b"1\r\nx\r\n"), request=ask(maxsize=100000))

for name, body in {
    "in-size": b"5", "behind-size": b"5\r\n", "in-data": b"5\r\nhel", "behind-data": b"5\r\nhello", "behind-chunk": b"5\r\nhello\r\n",
    "in-last": b"5\r\nhello\r\n0\r\n", "in-trailers": b"5\r\nhello\r\n0\r\nx-a: 1\r\n", "in-extension": b"5;a",
    "before-any": b"",
}.items():
    add("chunk-end-" + name, cut(), CHUNKED + body, NOTIFY)
