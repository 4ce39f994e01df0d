// Answers when it is told to, on another connection:
//   /seen...         the pseudo-header fields of the request as JSON, at once; so does every CONNECT and OPTIONS
//   /release         answers all that is held, in its order
//   /calm            resets all that is held with ENHANCE_YOUR_CALM
//   /goaway?last=N&code=C&debug=TEXT     sends that on the oldest connection that holds something
//   /destroy         destroys that connection
//   /hang-up         destroys the socket of every other connection, without a word of HTTP/2
// Anything else is held.
'use strict';
const held = [];
const sockets = new Set();

function seen(stream, raw) {
  const pseudo = {};
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i].startsWith(':')) pseudo[raw[i].slice(1)] = raw[i + 1];
  }
  stream.respond({ ':status': 200 });
  stream.end(JSON.stringify(pseudo));
}

function command(stream, url) {
  const query = url.searchParams;
  const session = held.length ? held[0].session : null;
  if (url.pathname === '/goaway') {
    session.goaway(Number(query.get('code')), Number(query.get('last')), Buffer.from(query.get('debug') || ''));
  } else if (url.pathname === '/destroy') {
    session.destroy();
  } else if (url.pathname === '/hang-up') {
    const own = stream.session.socket.remotePort;
    for (const each of sockets) if (each.remotePort !== own) each.destroy();
  } else if (url.pathname === '/calm') {
    for (const each of held.splice(0)) each.close(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
  } else {
    for (const each of held.splice(0)) {
      if (each.destroyed) continue;
      each.respond({ ':status': 200 });
      each.end('held');
    }
  }
  stream.respond({ ':status': 200 }, { endStream: true });
}

server.on('secureConnection', (socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
});

server.on('stream', (stream, headers, flags, raw) => {
  const path = headers[':path'] || '';
  const url = new URL(path === '*' ? '/' : path, 'https://localhost');
  log({ event: 'request', path, authority: headers[':authority'], id: stream.id });
  stream.on('error', () => {});
  stream.on('close', () => log({ event: 'stream_close', path, code: stream.rstCode }));
  if (url.pathname === '/seen' || !path || headers[':method'] === 'OPTIONS') seen(stream, raw);
  else if (['/release', '/calm', '/goaway', '/destroy', '/hang-up'].includes(url.pathname)) command(stream, url);
  else held.push(stream);
});
