// A site with what browsers expect. Every request is logged as {event: "request", method, path, fields, length}.
//   /to?status=N&location=L   a redirect; &size=N: with a body of so many bytes
//   /chain?n=N          N redirects, then /echo
//   /repeat?n=N         a redirect with a Location of N bytes
//   /set?c=COOKIE...    those Set-Cookie fields, and what &then=URL redirects to
//   everything else     the request as JSON: method, path, fields (map), body
'use strict';
const respond = (stream, status, fields, body) => {
  if (stream.destroyed) return;
  stream.respond({ ':status': status, ...fields });
  stream.end(body);
};

function answer(stream, headers, body) {
  const url = new URL(headers[':path'], 'https://localhost');
  const query = url.searchParams;
  const fields = {};
  for (const name of Object.keys(headers)) if (name[0] !== ':') fields[name] = headers[name];
  const seen = { method: headers[':method'], path: headers[':path'], authority: headers[':authority'], fields,
    body: body.toString('latin1') };
  log({ event: 'request', ...seen, body: undefined, length: body.length });
  const location = query.has('location') && Buffer.from(query.get('location'), 'utf8').toString('latin1');
  const turn = Number(query.get('n'));
  switch (url.pathname) {
    case '/to':
      return respond(stream, Number(query.get('status') || 302), location !== false ? { location } : {},
        'x'.repeat(Number(query.get('size') || 0)));
    case '/chain':
      return respond(stream, 302, { location: turn > 1 ? `/chain?n=${turn - 1}` : '/echo' });
    case '/repeat': return respond(stream, 302, { location: '/' + 'a'.repeat(turn - 1) });
    case '/set':
      return respond(stream, query.get('then') ? 303 : 200, { 'set-cookie': query.getAll('c'),
        ...(query.get('then') ? { location: query.get('then') } : {}) }, 'set');
    default:
      return respond(stream, 200, { 'content-type': 'application/json' },
        headers[':method'] === 'HEAD' ? '' : JSON.stringify(seen));
  }
}

server.on('stream', (stream, headers) => {
  const pieces = [];
  stream.on('error', () => {});
  stream.on('data', (piece) => pieces.push(piece));
  stream.on('end', () => answer(stream, headers, Buffer.concat(pieces)));
});
