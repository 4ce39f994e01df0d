// Fails the requests for one URL in turn, then answers them: /fail?with=drop,refuse
//   drop             the connection is destroyed before a response
//   head             the same after the response's head
//   refuse           RST_STREAM REFUSED_STREAM, when the request has come in whole
//   cancel           RST_STREAM CANCEL
//   calm             RST_STREAM ENHANCE_YOUR_CALM
//   goaway:CODE      GOAWAY that excludes this stream (but no earlier one of its connection), then the end
// A failure followed by * goes on for ever. The answer is {count, length, sha256} of this URL's last request as JSON.
// Every request is logged as {event: "request", method, path, count}.
'use strict';
const crypto = require('crypto');
const counts = new Map();

function fail(stream, how) {
  const [name, code] = how.split(':');
  const session = stream.session;
  switch (name) {
    case 'drop': return session.destroy();
    case 'head':
      stream.respond({ ':status': 200 });
      return stream.write('half', () => setImmediate(() => session.destroy()));
    case 'refuse': return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    case 'calm': return stream.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    case 'cancel': return stream.close(http2.constants.NGHTTP2_CANCEL);
    default: // node 18 sends no GOAWAY whose session is closed in the same turn
      session.goaway(Number(code), stream.id - 2);
      return setImmediate(() => session.close());
  }
}

function next(failures, count) {
  const last = failures[failures.length - 1];
  if (count > failures.length && last.endsWith('*')) return last.slice(0, -1);
  const how = failures[count - 1];
  return how && how.replace('*', '');
}

server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  const count = (counts.get(path) || 0) + 1;
  const digest = crypto.createHash('sha256');
  let length = 0;
  counts.set(path, count);
  log({ event: 'request', method: headers[':method'], path, count });
  stream.on('error', () => {});
  stream.on('data', (chunk) => { length += chunk.length; digest.update(chunk); });
  stream.on('end', () => {
    const failures = new URL(path, 'https://localhost').searchParams.get('with');
    const how = failures && next(failures.split(','), count);
    if (how) return fail(stream, how);
    stream.respond({ ':status': 200 });
    stream.end(JSON.stringify({ count, length, sha256: digest.digest('hex') }));
  });
});
