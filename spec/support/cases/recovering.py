"""Servers that fail on their first connection and are well on the next."""

from bed.expect import ok
from bed.frames import Code
from bed.registry import connection_case, socket_case


async def serve(conn):
    await conn.open()
    await conn.serve_ok()


@socket_case(expect=ok())
async def silent_at_first(conn):
    """The first connection gets no answer to its ClientHello."""
    if conn.ordinal == 1:
        await conn.linger_raw()
        return
    conn.wire.use_tls(conn.bed.context_for(conn.case))
    await conn.wire.handshake()
    await serve(conn)


@connection_case(expect=ok())
async def no_settings_at_first(conn):
    """The first connection gets no SETTINGS after the TLS handshake."""
    if conn.ordinal == 1:
        await conn.linger_raw()
        return
    await serve(conn)


@connection_case(expect=ok())
async def text_405_at_first(conn):
    """The first connection is answered in text."""
    if conn.ordinal == 1:
        await conn.send(b"HTTP/2.0 405 Method Not Allowed\r\n\r\n")
        await conn.close()
        return
    await serve(conn)


@connection_case(expect=ok())
async def goaway_calm_at_first(conn):
    """The first connection's first request is excluded by GOAWAY ENHANCE_YOUR_CALM."""
    await conn.open()
    if conn.ordinal == 1:
        await conn.next_request()
        await conn.goaway(0, Code.ENHANCE_YOUR_CALM)
        await conn.close()
        return
    await conn.serve_ok()


@connection_case(expect=ok())
async def mute_after_first(conn):
    """The first connection answers one request, and from then on nothing, not even a PING."""
    conn.ack_pings = conn.ordinal > 1
    await conn.open()
    if conn.ordinal == 1:
        await (await conn.next_request()).respond()
        await conn.linger()
        return
    await conn.serve_ok()
