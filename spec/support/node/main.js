// Starts one server and runs a script on it: node main.js OPTIONS (a JSON object, see node.lua).
// The script sees `server`, `http2`, `log` (one JSON line per call) and `options`.
'use strict';
const fs = require('fs');
const http = require('http');
const http2 = require('http2');
const https = require('https');
const net = require('net');

const options = JSON.parse(process.argv[2]);
const log = (event) => fs.writeSync(1, JSON.stringify(event) + '\n');
const pair = options.h2c ? {} : { key: fs.readFileSync(options.key), cert: fs.readFileSync(options.cert) };

function make() {
  if (options.raw) return net.createServer();
  if (options.http1) return options.h2c ? http.createServer() : https.createServer(pair);
  const all = { ...pair, settings: options.settings || {}, allowHTTP1: options.both,
    maxSessionMemory: options.memory || 10 }; // MB, node's own default
  return options.h2c ? http2.createServer(all) : http2.createSecureServer(all);
}

const server = make();
server.on('sessionError', (error) => log({ event: 'session_error', message: error.message }));
server.on('session', (session) => {
  log({ event: 'session' });
  session.on('goaway', (code) => log({ event: 'goaway', code }));
  session.on('close', () => log({ event: 'session_close' }));
});
if (options.http1) require('./http1.js')(server, log);
const script = new Function('server', 'http2', 'log', 'options', 'require', fs.readFileSync(options.script, 'utf8'));
script(server, http2, log, options, require);
server.listen(options.port || 0, '127.0.0.1', () => log({ port: server.address().port }));
process.on('SIGTERM', () => process.exit(0));
