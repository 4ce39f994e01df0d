// Stalls where it is told to: /?wait=MS&body=MS before the head and before the rest of the body.
'use strict';
server.on('stream', (stream, headers) => {
  const query = new URL(headers[':path'], 'https://localhost').searchParams;
  stream.on('error', () => {});
  stream.resume();
  setTimeout(() => {
    if (stream.destroyed) return; // reset meanwhile: to answer it would end the process
    stream.respond({ ':status': 200 });
    stream.write('half');
    setTimeout(() => stream.end('half'), Number(query.get('body')));
  }, Number(query.get('wait')));
});
