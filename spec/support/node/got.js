// Each answer says which path was asked for.
'use strict';
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.respond({ ':status': 200 });
  stream.end('got ' + headers[':path']);
});
