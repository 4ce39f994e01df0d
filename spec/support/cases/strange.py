"""Single faults and oddities, one request each: what each must come to stands beside it."""

import gzip
import zlib

from bed import frames
from bed.expect import either, error, ok
from bed.frames import MAX_WINDOW, STATUS_200, Code, Flag, Setting, Type, block, indexed, literal, table_size
from bed.payloads import MIB
from bed.registry import request, stream_case

BODY = b"strange\n"
LENGTH = "content-length"
fine = ok(body=BODY)
refused = error("protocol_error", retry_safe=False)
broken = error("protocol_error")


async def finish(stream):
    await stream.send_data(BODY, end_stream=True)


# --- header blocks --------------------------------------------------------------------

def with_fields(*fields):
    return STATUS_200 + block(*fields)


def status(text):
    return block((":status", text))


HEADER_BLOCKS = {
    "status-000": (status("000"), refused),
    "status-001": (status("001"), refused),
    "status-099": (status("099"), refused),
    "status-101": (status("101"), refused),
    "status-1000": (status("1000"), refused),
    "status-20": (status("20"), refused),
    "status-signed": (status("+20"), refused),
    "status-with-blank": (status("20 "), refused),
    "status-with-nul": (status("2\0\0"), refused),
    "status-twice-the-same": (STATUS_200 * 2, refused),
    "block-empty": (b"", refused),
    "pseudo-method": (with_fields((":method", "GET")), refused),
    "pseudo-authority": (with_fields((":authority", "a")), refused),
    "pseudo-scheme": (with_fields((":scheme", "https")), refused),
    "pseudo-protocol": (with_fields((":protocol", "websocket")), refused),
    "pseudo-unknown": (with_fields((":strange", "x")), refused),
    "pseudo-without-name": (with_fields((":", "x")), refused),
    "name-empty": (with_fields(("", "x")), refused),
    "name-with-colon": (with_fields(("a:b", "x")), refused),
    "name-with-nul": (with_fields(("a\0b", "x")), refused),
    "name-with-lf": (with_fields(("a\nb", "x")), refused),
    "name-with-high-byte": (with_fields((b"a\xffb", "x")), refused),
    "name-in-mixed-case": (with_fields(("aBc", "x")), refused),
    "value-with-cr": (with_fields(("x-a", "a\rb")), refused),
    "value-with-lf": (with_fields(("x-a", "a\nb")), refused),
    "value-with-nul": (with_fields(("x-a", "a\0b")), refused),
    "value-with-controls": (with_fields(("x-a", "a\x01\x7fb")), fine),
    "value-with-controls-and-nul": (with_fields(("x-a", "a\x01\0b")), refused),
    "name-and-value-with-controls": (with_fields(("a\x01", "a\x01b")), refused),
    "length-with-controls": (with_fields((LENGTH, "8\x01")), refused),
    "connection-with-controls": (with_fields(("connection", "close\x01")), refused),
    "value-with-tab": (with_fields(("x-a", "a\tb")), fine),
    "value-of-60-kib": (with_fields(("x-a", "v" * 60000)), fine),
    "value-of-100-kib": (with_fields(("x-a", "v" * 100000)), refused),
    "field-keep-alive": (with_fields(("keep-alive", "timeout=5")), refused),
    "field-proxy-connection": (with_fields(("proxy-connection", "keep-alive")), refused),
    "field-upgrade": (with_fields(("upgrade", "h2c")), refused),
    "field-te": (with_fields(("te", "gzip")), refused),
    "hpack-index-of-nothing": (STATUS_200 + indexed(62), broken),
    "hpack-integer-overflow": (STATUS_200 + b"\xff" * 21 + b"\x01", broken),
    "hpack-integer-cut": (STATUS_200 + b"\xff\xff", broken),
    "hpack-value-of-4-gib": (STATUS_200 + b"\x00\x01a\x7f\xff\xff\xff\xff\x0f", broken),
    "hpack-huffman-padded-with-zeros": (STATUS_200 + b"\x00\x01x\x81\x00", broken),
    "hpack-huffman-padded-too-long": (STATUS_200 + b"\x00\x01x\x82\x1f\xff", broken),
    "hpack-table-4096": (table_size(4096) + STATUS_200, fine),
    "hpack-table-4097": (table_size(4097) + STATUS_200, broken),
    "hpack-table-in-the-middle": (STATUS_200 + table_size(0) + literal("x-a", "1"), broken),
    "hpack-entry-evicted": (STATUS_200 + literal("x-a", "1", True) + literal("x-b", "v" * 4030, True) + indexed(63),
                            broken),
    "hpack-never-indexed": (STATUS_200 + b"\x10\x01a\x01b", fine),
}


