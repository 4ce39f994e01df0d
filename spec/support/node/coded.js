// Bodies in content codings. A query says what comes:
//   codings=br,gzip  applied in this order; raw is deflate without zlib's header, flush-gzip ends its data late
//   say=TEXT         content-encoding; else the codings
//   n=BYTES          of text (default 1000); zeros=MIB: so many MiB of zeros instead
//   cut=N            only the first N coded bytes; flip=N: that byte is wrong; tail=TEXT: behind the coded bytes
//   each=N           in DATA frames of N bytes
//   status=CODE      instead of 200
//   announce=1       content-length
// /members: several gzip members, tail behind. /steps?coding=: one body in flushed pieces, the next one with each /next.
// /gzip: one gzip member; fields=extra,name,comment,sum,wrong-sum are in its header, flags=N is put into its flags,
//   isize=N is the size it says, crc=1: its checksum is wrong.
// /random?seed=N: gzip, made in one of many ways from one of many texts.
// /bursts: n bytes, and no end; so many more on it with each /burst.
// /hold: coded bytes, and no end. /drop: the same, and the connection is destroyed. /lengths: how many bytes the coded body has. /echo: the request's fields.
'use strict';
const zlib = require('zlib');
const { execFileSync } = require('child_process');

const zstd = (bytes) => execFileSync('zstd', ['-q', '-c'], { input: bytes, maxBuffer: 1 << 30 });
const wide = (bytes) => execFileSync('zstd', ['-q', '-c', '--long=27'], { input: bytes, maxBuffer: 1 << 30 });
const QUICK = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5, [zlib.constants.BROTLI_PARAM_LGWIN]: 24 } };
const LARGE = { params: { [zlib.constants.BROTLI_PARAM_LARGE_WINDOW]: 1, [zlib.constants.BROTLI_PARAM_LGWIN]: 28 } };
const coders = {
  gzip: zlib.gzipSync, deflate: zlib.deflateSync, raw: zlib.deflateRawSync, br: (bytes) => zlib.brotliCompressSync(bytes, QUICK), zstd, wide,
  'br-large': (bytes) => zlib.brotliCompressSync(bytes, LARGE),
};
const made = new Map();
let steps = null;
let bursts = null;

function text(length) {
  let lines = '';
  for (let i = 0; lines.length < length; i++) lines += `${i} a line of text ${i * i}\n`;
  return Buffer.from(lines.slice(0, length));
}

function coded(query) {
  const key = ['codings', 'n', 'zeros'].map((name) => query.get(name)).join('|');
  if (!made.has(key)) {
    let bytes = query.get('zeros') ? Buffer.alloc(Number(query.get('zeros')) * 2 ** 20) : text(Number(query.get('n') || 1000));
    for (const name of (query.get('codings') || '').split(',').filter(Boolean)) bytes = coders[name](bytes);
    made.set(key, bytes);
  }
  return made.get(key);
}

const u16 = (number) => Buffer.from([number & 255, number >> 8 & 255]);
const crc = (bytes) => zlib.gzipSync(bytes).readUInt32LE(zlib.gzipSync(bytes).length - 8);

function member(query) {
  const bytes = zlib.gzipSync(text(Number(query.get('n') || 1000)));
  const fields = (query.get('fields') || '').split(',');
  const has = (name, bit) => (fields.includes(name) ? bit : 0);
  const flags = has('extra', 4) | has('name', 8) | has('comment', 16) | has('sum', 2) | has('wrong-sum', 2);
  const parts = [Buffer.from([0x1f, 0x8b, 8, flags | Number(query.get('flags') || 0), 1, 2, 3, 4, 2, 3])];
  if (has('extra', 1)) parts.push(u16(7), Buffer.from('AB\x03\0abc'));
  if (has('name', 1)) parts.push(Buffer.from('a name\0'));
  if (has('comment', 1)) parts.push(Buffer.from('a comment\0'));
  if (has('sum', 1)) parts.push(u16(crc(Buffer.concat(parts))));
  if (has('wrong-sum', 1)) parts.push(u16(crc(Buffer.concat(parts)) ^ 1));
  const trailer = Buffer.from(bytes.subarray(-8));
  if (query.get('isize')) trailer.writeUInt32LE(Number(query.get('isize')), 4);
  if (query.get('crc')) trailer[0] ^= 1;
  return Buffer.concat([...parts, bytes.subarray(10, -8), trailer]);
}

