"""Peers that go up to a limit of the client's, or beyond it."""

import asyncio
import socket

from bed import frames
from bed.expect import error, flood, ok, timeout
from bed.frames import MAX_WINDOW, STATUS_200, Code, Setting, Type, block
from bed.payloads import MIB, ok_body, pattern
from bed.registry import connection_case, socket_case, stream_case


@stream_case(expect=flood())
async def goaway_flood(stream):
    """GOAWAY without end, which lets our stream go on."""
    await stream.conn.flood(frames.goaway(MAX_WINDOW))


@stream_case(expect=flood())
async def window_update_stream_flood(stream):
    """WINDOW_UPDATE of one byte for our stream, without end."""
    await stream.conn.flood(frames.window_update(stream.id, 1))


@stream_case(expect=flood())
async def closed_stream_flood(stream):
    """Empty DATA frames without end for a stream that had its whole response before."""
    if stream.path.endswith("?first"):
        await stream.respond()
        return
    await stream.conn.flood(frames.data(stream.id - 2))


@stream_case(expect=error("maxsize_exceeded"))
async def in_flight(stream):
    """More is announced than anybody takes, and what the window lets through is on its way already."""
    announced = STATUS_200 + block(("content-length", str(2**40)))
    await stream.conn.send(frames.headers(stream.id, announced) + frames.data(stream.id, bytes(16000)) * 65)


@stream_case(expect=ok())
async def pings_1500(stream):
    """1,500 PINGs in one go, and the response."""
    await stream.conn.send(frames.ping() * 1500)
    await stream.respond()


@stream_case(expect=ok())
async def settings_of_1500(stream):
    """A SETTINGS frame with 1,500 entries, which nobody knows, and the response."""
    await stream.conn.send_settings([(0x1000 + number, number) for number in range(1500)])
    await stream.respond()


@stream_case(expect=flood())
async def settings_of_5000(stream):
    """A SETTINGS frame with 5,000 entries, for a client that takes frames of that size, and the response."""
    await stream.conn.send_settings([(0x1000 + number, number) for number in range(5000)])
    await stream.respond()


@stream_case(expect=ok())
async def talkative(stream):
    """Eight PRIORITY frames go along with each response."""
    await stream.conn.send(frames.priority(stream.id + 2) * 8)
    await stream.respond()


@stream_case(expect=ok())
async def frames_15000(stream):
    """A lot of PRIORITY frames, but no flood yet, then the response."""
    await stream.conn.send(frames.priority(stream.id + 2) * 15000)
    await stream.respond()


@stream_case(expect=ok())
async def reset_twice(stream):
    """A stream is reset three times; the connection is well otherwise."""
    await stream.conn.send(frames.rst_stream(stream.id, Code.CANCEL) * 3)


@stream_case(expect=timeout())
async def petabyte_promised(stream):
    """Content-Length promises a petabyte, ten bytes follow, and the stream stays open."""
    await stream.send_headers([("content-length", str(10**15))])
    await stream.send_data(b"0123456789")


@stream_case(expect=ok())
async def window_told(stream):
    """The field "window" tells the connection's window as the client has opened it."""
    await stream.respond(fields=[("window", str(stream.conn.send_window))])


@stream_case(expect=error("connection_lost"))
async def ping_then_corrupt(stream):
    """A PING and a TLS record that no key decrypts, in one segment: there is an answer, and no way to send it."""
    await stream.send_headers()
    wire = stream.conn.wire
    await wire.write_raw(wire._encrypt(frames.ping()) + b"\x17\x03\x03\x00\x40" + bytes(64))


@stream_case(expect=error("protocol_error"))
async def window_ignored(stream):
    """Two MiB of body at once, whatever the windows are."""
    await stream.send_headers()
    await stream.send_data(pattern(2 * MIB), polite=False)


@stream_case(expect=error("goaway"))
async def goaway_with_kilobyte(stream):
    """GOAWAY with 1,000 bytes of debug data."""
    await stream.conn.goaway(0, Code.ENHANCE_YOUR_CALM, b"d" * 1000)
    await stream.conn.close()


@stream_case(expect=error("goaway"))
async def goaway_with_a_strange_code(stream):
    """GOAWAY with the code that the path ends in, which RFC 9113 does not name."""
    await stream.conn.goaway(0, int(stream.path.rpartition("?")[2]))
    await stream.conn.close()


@stream_case(expect=error("reset"))
async def reset_with_a_strange_code(stream):
    """The same with RST_STREAM."""
    await stream.reset(int(stream.path.rpartition("?")[2]))


