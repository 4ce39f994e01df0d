// Takes bodies and says how, as JSON {bytes, before, expect, fields}: `before` is what had come when 100 was sent.
//   /continue   100 (Continue) after a while, the answer when the body has ended
//   /silent     no 100, the answer when the body has ended; `waited` milliseconds from head to first byte
//   /refuse     417 at once
'use strict';

server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  const started = Date.now();
  const seen = { bytes: 0, before: null, waited: null, expect: headers.expect || null };
  stream.on('error', () => {});
  stream.on('close', () => log({ event: 'stream_close', path, code: stream.rstCode, ...seen }));
  log({ event: 'request', path });
  if (path === '/refuse') {
    stream.respond({ ':status': 417 }, { endStream: true });
    return;
  }
  if (path === '/continue') {
    setTimeout(() => {
      seen.before = seen.bytes;
      if (!stream.destroyed) stream.additionalHeaders({ ':status': 100 });
    }, 150);
  }
  stream.on('data', (chunk) => {
    if (seen.waited === null) seen.waited = Date.now() - started;
    seen.bytes += chunk.length;
  });
  stream.on('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200 });
    stream.end(JSON.stringify(seen));
  });
});
