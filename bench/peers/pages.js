// A site without files: node pages.js PORT PAGES LINKS. Each page names the next LINKS of a tree of PAGES, on every host
// that is asked for; over h2c. /least is the shortest time between two requests to one host so far, in ms; it is
// forgotten then. Another port that it names on standard output accepts and never answers.
'use strict';
const http2 = require('http2');
const net = require('net');

const [port, pages, links] = process.argv.slice(2).map(Number);
let last = new Map();
let least = Infinity;

function note(host) {
  const now = performance.now();
  if (last.has(host)) least = Math.min(least, now - last.get(host));
  last.set(host, now);
}

function body(host, n) {
  let text = `<title>page ${n} of ${host}</title>`;
  for (let i = 0; i < links; i++) {
    const to = links * (n - 1) + 2 + i;
    text += to <= pages ? `<a href="/p/${to}">${to}</a>` : `<a href="/p/${(to * 7919) % (pages - 1) + 2}">x</a>`;
  }
  return text;
}

http2.createServer().on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const path = headers[':path'];
  stream.respond({ ':status': 200, 'content-type': 'text/html' });
  if (path === '/least') {
    stream.end(String(least));
    last = new Map();
    least = Infinity;
    return;
  }
  note(headers[':authority']);
  stream.end(body(headers[':authority'], path === '/' ? 1 : parseInt(path.slice(3), 10)));
}).listen(port, '127.0.0.1');
net.createServer(() => {}).listen(port + 1, '127.0.0.1');
