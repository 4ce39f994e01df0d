// Answers by path:
//   /echo            the request as JSON: pseudo, fields (list of pairs in wire order), length, sha256, trailers
//   /size?n=BYTES    so many bytes; &announce=1 adds content-length
//   /slow?ms=N       200 after N milliseconds
//   /hold            never, until somebody asks /release, which answers all of them in their order
//   /informational   102 and 103, then 200
//   /trailers        a body, then trailers
//   /status?n=CODE   that status
//   /break?n=BYTES   so many bytes of a longer body, then RST_STREAM INTERNAL_ERROR
//   /drop            so many bytes of a longer body, then the connection is destroyed
//   /bigheader?n=N   a header field of N bytes
//   /goaway          200, and GOAWAY NO_ERROR after it
// Every request is logged as {event: "request", path, open} where `open` counts streams open at that moment.
'use strict';
const crypto = require('crypto');
const held = [];
const LINE = Buffer.from('0123456789abcde\n');
let open = 0;

function bytes(length) {
  return Buffer.alloc(length, LINE);
}

function echo(stream, headers, flags, raw) {
  const digest = crypto.createHash('sha256');
  let length = 0;
  let trailers = null;
  stream.on('trailers', (fields) => { trailers = fields; });
  stream.on('data', (chunk) => { length += chunk.length; digest.update(chunk); });
  stream.on('end', () => {
    if (stream.destroyed) return; // reset in mid-upload
    const fields = [];
    const pseudo = {};
    for (let i = 0; i < raw.length; i += 2) {
      if (raw[i].startsWith(':')) pseudo[raw[i].slice(1)] = raw[i + 1];
      else fields.push([raw[i], raw[i + 1]]);
    }
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    stream.end(JSON.stringify({ pseudo, fields, length, sha256: digest.digest('hex'), trailers }));
  });
}

function size(stream, query) {
  const length = Number(query.get('n'));
  stream.respond({ ':status': 200, ...(query.get('announce') ? { 'content-length': length } : {}) });
  stream.end(bytes(length));
}

function release(stream) {
  for (const each of held.splice(0)) {
    if (!each.stream.destroyed) each.stream.respond({ ':status': 200 }), each.stream.end(each.path);
  }
  stream.respond({ ':status': 200 }, { endStream: true });
}

function partial(stream, query, then) {
  const length = Number(query.get('n') || 1000);
  stream.respond({ ':status': 200, ...(query.get('announce') ? { 'content-length': length * 2 } : {}) });
  stream.write(bytes(length), () => setImmediate(then));
}

function withTrailers(stream) {
  stream.respond({ ':status': 200 }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-checksum': 'abc', 'x-two': '2' }));
  stream.end('body');
}

function informational(stream) {
  stream.additionalHeaders({ ':status': 102 });
  stream.additionalHeaders({ ':status': 103, link: '</style.css>; rel=preload' });
  stream.respond({ ':status': 200 });
  stream.end('done');
}

const simple = (stream, headers, body = 'ok') => { stream.respond({ ':status': 200, ...headers }); stream.end(body); };

server.on('stream', (stream, headers, flags, raw) => {
  const url = new URL(headers[':path'], 'https://localhost');
  const query = url.searchParams;
  open += 1;
  log({ event: 'request', path: headers[':path'], authority: headers[':authority'], open });
  stream.on('close', () => { open -= 1; log({ event: 'stream_close', path: headers[':path'], code: stream.rstCode }); });
  stream.on('error', () => {});
  switch (url.pathname) {
    case '/echo': return echo(stream, headers, flags, raw);
    case '/size': return size(stream, query);
    case '/slow': return setTimeout(() => stream.destroyed || simple(stream), Number(query.get('ms')));
    case '/hold': return held.push({ stream, path: headers[':path'] });
    case '/release': return release(stream);
    case '/informational': return informational(stream);
    case '/trailers': return withTrailers(stream);
    case '/status': stream.respond({ ':status': Number(query.get('n')) }); return stream.end();
    case '/break': return partial(stream, query, () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
    case '/drop': return partial(stream, query, () => stream.session.destroy());
    case '/bigheader': return simple(stream, { 'x-big': 'a'.repeat(Number(query.get('n'))) });
    case '/goaway': simple(stream, {}); return stream.session.goaway(0);
    default: stream.respond({ ':status': 404 }); return stream.end('no such page');
  }
});
