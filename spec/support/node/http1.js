// Has a server of HTTP/1.1 emit 'stream' as node's http2 module does, so that a script answers over both: what it
// is given behaves as an Http2ServerStream as far as the scripts here use one. A message that was broken off has the
// rstCode 8 (CANCEL).
'use strict';
const { Duplex } = require('stream');

class Exchange extends Duplex {
  constructor(request, response, id) {
    super();
    Object.assign(this, { request, response, id, rstCode: 0, headersSent: false, sentHeaders: null });
    this.session = {
      destroy: () => request.socket.destroy(),
      goaway: () => response.shouldKeepAlive === undefined || (response.shouldKeepAlive = false),
      close: () => request.socket.end(),
    };
    request.on('data', (chunk) => this.push(chunk) || request.pause());
    request.on('end', () => {
      if (Object.keys(request.trailers).length) this.emit('trailers', request.trailers);
      this.push(null);
    });
    request.on('error', () => {});
    response.on('error', () => {});
    response.on('close', () => {
      if (request.socket.destroyed) this.rstCode = this.rstCode || 8;
      this.destroy();
    });
    request.pause();
  }

  respond(headers = {}, options = {}) {
    const { ':status': status = 200, ...fields } = headers;
    this.headersSent = true;
    this.sentHeaders = headers;
    this.waits = options.waitForTrailers;
    if (this.waits) fields.trailer = 'x';
    if (options.endStream) this.response.removeHeader('transfer-encoding');
    this.response.writeHead(status, fields);
    if (options.endStream) this.end();
    else this.response.write(Buffer.alloc(0)); // sends the head, as bytes
  }

  additionalHeaders({ ':status': status, ...fields }) {
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('');
    this.request.socket.write(`HTTP/1.1 ${status} x\r\n${lines}\r\n`);
  }

  sendTrailers(fields) {
    this.response.addTrailers(fields);
    this.response.end();
  }

  close(code = 0) {
    this.rstCode = code;
    this.request.socket.destroy();
  }

  setTimeout() {}

  _read() { this.request.resume(); }

  _write(chunk, encoding, done) {
    this.response.write(chunk, encoding, (error) => {
      if (error) this.rstCode = this.rstCode || 8;
      done(error);
    });
  }

  _final(done) {
    if (this.waits) this.emit('wantTrailers');
    else this.response.end();
    done();
  }
}

module.exports = (server, log) => {
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, timeout: 0 });
  let id = 0;
  const take = (request, response) => {
    const pseudo = { ':method': request.method, ':path': request.url, ':authority': request.headers.host,
      ':scheme': request.socket.encrypted ? 'https' : 'http' };
    const raw = [...Object.entries(pseudo).flat(), ...request.rawHeaders];
    server.emit('stream', new Exchange(request, response, ++id), { ...pseudo, ...request.headers }, 0, raw);
  };
  server.on('request', take);
  server.on('checkContinue', take);
  server.on(server instanceof require('https').Server ? 'secureConnection' : 'connection', (socket) => {
    log({ event: 'session' });
    socket.on('close', () => log({ event: 'session_close' }));
  });
};
