"""One stream breaks HTTP/2 while others of its connection wait for their responses."""

from bed import frames
from bed.expect import ok
from bed.frames import STATUS_200, Flag, Type
from bed.registry import connection_case

TOGETHER = 8  # requests before the fault; all but the one for "?bad" are good


def dependent(number, pad=None):
    """HEADERS with a priority, which depends on the stream itself."""
    payload = number.to_bytes(4, "big") + b"\x0f" + STATUS_200
    flags = Flag.PRIORITY | Flag.END_HEADERS
    if pad is not None:
        payload, flags = bytes([pad]) + payload + bytes(pad), flags | Flag.PADDED
    return frames.frame(Type.HEADERS, flags, number, payload)


# What nghttp2 makes a connection error of, and is none, or its stream's alone.
HARMLESS = {
    "priority-on-itself": lambda number: frames.priority(number, number),
    "priority-on-an-idle-stream": lambda number: frames.priority(number + 1000, number + 1000),
    "headers-depend-on-themselves": dependent,
    "padded-headers-depend-on-themselves": lambda number: dependent(number, pad=3),
}
OWN_FAULT = {
    "window-update-of-zero": lambda number: frames.window_update(number, 0),
    "window-update-of-zero-reserved-bit": lambda number: frames.window_update(number, 1 << 31),
}
BREAKS_ALL = {
    "data-before-head": lambda number: frames.data(number, b"early"),
    "window-update-of-three-bytes": lambda number: frames.frame(Type.WINDOW_UPDATE, 0, number, b"\0\0\1"),
    "rst-of-three-bytes": lambda number: frames.frame(Type.RST_STREAM, 0, number, b"\0\0\0"),
    "priority-of-four-bytes": lambda number: frames.frame(Type.PRIORITY, 0, number, b"1234"),
    "padding-without-length": lambda number: frames.frame(Type.DATA, Flag.PADDED, number),
    "block-that-does-not-decode": lambda number: frames.headers(number, b"\xff\xff"),
    "ping-inside-a-block":
        lambda number: frames.headers(number, STATUS_200, end_headers=False) + frames.ping(),
    "other-stream-inside-a-block":
        lambda number: frames.headers(number, STATUS_200, end_headers=False) + frames.continuation(number ^ 2, b""),
    "push": lambda number: frames.push_promise(number, 2, b"\x82\x87\x84"),
    "empty-frames": lambda number: frames.headers(number, STATUS_200) + frames.data(number) * 30000,
}


async def all_requests(conn):
    streams = [await conn.next_request() for _ in range(TOGETHER)]
    bad = next(stream for stream in streams if stream.path.endswith("?bad"))
    return bad, [stream for stream in streams if stream is not bad]


async def in_bytes(conn, octets):
    """As bytes of one TLS record each: no frame's head comes in one piece."""
    for i in range(len(octets)):
        await conn.send(octets[i:i + 1])


def broken_once(title, make, in_pieces=False):
    @connection_case(name=title, about=f"{title} on one of {TOGETHER} streams; later connections are good.", expect=ok())
    async def answer(conn):
        await conn.open()
        if conn.ordinal > 1:
            await conn.serve_ok()
        bad, good = await all_requests(conn)
        await (in_bytes(conn, make(bad.id)) if in_pieces else conn.send(make(bad.id)))
        for stream in good:
            await stream.respond()
        if title.removesuffix("-in-pieces") in HARMLESS:
            if "headers" in title:
                await bad.send_data(b"ok", end_stream=True)
            else:
                await bad.respond()
        await conn.serve_ok()


for _title, _make in (HARMLESS | OWN_FAULT | BREAKS_ALL).items():
    broken_once(_title, _make)
for _title, _make in (HARMLESS | OWN_FAULT).items():
    broken_once(_title + "-in-pieces", _make, in_pieces=True)


@connection_case(expect=ok())
async def broken_after_goaway(conn):
    """GOAWAY lets all streams go on; then DATA comes before one's head."""
    await conn.open()
    if conn.ordinal > 1:
        await conn.serve_ok()
    bad, good = await all_requests(conn)
    await conn.goaway(max(bad.id, *(stream.id for stream in good)))
    await conn.send(frames.data(bad.id, b"early"))
    for stream in good:
        await stream.respond()
    await conn.linger()