// A seed makes the same bytes each time: runs of noise, of few letters, and of what came before.
function random(seed) {
  let state = seed * 2654435761 >>> 0;
  const next = (below) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor(state / 2 ** 32 * below); };
  const bytes = Buffer.alloc(next(2) ? next(3000) : next(150000));
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + next(600)), kind = next(3), back = 1 + next(40000);
    for (; at < end; at++) bytes[at] = kind === 0 ? next(256) : kind === 1 ? 97 + next(4) : bytes[Math.max(0, at - back)];
  }
  const made = zlib.gzipSync(bytes, { level: next(10), strategy: next(5), memLevel: 1 + next(9), windowBits: 9 + next(7) });
  if (next(4) === 0) made[next(made.length)] ^= 1 << next(8);
  return next(8) === 0 ? made.subarray(0, next(made.length)) : made;
}

function body(query, whole) {
  let bytes = Buffer.from(whole || coded(query));
  if (query.get('cut')) bytes = bytes.subarray(0, Number(query.get('cut')));
  if (query.get('flip')) bytes[Number(query.get('flip'))] ^= 0x55;
  return query.get('tail') ? Buffer.concat([bytes, Buffer.from(query.get('tail'))]) : bytes;
}

function head(query, bytes) {
  const fields = { ':status': Number(query.get('status') || 200) };
  if (query.get('say')) fields['content-encoding'] = query.get('say');
  else if (query.get('codings')) fields['content-encoding'] = query.get('codings').replace(/,/g, ', ');
  if (query.get('announce')) fields['content-length'] = bytes.length;
  return fields;
}

function send(stream, query, bytes, end) {
  stream.respond(head(query, bytes));
  const each = Number(query.get('each') || bytes.length || 1);
  for (let i = 0; i < bytes.length; i += each) stream.write(bytes.subarray(i, i + each));
  if (end) stream.end();
}

const answers = {
  '/': (stream, query) => send(stream, query, body(query), true),
  '/gzip': (stream, query) => { query.set('say', 'gzip'); send(stream, query, body(query, member(query)), true); },
  '/random': (stream, query) => { query.set('say', 'gzip'); send(stream, query, random(Number(query.get('seed'))), true); },
  '/hold': (stream, query) => send(stream, query, body(query), false),
  '/lengths': (stream, query) => { stream.respond({ ':status': 200 }); stream.end(String(coded(query).length)); },
  '/members': (stream, query) => {
    const parts = ['one ', 'two ', '', 'three'].map((part) => zlib.gzipSync(part));
    send(stream, query, Buffer.concat([...parts, Buffer.from(query.get('tail') || '')]), true);
  },
  '/steps': (stream, query) => {
    const coding = query.get('coding') || 'gzip';
    stream.respond({ ':status': 200, 'content-encoding': coding });
    if (coding === 'zstd') { // a frame for each piece
      steps = { write: (word) => stream.write(zstd(word)), flush: () => {}, end: () => stream.end() };
      return;
    }
    steps = { gzip: zlib.createGzip, deflate: zlib.createDeflate, br: zlib.createBrotliCompress }[coding]();
    steps.pipe(stream);
  },
  '/next': (stream, query) => {
    const word = query.get('word');
    if (word) { steps.write(word); steps.flush(); } else { steps.end(); }
    stream.respond({ ':status': 200 });
    stream.end();
  },
  '/bursts': (stream, query) => { bursts = stream; send(stream, query, body(query), false); },
  '/burst': (stream, query) => {
    bursts.write(body(query));
    stream.respond({ ':status': 200 });
    stream.end();
  },
  '/echo': (stream, query, headers) => { stream.respond({ ':status': 200 }); stream.end(JSON.stringify(headers)); },
  '/early': (stream) => {
    stream.additionalHeaders({ ':status': 103, 'content-encoding': 'gzip' });
    stream.respond({ ':status': 200 });
    stream.end('plain');
  },
  '/drop': (stream, query) => {
    const bytes = body(query);
    stream.respond(head(query, bytes));
    stream.write(bytes, () => stream.session.destroy());
  },
};

server.on('stream', (stream, headers) => {
  const url = new URL(headers[':path'], 'https://localhost');
  stream.on('error', () => {});
  stream.on('close', () => log({ event: 'stream_close', path: url.pathname, code: stream.rstCode }));
  answers[url.pathname](stream, url.searchParams, headers);
});
