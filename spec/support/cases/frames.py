"""Peers whose frames are looked at afterwards."""

from bed import frames
from bed.expect import error
from bed.frames import Code, Setting, Type
from bed.registry import connection_case, stream_case


@connection_case(expect=error("goaway"))
async def frames_of_all_kinds(conn):
    """Settings, known and unknown, an increment, PRIORITY, a frame of an unknown type, GOAWAY."""
    await conn.open({Setting.MAX_CONCURRENT_STREAMS: 7, 0x4242: 99})
    await conn.send(frames.window_update(0, 1000) + frames.frame(Type.PRIORITY, 0, 1, b"\0\0\0\0\1")
                    + frames.frame(0xfa, 0, 0, b"of-the-peer"))
    await conn.goaway(0, Code.ENHANCE_YOUR_CALM)
    await conn.close()


@stream_case(expect=error("timeout"))
async def frames_then_silence(stream):
    """Half a response, then nothing."""
    await stream.upload()
    await stream.send_headers()
    await stream.send_data(b"half")


@stream_case(expect=error("connection_lost"))
async def frames_by_the_hundred(stream):
    """Two hundred increments and a hundred SETTINGS of four numbers each, all acknowledged, then the connection goes."""
    await stream.upload()
    await stream.conn.send(frames.window_update(0, 1) * 200)
    for number in range(100):
        await stream.conn.send_settings({Setting.MAX_CONCURRENT_STREAMS: number, 0x4241: 1, 0x4242: 2, 0x4243: 3})
    await stream.conn.settings_are_acked()
    await stream.conn.close()


@stream_case(expect=error("connection_lost"))
async def frames_with_secrets(stream):
    """Fields and payload that nobody should find again."""
    await stream.upload()
    await stream.send_headers([("x-secret", "of-the-response")])
    await stream.send_data(b"of-the-response")
    await stream.conn.close()
