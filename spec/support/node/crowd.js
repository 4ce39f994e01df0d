// node crowd.js PORT COUNT PATH: COUNT connections to 127.0.0.1, a GET of PATH and its number on each; USR1 leaves.
'use strict';
const net = require('net'), [port, count, path] = process.argv.slice(2);
for (let i = 0; i < Number(count); i++) {
  const socket = net.connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`GET ${path}${i} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
}
process.on('SIGUSR1', () => process.exit(0));