@socket_case(expect=error("protocol_error"))
async def wordy(conn):
    """After the handshake comes one long line that is no HTTP/2."""
    conn.wire.use_tls(conn.bed.context_for(conn.case))
    await conn.wire.handshake()
    await conn.wire.write(b"HTTP/1.1 400 " + b"w" * 1000 + b"\r\n\r\n")
    await asyncio.sleep(0.1)
    await conn.wire.close()


@stream_case(expect=error("reset"))
async def flood_of_another_stream(stream):
    """A flood on the connection while another stream has its response."""
    if stream.path.endswith("?first"):
        await stream.send_headers()
        return
    await stream.respond(ok_body(stream.conn.case.name))
    await stream.conn.flood(frames.ping(b"floodpng"))


@connection_case(expect=error("connection_lost"))
async def upload_cut(conn):
    """The connection is gone as soon as a megabyte of the upload has come."""
    await conn.open({Setting.INITIAL_WINDOW_SIZE: MAX_WINDOW})
    await conn.send(frames.window_update(0, MAX_WINDOW - 65535))
    stream = await conn.next_request()
    await stream.upload(at_least=MIB)
    conn.reset()


DEAF = []  # connections that are not read any more


@connection_case(expect=error("protocol_error"))
async def deaf_to_the_first(conn):
    """Of the first connection nothing is read after its request's head; each request on another has 900 PINGs sent there."""
    await conn.open({Setting.INITIAL_WINDOW_SIZE: MAX_WINDOW})
    await conn.send(frames.window_update(0, MAX_WINDOW - 65535))
    if conn.ordinal == 1:
        conn.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        await conn.next_request()
        conn.stop_reading()
        DEAF.append(conn)
        await conn.linger()
    while True:
        stream = await conn.next_request()
        while not DEAF:
            await asyncio.sleep(0.005)
        await DEAF[0].send(frames.ping() * 900)
        await stream.respond()


async def acknowledge_once(conn, late):
    """One ACK for the first two SETTINGS, before the first response; the other after it where `late`."""
    conn.ack_settings = False
    await conn.open()
    said = []

    async def answer(stream):
        await conn.until(lambda: conn.frames_in[Type.SETTINGS] >= 2)
        acks = 0 if said else 1
        said.append(stream)
        await conn.send(frames.settings(ack=True) * acks)
        await stream.send_headers()
        await stream.send_data(pattern(int(stream.path.rsplit("=", 1)[1])), end_stream=True)
        if late and acks:
            await conn.send(frames.settings(ack=True))
    await conn.serve(answer)


@connection_case(expect=ok())
async def one_ack(conn):
    """SETTINGS that come before a response are acknowledged by one frame together, as Go's net/http does."""
    await acknowledge_once(conn, late=False)


@connection_case(expect=ok())
async def late_ack(conn):
    """The second SETTINGS are acknowledged only behind the first response."""
    await acknowledge_once(conn, late=True)


@connection_case(expect=ok())
async def slow_to_read(conn):
    """A small receive buffer; every request gets its response."""
    conn.wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    await conn.open()
    await conn.serve_ok()


@stream_case(expect=ok())
async def one_large_frame(stream):
    """A body of 8 MiB in one DATA frame, as soon as the window is there."""
    await stream.send_headers()
    await stream.conn.until(lambda: min(stream.send_window, stream.conn.send_window) >= 8 * MIB)
    await stream.send_data(pattern(8 * MIB), end_stream=True, frame_size=8 * MIB)


@stream_case(expect=flood())
async def large_frames_of_no_use(stream):
    """Frames of 8 MiB that nobody knows, each after a PING was answered."""
    for number in range(8):
        opaque = number.to_bytes(8, "big")
        await stream.conn.send(frames.frame(0x42, 0, 0, bytes(8 * MIB)) + frames.ping(opaque))
        await stream.conn.until(lambda opaque=opaque: opaque in stream.conn.pings_answered)
    await stream.respond()


DRAINING = []  # streams of connections that have said GOAWAY


@connection_case(expect=ok())
async def goaway_and_hold(conn):
    """Each request gets a head and a graceful GOAWAY; "?release" answers, and ends the stream held longest."""
    await conn.open()
    stream = await conn.next_request()
    if stream.path.endswith("?release"):
        await DRAINING.pop(0).end()
        await stream.respond()
        await conn.linger()
    await stream.send_headers()
    DRAINING.append(stream)
    await conn.goaway(stream.id)
    await conn.linger()
