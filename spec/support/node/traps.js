// Hosts that are traps for crawlers: what each answers stands in a file of JSON, written by spec/support/trap_site.lua.
//   host -> path -> { status, headers, body (base64), end }; end: "stall" says nothing, "drop" ends it in mid-body,
//   "busy" is 503 once. `endless` of a host names what answers all other paths.
'use strict';
const fs = require('fs');
const zlib = require('zlib');
const hosts = JSON.parse(fs.readFileSync(options.settings_file, 'utf8'));
const asked = new Map();
let serial = 0;

const page = (stream, body) => {
  stream.respond({ ':status': 200, 'content-type': 'text/html' });
  stream.end(body);
};
const moved = (stream, location) => { stream.respond({ ':status': 302, location }); stream.end(); };

// Sites without an end. `n` is the last number of the path, or 0.
const endless = {
  calendar: (stream, path, n) => page(stream, `<title>${n}</title>` +
    `<a href="/month/${n + 1}">next</a><a href="/month/${n + 2}">later</a>`),
  sessions: (stream) => page(stream, '<title>s</title>' +
    `<a href="/p?sid=${++serial}">a</a><a href="/p;jsessionid=${++serial}">b</a>`),
  words: (stream, path) => page(stream, `<title>${path}</title>` +
    'ghijklmn'.split('').map((letter) => `<a href="${path}${letter}">`).join('')),
  repeats: (stream, path) => page(stream, `<title>${path}</title><a href="deeper/">deeper</a><a href="x/y/">xy</a>`),
  soft: (stream, path, n) => page(stream, '<title>not found</title>no such page' +
    (n ? '' : Array.from({ length: 200 }, (_, i) => `<a href="/item/${i + 1}">`).join(''))),
  chain: (stream, path, n) => (n || path !== '/' ? moved(stream, `/hop/${n + 1}`) : page(stream, '<a href="/hop/1">')),
  loop: (stream, path) => (path === '/' ? page(stream, '<a href="/one">')
    : moved(stream, path === '/one' ? '/two' : '/one')),
  facets: (stream, path) => page(stream, `<title>${path}</title>` +
    'abcdefgh'.split('').map((name) => `<a href="${path}${path.includes('?') ? '&' : '?'}${name}=${++serial}">`)
      .join('')),
  long: (stream, path) => page(stream, `<title>l</title><a href="${path}${'x'.repeat(300)}">`),
};
const BOMB = zlib.gzipSync(Buffer.alloc(64 << 20, ' '));

function answer(stream, given, again) {
  if (given.end === 'stall') return;
  if (given.end === 'busy' && !again) {
    stream.respond({ ':status': 503, 'retry-after': '0' });
    stream.end();
    return;
  }
  const body = given.end === 'bomb' ? BOMB : Buffer.from(given.body || '', 'base64');
  stream.respond({ ':status': given.status || 200, 'content-type': 'text/html', ...given.headers });
  if (given.end === 'drop') stream.write(body, () => stream.destroy(new Error('dropped')));
  else stream.end(body);
}

server.on('stream', (stream, headers) => {
  const host = headers[':authority'].replace(/:.*/, '');
  const path = headers[':path'];
  const url = host + path;
  stream.on('error', () => {});
  log({ host, path });
  asked.set(url, (asked.get(url) || 0) + 1);
  const site = hosts[host] || {};
  const given = site.pages && site.pages[path];
  if (given) answer(stream, given, asked.get(url) > 1);
  else if (site.endless && path !== '/robots.txt') endless[site.endless](stream, path, Number(/\d*$/.exec(path)[0]));
  else answer(stream, { status: 404, body: '' });
});