def sent_as_block(title, header_block, expect):
    @stream_case(name=title, about=f"{title}: such a header block, and a body.", expect=expect)
    async def answer(stream):
        await stream.send_block(header_block)
        await finish(stream)


for _title, (_block, _expect) in HEADER_BLOCKS.items():
    sent_as_block(_title, _block, _expect)


# --- content-encoding -----------------------------------------------------------------

@stream_case(expect=ok(body=BODY))
async def encoding_in_two_fields(stream):
    """content-encoding twice: the two lines are one list, undone from its end."""
    await stream.send_headers([("content-encoding", "deflate"), ("content-encoding", "gzip")])
    await stream.send_data(gzip.compress(zlib.compress(BODY), mtime=0), end_stream=True)


# --- content-length -------------------------------------------------------------------

three = ok(body=b"abc")

LENGTHS = {
    "length-plus": (["+3"], refused),
    "length-hexadecimal": (["0x3"], refused),
    "length-fraction": (["3.0"], refused),
    "length-empty": ([""], refused),
    "length-zero": (["0"], refused),
    "length-list-equal": (["3, 3"], either(refused, three)),
    "length-list-different": (["3, 4"], refused),
    "length-of-100-digits": (["9" * 100], refused),
    "length-2-to-the-64th-and-3": ([str(2**64 + 3)], refused),
    "length-twice-equal": (["3", "3"], either(refused, three)),
}


def sent_with_lengths(title, values, expect):
    @stream_case(name=title, about=f"{title}: content-length {values}, three bytes follow.", expect=expect)
    async def answer(stream):
        await stream.send_headers([(LENGTH, value) for value in values])
        await stream.send_data(b"abc", end_stream=True)


for _title, (_values, _expect) in LENGTHS.items():
    sent_with_lengths(_title, _values, _expect)


@stream_case(expect=either(refused, ok(body=b"")), request=request("HEAD"))
async def head_with_body(stream):
    """HEAD is answered with a body."""
    await stream.send_headers([(LENGTH, "3")])
    await stream.send_data(b"abc", end_stream=True)


@stream_case(expect=either(refused, ok(status=304, body=b"")))
async def body_on_304(stream):
    """A 304 with a body."""
    await stream.send_headers(status=304)
    await stream.send_data(b"abc", end_stream=True)


@stream_case(expect=error("connection_lost", retry_safe=False))
async def length_reached_then_close(stream):
    """All that content-length announces has come, but no END_STREAM: the connection closes."""
    await stream.send_headers([(LENGTH, "10")])
    await stream.send_data(b"0123456789")
    await stream.conn.close()


# --- heads that follow others --------------------------------------------------------

@stream_case(expect=refused)
async def head_twice(stream):
    """200, and then 404."""
    await stream.send_headers()
    await stream.send_headers(status=404)
    await finish(stream)


@stream_case(expect=refused)
async def interim_after_final(stream):
    """100 after 200."""
    await stream.send_headers()
    await stream.send_headers(status=100)
    await finish(stream)


@stream_case(expect=refused)
async def interim_then_data(stream):
    """103, and then DATA."""
    await stream.send_headers(status=103)
    await stream.send_data(b"x", end_stream=True)


@stream_case(expect=refused)
async def interim_malformed(stream):
    """103 with a field name in upper case, and then a fine response."""
    await stream.send_block(block((":status", "103"), ("Bad", "x")))
    await stream.respond(BODY)


@stream_case(expect=fine)
async def interim_500(stream):
    """103 five hundred times, and then the response."""
    for _ in range(500):
        await stream.send_headers(status=103)
    await stream.respond(BODY)


@stream_case(expect=refused)
async def trailers_with_nul(stream):
    """Trailers with NUL in a value."""
    await stream.send_headers()
    await stream.send_block(block(("x-t", "\0")), end_stream=True)


@stream_case(expect=refused)
async def trailers_with_connection(stream):
    """Trailers with a connection-specific field."""
    await stream.send_headers()
    await stream.send_block(block(("connection", "close")), end_stream=True)


@stream_case(expect=ok(body=b"x"))
async def trailers_empty(stream):
    """Trailers without a field."""
    await stream.send_headers()
    await stream.send_data(b"x")
    await stream.send_block(b"", end_stream=True)


@stream_case(expect=refused)
async def trailers_before_their_time(stream):
    """content-length 10, one byte, and trailers."""
    await stream.send_headers([(LENGTH, "10")])
    await stream.send_data(b"x")
    await stream.send_block(block(("x-t", "y")), end_stream=True)


