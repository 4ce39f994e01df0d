// Speaks HTTP/2 in bare frames over clear text, as some good servers do; HOW, a line before this, says how.
// "early"    a request with a body has 405 at once; DATA after that has RST_STREAM STREAM_CLOSED, each frame (Go)
// "slow"     200 at the end; each 512 bytes of a body open both windows by as much (Go with a small buffer)
// "reset"    a request without a body has RST_STREAM CANCEL
// "late"     it has no answer until the client resets it; then a whole response comes that was on its way
// All else is answered with 200.
// At the end of a connection {event: "end", resets, updates, code} says what was sent, and the client's GOAWAY.
'use strict';
const DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8;
const ACK = 1, END_STREAM = 1, END_HEADERS = 4;
const PREFACE = 24, FRAME_HEADER = 9, WINDOW = 1 << 20, STEP = 512;
const STREAM_CLOSED = 5, CANCEL = 8;
const STATUS_200 = Buffer.from([0x88]); // RFC 7541 appendix A
const STATUS_405 = Buffer.from([0x08, 3, 0x34, 0x30, 0x35]); // :status without an entry in the table

function frame(type, flags, id, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(FRAME_HEADER);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

function number(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const answer = (id, status = STATUS_200) => frame(HEADERS, END_STREAM | END_HEADERS, id, status);

function window(value) {
  const entry = Buffer.alloc(6);
  entry.writeUInt16BE(4);
  entry.writeUInt32BE(value, 2);
  return frame(SETTINGS, 0, 0, entry);
}

class Peer {
  constructor(socket) {
    Object.assign(this, { socket, out: [], resets: 0, updates: 0, code: null, early: new Set() });
    this.write(window(WINDOW));
    this.write(frame(WINDOW_UPDATE, 0, 0, number(WINDOW - 65535)));
  }

  write(bytes) { this.out.push(bytes); }

  flush() {
    if (this.out.length) this.socket.write(Buffer.concat(this.out));
    this.out = [];
  }

  open(id, length) {
    this.updates++;
    this.write(frame(WINDOW_UPDATE, 0, id, number(length)));
  }

  reset(id, code) {
    this.resets++;
    this.write(frame(RST_STREAM, 0, id, number(code)));
  }

  data(id, flags, payload) {
    if (this.early.has(id)) {
      this.reset(id, STREAM_CLOSED);
      if (payload.length) this.open(0, payload.length);
      return;
    }
    for (let left = payload.length; left > 0; left -= STEP) {
      this.open(id, Math.min(STEP, left));
      this.open(0, Math.min(STEP, left));
    }
    if (flags & END_STREAM) this.write(answer(id));
  }

  head(id, flags) {
    if (!(flags & END_STREAM)) {
      if (HOW !== 'early') return;
      this.early.add(id);
      this.write(answer(id, STATUS_405));
    } else if (HOW === 'reset') {
      this.reset(id, CANCEL);
    } else if (HOW !== 'late') {
      this.write(answer(id));
    }
  }

  take(type, flags, id, payload) {
    if (type === SETTINGS && !(flags & ACK)) this.write(frame(SETTINGS, ACK, 0));
    else if (type === PING && !(flags & ACK)) this.write(frame(PING, ACK, 0, payload));
    else if (type === GOAWAY) this.code = payload.readUInt32BE(4);
    else if (type === HEADERS) this.head(id, flags);
    else if (type === DATA) this.data(id, flags, payload);
    else if (type === RST_STREAM && HOW === 'late') this.write(answer(id));
  }
}

server.on('connection', (socket) => {
  let unread = Buffer.alloc(0), skip = PREFACE;
  const peer = new Peer(socket);
  socket.on('error', () => {});
  socket.on('close', () => log({ event: 'end', resets: peer.resets, updates: peer.updates, code: peer.code }));
  peer.flush();
  socket.on('data', (data) => {
    unread = Buffer.concat([unread, data]);
    let at = skip;
    while (unread.length - at >= FRAME_HEADER && unread.length - at >= FRAME_HEADER + unread.readUIntBE(at, 3)) {
      const length = unread.readUIntBE(at, 3), payload = unread.subarray(at + FRAME_HEADER, at + FRAME_HEADER + length);
      peer.take(unread[at + 3], unread[at + 4], unread.readUInt32BE(at + 5), payload);
      at += FRAME_HEADER + length;
    }
    skip = Math.max(0, at - unread.length);
    unread = unread.subarray(Math.min(at, unread.length));
    peer.flush();
  });
});
