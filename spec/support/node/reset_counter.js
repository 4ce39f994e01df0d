// Speaks HTTP/2 in bare frames over clear text: answers no request until a stream was reset, and every one after that.
'use strict';
const HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, ACK = 1, END_STREAM_AND_HEADERS = 5;
const PREFACE = 24, FRAME_HEADER = 9;
const STATUS_200 = Buffer.from([0x88]); // RFC 7541 appendix A

function frame(type, flags, id, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(FRAME_HEADER);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

server.on('connection', (socket) => {
  let unread = Buffer.alloc(0), skip = PREFACE, resets = 0;
  log({ event: 'session' });
  socket.on('error', () => {});
  socket.write(frame(SETTINGS, 0, 0));
  socket.on('data', (data) => {
    unread = Buffer.concat([unread, data]);
    let at = skip;
    while (unread.length - at >= FRAME_HEADER && unread.length - at >= FRAME_HEADER + unread.readUIntBE(at, 3)) {
      const type = unread[at + 3], flags = unread[at + 4], id = unread.readUInt32BE(at + 5);
      if (type === SETTINGS && !(flags & ACK)) socket.write(frame(SETTINGS, ACK, 0));
      if (type === RST_STREAM) resets++;
      if (type === HEADERS && resets) socket.write(frame(HEADERS, END_STREAM_AND_HEADERS, id, STATUS_200));
      at += FRAME_HEADER + unread.readUIntBE(at, 3);
    }
    skip = Math.max(0, at - unread.length);
    unread = unread.subarray(Math.min(at, unread.length));
  });
});