@stream_case(expect=ok(body=bytes(200000)))
async def data_beyond_the_window(stream):
    """200,000 bytes, whatever the window is."""
    await stream.send_headers()
    await stream.conn.send(frames.data(stream.id, bytes(10000)) * 20)
    await stream.conn.send(frames.data(stream.id, end_stream=True))


@stream_case(expect=fine)
async def continuation_of_bytes(stream):
    """A header block in frames of one byte."""
    await stream.conn.send(frames.header_block(stream.id, with_fields(("x-a", "b" * 50)), size=1))
    await finish(stream)


# --- frames inside a header block, or inside a response --------------------------------

INSIDE_A_BLOCK = {
    "goaway": lambda number: frames.goaway(number), "settings": lambda number: frames.settings(),
    "ping": lambda number: frames.ping(), "rst": lambda number: frames.rst_stream(number, Code.CANCEL),
    "unknown": lambda number: frames.frame(0x42, 0, number),
    "headers": lambda number: frames.headers(number, b""),
}


def sent_inside_a_block(title, make):
    @stream_case(name=f"{title}-inside-a-block", about=f"{title} between HEADERS and CONTINUATION.", expect=broken)
    async def answer(stream):
        await stream.conn.send(frames.headers(stream.id, STATUS_200, end_headers=False) + make(stream.id)
                               + frames.continuation(stream.id, b"", end_headers=True))
        await finish(stream)


for _title, _make in INSIDE_A_BLOCK.items():
    sent_inside_a_block(_title, _make)

INSIDE_A_RESPONSE = {
    "window-update-on-idle": (lambda number: frames.window_update(number + 10, 5), broken),
    "window-update-on-even": (lambda number: frames.window_update(2, 5), broken),
    "window-update-short": (lambda number: frames.frame(Type.WINDOW_UPDATE, 0, 0, b"\0\0\1"), broken),
    "window-update-reserved-bit": (lambda number: frames.window_update(0, 1 << 31 | 5), fine),
    "window-overflow-stream": (lambda number: frames.window_update(number, MAX_WINDOW) * 2, refused),
    "data-on-even": (lambda number: frames.data(2, b"x"), broken),
    "data-padded-without-length": (lambda number: frames.frame(Type.DATA, Flag.PADDED, number), broken),
    "data-all-padding": (lambda number: frames.data(number, pad=5), fine),
    "rst-on-stream-zero": (lambda number: frames.rst_stream(0, Code.CANCEL), broken),
    "rst-on-even": (lambda number: frames.rst_stream(2, Code.CANCEL), broken),
    "rst-short": (lambda number: frames.frame(Type.RST_STREAM, 0, number, b"\0\0\0"), broken),
    "ping-long": (lambda number: frames.ping(b"123456789"), broken),
    "ping-answer-unasked": (lambda number: frames.ping(ack=True) * 10, fine),
    "settings-of-7-bytes": (lambda number: frames.frame(Type.SETTINGS, 0, 0, b"1234567"), broken),
    "settings-acked-unasked": (lambda number: frames.settings(ack=True) * 2, broken),
    "priority-short": (lambda number: frames.frame(Type.PRIORITY, 0, number, b"1234"), broken),
    "priority-on-stream-zero": (lambda number: frames.priority(0, 1), broken),
    "push-of-odd-stream": (lambda number: frames.push_promise(number, number + 2, b"\x82\x87\x84"), broken),
    "push-on-stream-zero": (lambda number: frames.push_promise(0, 2, b"\x82\x87\x84"), broken),
    "goaway-on-a-stream": (lambda number: frames.frame(Type.GOAWAY, 0, number, bytes(8)), broken),
    "goaway-that-grows": (lambda number: frames.goaway(number) + frames.goaway(number + 2), broken),
    "goaway-twice": (lambda number: frames.goaway(number) * 2, fine),
    "goaway-of-unknown-code": (lambda number: frames.goaway(number, 0xDEADBEEF), fine),
    "goaway-behind-the-head": (lambda number: frames.goaway(0), error("goaway", retry_safe=False)),
    "headers-on-idle": (lambda number: frames.headers(number + 2, STATUS_200, end_stream=True), broken),
    "unknown-frame-too-large": (lambda number: frames.frame(0x77, 0, 0, bytes(16385)), broken),
    "unknown-frame-of-full-size": (lambda number: frames.frame(0x77, 0xFF, number + 200, bytes(16384)), fine),
}


def sent_inside_a_response(title, make, expect):
    @stream_case(name=title, about=f"{title} between HEADERS and DATA.", expect=expect)
    async def answer(stream):
        await stream.send_headers()
        await stream.conn.send(make(stream.id))
        await finish(stream)


