// Counts what comes for each host, over HTTP/2 and HTTP/1.1:
//   /hold...         never, until somebody asks /release, which answers all of them in their order
//   /status?n=CODE&after=VALUE   that status, with retry-after where a value is given; &slow=1: its body is held
//   /to?to=URL       a redirect
//   /refuse?to=URL   REFUSED_STREAM once for each query, then 200, or a redirect where `to` is given
//   /report          JSON by host: { count, most } requests, most at a time, and `open` now
// Anything else gets 200 in the next turn. Every request is logged as {event: "request", host, path, protocol}.
'use strict';
const http = require('http');
const held = [];
const hosts = {};
const refused = new Set();

function enter(host, response) {
  const entry = hosts[host] = hosts[host] || { count: 0, most: 0, open: 0 };
  entry.count++;
  entry.most = Math.max(entry.most, ++entry.open);
  let gone = false;
  const leave = () => { if (!gone) entry.open--; gone = true; };
  response.on('close', leave);
  return (...rest) => { leave(); response.end(...rest); };
}

function redirect(to, response, end) {
  response.writeHead(302, { location: to });
  end();
}

function refuse(path, to, response, end) {
  if (refused.has(path)) return to ? redirect(to, response, end) : end();
  refused.add(path);
  response.stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
}

function status(query, response, end) {
  const fields = query.get('after') === null ? {} : { 'retry-after': query.get('after') };
  response.writeHead(Number(query.get('n')), fields);
  if (!query.get('slow')) return end('busy');
  response.write('first');
  held.push(end);
}

function handle(request, response) {
  const absolute = request.url.startsWith('http://') ? new URL(request.url) : null; // asked as a proxy
  const host = absolute ? absolute.host : request.authority || request.headers.host;
  const url = new URL(request.url, 'https://' + host);
  if (url.pathname === '/report') return response.end(JSON.stringify(hosts));
  if (url.pathname === '/release') {
    for (const end of held.splice(0)) end();
    return response.end();
  }
  log({ event: 'request', host: host.replace(/:.*/, ''), path: url.pathname + url.search,
    protocol: request.httpVersion });
  const end = enter(host.replace(/:.*/, ''), response);
  response.on('error', () => {});
  if (url.pathname.startsWith('/hold')) return held.push(end);
  if (url.pathname === '/status') return status(url.searchParams, response, end);
  const to = url.searchParams.get('to');
  if (url.pathname === '/to') return redirect(to, response, end);
  if (url.pathname === '/refuse') return refuse(host + url.search, to, response, end);
  setImmediate(end);
}

// After a client's GOAWAY node 18 may leave before the end of a response is written: the client closes.
server.on('session', (session) => { session.close = () => {}; });

if (options.raw) {
  const plain = http.createServer(handle);
  server.on('connection', (socket) => plain.emit('connection', socket));
} else {
  server.on('request', handle);
}
