// Starts one server and runs a script on it: node main.js OPTIONS (a JSON object, see node.lua).
// The script sees `server`, `http2`, `log` (one JSON line per call) and `options`.
'use strict';
const fs = require('fs');
const http2 = require('http2');
const https = require('https');
const net = require('net');

const options = JSON.parse(process.argv[2]);
const log = (event) => fs.writeSync(1, JSON.stringify(event) + '\n');
const pair = options.h2c ? {} : { key: fs.readFileSync(options.key), cert: fs.readFileSync(options.cert) };

function make() {
  if (options.raw) return net.createServer();
  if (options.http1) return https.createServer(pair);
  const all = { ...pair, settings: options.settings || {}, allowHTTP1: options.both,
    maxSessionMemory: options.memory || 10 }; // MB, node's own default
  return options.h2c ? http2.createServer(all) : http2.createSecureServer(all);
}

const server = make();

// An exchange of HTTP/1.1 as scripts see a stream: `then(stream, headers)`, with names as in HTTP/2.
const asStream = (then) => (request, stream) => {
  const { socket } = request;
  const on = stream.on.bind(stream);
  stream.on = (name, hear) => (['data', 'end'].includes(name) ? request : { on }).on(name, hear);
  stream.resume = () => request.resume();
  stream.respond = ({ ':status': status = 200, ...fields } = {}) => stream.writeHead(status, fields);
  stream.additionalHeaders = ({ ':status': status, ...fields }) => socket.write(
    `HTTP/1.1 ${status} Early\r\n${Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  stream.session = { destroy: () => socket.destroy() };
  stream.close = () => socket.destroy();
  stream.on('error', () => {});
  then(stream, { ':method': request.method, ':path': request.url, ':authority': request.headers.host, ...request.headers });
};
if (options.http1) {
  const on = server.on.bind(server);
  server.on = (name, then) => (name === 'stream' ? on('request', asStream(then)) : on(name, then));
}
server.on('sessionError', (error) => log({ event: 'session_error', message: error.message }));
server.on('session', (session) => {
  log({ event: 'session' });
  session.on('goaway', (code) => log({ event: 'goaway', code }));
  session.on('close', () => log({ event: 'session_close' }));
});
const script = new Function('server', 'http2', 'log', 'options', 'require', fs.readFileSync(options.script, 'utf8'));
script(server, http2, log, options, require);
server.listen(options.port || 0, '127.0.0.1', () => log({ port: server.address().port }));
process.on('SIGTERM', () => process.exit(0));
