"""Peers that end attempts: after a head, or again and again."""

from bed import frames
from bed.expect import error
from bed.frames import Code
from bed.registry import connection_case, socket_case, stream_case


async def begin(stream):
    """Half a response."""
    await stream.upload()
    await stream.send_headers()
    await stream.send_data(b"half")


async def exclude(stream, code):
    await stream.conn.goaway(stream.id - 2 if stream.id > 1 else 0, code)
    await stream.conn.close()


@stream_case(expect=error("goaway"))
async def goaway_after_head(stream):
    """GOAWAY excludes the stream whose response has begun."""
    await begin(stream)
    await exclude(stream, Code.NO_ERROR)


@stream_case(expect=error("goaway"))
async def goaway_calm_after_head(stream):
    """The same with an error code."""
    await begin(stream)
    await exclude(stream, Code.ENHANCE_YOUR_CALM)


@stream_case(expect=error("reset"))
async def refused_after_head(stream):
    """REFUSED_STREAM for a stream whose response has begun."""
    await begin(stream)
    await stream.reset(Code.REFUSED_STREAM)


@stream_case(expect=error("connection_lost"))
async def lost_after_head(stream):
    """The connection goes while the response is on its way."""
    await begin(stream)
    await stream.conn.close()


@stream_case(expect=error("goaway"))
async def goaway_always(stream):
    """Every request is excluded by a GOAWAY without error."""
    await stream.upload()
    await exclude(stream, Code.NO_ERROR)


@connection_case(expect=error("goaway"))
async def goaway_with_settings(conn):
    """SETTINGS and GOAWAY come in one segment: no request is taken."""
    conn.ack_settings = False
    await conn.send(frames.settings() + frames.goaway(0))
    conn.listen()
    await conn.linger()


HELD = []  # connections that another one ends


@socket_case(expect=error("connection_lost"))
async def reset_by_the_next(conn):
    """TLS stands, no SETTINGS come, and the next connection has this one reset before it is closed itself."""
    if HELD:
        HELD.pop().reset()
        await conn.wire.close()
        return
    conn.wire.use_tls(conn.bed.context_for(conn.case))
    await conn.wire.handshake()
    HELD.append(conn)
    await conn.linger_raw()


@stream_case(expect=error("timeout"))
async def half_of_it(stream):
    """A head with ?head, half of a body with ?half, nothing without; and no end."""
    if "?" in stream.path:
        await stream.send_headers()
    if stream.path.endswith("?half"):
        await stream.send_data(b"half")


@connection_case(expect=error("timeout"))
async def no_settings(conn):
    """TLS stands, and nothing is said."""
    await conn.linger_raw()
