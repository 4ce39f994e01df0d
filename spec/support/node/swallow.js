// Takes bodies as fast as they come and says how long they were. Windows are never in the way.
'use strict';

const WINDOW = 2 ** 30;

server.on('session', (session) => session.setLocalWindowSize(WINDOW));
server.on('stream', (stream) => {
  let bytes = 0;
  stream.on('error', () => {});
  stream.on('data', (chunk) => { bytes += chunk.length; });
  stream.on('end', () => {
    stream.respond({ ':status': 200 });
    stream.end(String(bytes));
  });
});