for _title, (_make, _expect) in INSIDE_A_RESPONSE.items():
    sent_inside_a_response(_title, _make, _expect)

SETTINGS = {
    "settings-max-frame-16383": ({Setting.MAX_FRAME_SIZE: 16383}, broken),
    "settings-max-frame-2-to-the-24th": ({Setting.MAX_FRAME_SIZE: 2**24}, broken),
    "settings-largest-window": ({Setting.INITIAL_WINDOW_SIZE: MAX_WINDOW}, fine),
    "settings-window-all-ones": ({Setting.INITIAL_WINDOW_SIZE: 2**32 - 1}, broken),
    "settings-table-all-ones": ({Setting.HEADER_TABLE_SIZE: 2**32 - 1}, fine),
    "settings-table-thrice": ([(Setting.HEADER_TABLE_SIZE, size) for size in (100, 0, 65536)], fine),
}


def sent_as_settings(title, values, expect):
    @stream_case(name=title, about=f"{title} between HEADERS and DATA.", expect=expect)
    async def answer(stream):
        await stream.send_headers()
        await stream.conn.send_settings(values)
        await finish(stream)


for _title, (_values, _expect) in SETTINGS.items():
    sent_as_settings(_title, _values, _expect)


@stream_case(expect=refused)
async def window_opened_by_settings(stream):
    """WINDOW_UPDATE to 2^31-1 bytes, then SETTINGS with one byte more."""
    await stream.send_headers()
    await stream.conn.send(frames.window_update(stream.id, MAX_WINDOW - 65535))
    await stream.conn.send_settings({Setting.INITIAL_WINDOW_SIZE: 65536})
    await finish(stream)


# --- RST_STREAM -------------------------------------------------------------------------

def reset_after_a_head(code):
    @stream_case(name=f"rst-after-head-{code:#x}", about=f"RST_STREAM with code {code:#x} in the body.",
                 expect=error("reset", retry_safe=False))
    async def answer(stream):
        await stream.send_headers()
        await stream.send_data(b"x")
        await stream.reset(code)


for _code in (Code.NO_ERROR, Code.REFUSED_STREAM, Code.HTTP_1_1_REQUIRED, 14, 0xFFFFFFFF):
    reset_after_a_head(_code)


@stream_case(expect=ok(status=500, body=BODY), request=request("POST", upload=4 * MIB))
async def rst_of_an_upload_after_its_response(stream):
    """500 and RST_STREAM(CANCEL) with most of the upload unsent."""
    await stream.upload(at_least=16384)
    await stream.respond(BODY, status=500)
    await stream.reset(Code.CANCEL)


@stream_case(expect=error("reset", retry_safe=False), request=request("POST", upload=4 * MIB))
async def rst_of_an_upload_in_its_response(stream):
    """A head, half a body and RST_STREAM(NO_ERROR) with most of the upload unsent."""
    await stream.upload(at_least=16384)
    await stream.send_headers()
    await stream.send_data(b"half")
    await stream.reset(Code.NO_ERROR)


ANNOUNCED_AND_RESET = {
    "rst-at-the-announced-end": (Code.NO_ERROR, len(BODY), fine),
    "rst-before-the-announced-end": (Code.NO_ERROR, len(BODY) + 1, error("reset", retry_safe=False)),
    "rst-with-cancel-at-the-announced-end": (Code.CANCEL, len(BODY), error("reset", retry_safe=False)),
}


def reset_at_a_length(title, code, announced, expect):
    @stream_case(name=title, about=f"{title}: content-length {announced}, {len(BODY)} bytes, and {code.name}.", expect=expect)
    async def answer(stream):
        await stream.send_headers([(LENGTH, str(announced))])
        await stream.send_data(BODY)
        await stream.reset(code)


for _title, (_code, _announced, _expect) in ANNOUNCED_AND_RESET.items():
    reset_at_a_length(_title, _code, _announced, _expect)


@stream_case(expect=ok(body=b""))
async def rst_at_the_end_of_nothing(stream):
    """content-length 0, no END_STREAM, and RST_STREAM(NO_ERROR)."""
    await stream.send_headers([(LENGTH, "0")])
    await stream.reset(Code.NO_ERROR)


@stream_case(expect=error("reset", retry_safe=False), request=request("HEAD"))
async def rst_of_a_head_request(stream):
    """HEAD: content-length 8, no END_STREAM, and RST_STREAM(NO_ERROR)."""
    await stream.send_headers([(LENGTH, "8")])
    await stream.reset(Code.NO_ERROR)
