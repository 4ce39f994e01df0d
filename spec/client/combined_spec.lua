-- Features together: redirects across protocols, with cookies, codings, files, hooks and one timeout.
local dkjson = require "dkjson"
local rill = require "rill"
local support = require "support"

-- /hop?n=N: N redirects, each with a cookie, then what is at ?to=PATH. /file: coded text in gzip, or its range as it is
-- (&cut=N: broken off). /endless: redirects for ever. /echo: the request.
local SITE = [[
const zlib = require('zlib');
const text = Buffer.from(Array.from({ length: 20000 }, (_, i) => `line ${i}\n`).join(''));
server.on('stream', (stream, headers) => {
  const url = new URL(headers[':path'], 'https://localhost');
  const q = (name) => url.searchParams.get(name);
  stream.on('error', () => {});
  const parts = [];
  stream.on('data', (part) => parts.push(part));
  stream.on('end', () => {
    log({ event: 'request', path: headers[':path'], cookie: headers.cookie, range: headers.range });
    const n = Number(q('n'));
    if (url.pathname === '/hop') {
      const next = n > 1 ? `/hop?n=${n - 1}&to=${encodeURIComponent(q('to'))}` : q('to');
      stream.respond({ ':status': Number(q('status') || 302), location: next, 'set-cookie': `c${n}=${n}; Path=/`,
        'content-encoding': 'gzip' });
      return stream.end(zlib.gzipSync('moved'));
    }
    if (url.pathname === '/endless') {
      stream.respond({ ':status': 302, location: `/endless?n=${n + 1}` });
      return stream.end();
    }
    if (url.pathname === '/file') {
      const range = /^bytes=(\d+)-$/.exec(headers.range || '');
      const coded = !(headers['accept-encoding'] || '').includes('identity');
      const from = range && headers['if-range'] === '"1"' ? Number(range[1]) : 0;
      const rest = coded ? zlib.gzipSync(text) : text.subarray(from);
      stream.respond({ ':status': from ? 206 : 200, etag: '"1"', 'content-length': rest.length,
        ...(coded ? { 'content-encoding': 'gzip' } : {}),
        ...(from ? { 'content-range': `bytes ${from}-${text.length - 1}/${text.length}` } : {}) });
      const breaks = () => setImmediate(() => stream.close(2));
      if (q('cut')) return stream.write(rest.subarray(0, Number(q('cut'))), breaks);
      return stream.end(rest);
    }
    stream.respond({ ':status': 200 });
    stream.end(JSON.stringify({ method: headers[':method'], cookie: headers.cookie, kind: headers['content-type'],
      authorization: headers.authorization, body: Buffer.concat(parts).toString() }));
  });
});]]

local function text()
  local lines = {}
  for i = 1, 20000 do lines[i] = ("line %d\n"):format(i - 1) end
  return table.concat(lines)
end

local function escape(raw)
  return (raw:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- `http1` of the server.
local function specs(http1)
  local server

  setup(function() server = support.node { source = SITE, http1 = http1 } end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function hops(count, to, status)
    return ("%s/hop?n=%d&status=%d&to=%s"):format(server.url, count, status or 302, escape(to))
  end

  it("a download behind redirects: decoded, with cookies, hooks and progress", function()
    local path = support.directory() .. "/file"
    local heads, seen = {}, {}
    support.run(function()
      local jar = rill.cookies.jar()
      local client = support.client { cookies = jar, on_headers = function(head) heads[#heads + 1] = head.status end }
      local res = assert(client:download(hops(3, "/file"), path, { auth = { user = "u", password = "p" },
        on_progress = function(received, total) seen[#seen + 1] = { received, total } end }))
      assert.same({ 200, path, 3, 4 }, { res.status, res.path, #res.history, res.attempts })
      assert.same({ "gzip" }, res.flags.decoded)
      assert.equal("c3=3; c2=2; c1=1", jar:get(server.url))
      assert.same({ 200 }, heads)
      assert.equal(res.bytes_received, seen[#seen][1])
    end)
    assert.equal(text(), support.read(path))
    assert.equal(1, #support.find(path:match "^(.*)/"))
  end)

  it("a download that goes on behind redirects, with cookies", function()
    local path = support.directory() .. "/file"
    support.run(function()
      local client = support.client { cookies = true }
      local first = client:download(hops(2, "/file?cut=50000"), path, { resume = true })
      assert.is_nil(first)
      assert.equal(50000, #support.read(path .. ".part"))
      local seen = {}
      local res = assert(client:download(hops(2, "/file"), path, { resume = true,
        on_progress = function(received, total) seen[#seen + 1] = { received, total } end }))
      assert.same({ 206, 2, 3 }, { res.status, #res.history, res.attempts })
      assert.same({ #text(), #text() }, seen[#seen])
      local stats = client:stats()
      assert.same({ 2, 6 }, { stats.requests, stats.attempts })
    end)
    assert.equal(text(), support.read(path))
    local last = {}
    for _, event in ipairs(server:events()) do last = event.event == "request" and event or last end
    assert.same({ "bytes=50000-", "c2=2; c1=1" }, { last.range, last.cookie })
  end)

  it("bodies of every kind behind 307 and 303", function()
    local path = support.write(support.directory() .. "/file", "of a file")
    support.run(function()
      local client = support.client { cookies = true, auth = { bearer = "mine" } }
      local bodies = { text = "of a text", file = { file = path }, form = rill.form { a = 1 }, json = rill.json { 1 } }
      local kinds = { form = "application/x-www-form-urlencoded", json = "application/json" }
      local bytes = { text = "of a text", file = "of a file", form = "a=1", json = "[1]" }
      for name, body in pairs(bodies) do
        local said = dkjson.decode(assert(client:post(hops(2, "/echo", 307), body)).body)
        -- the second redirect is a 302: a GET
        assert.same({ "GET", "" }, { said.method, said.body })
        said = dkjson.decode(assert(client:put(hops(1, "/echo", 308), body)).body)
        assert.same({ "PUT", bytes[name], kinds[name], "Bearer mine", "c1=1" },
          { said.method, said.body, said.kind, said.authorization, said.cookie:match "c1=1" })
      end
    end)
  end)

  it("one timeout over all redirects, whatever the call", function()
    local path = support.directory() .. "/file"
    support.run(function()
      local client = support.client { redirects = 2 ^ 20 }
      local ways = {
        function(options) return client:get(server.url .. "/endless", options) end,
        function(options) return client:download(server.url .. "/endless", path, options) end,
        function(options)
          options.resume = true
          return client:download(server.url .. "/endless", path, options)
        end,
      }
      for _, call in ipairs(ways) do
        local res, err = call { timeout = 0.3 }
        assert.is_nil(res)
        assert.equal("timeout", err.reason)
        assert.is_true(err.attempts >= #(err.history or {}))
      end
    end)
  end)

  it("a chain that ends in failure leaves no file, and its cookies", function()
    local path = support.directory() .. "/file"
    support.run(function()
      local jar = rill.cookies.jar()
      local client = support.client { cookies = jar }
      local res, err = client:download(hops(2, "/file?cut=500"), path)
      assert.is_nil(res)
      assert.equal(2, #err.history)
      assert.equal("c2=2; c1=1", jar:get(server.url))
      res, err = client:download(hops(2, "ftp://example.com/x"), path)
      assert.is_nil(res)
      assert.same({ "redirect", "scheme", 2 }, { err.reason, err.kind, #err.history })
    end)
    assert.equal(0, #support.find(path:match "^(.*)/"))
  end)
end

describe("over HTTP/2,", function() specs(false) end)
describe("over HTTP/1.1,", function() specs(true) end)

describe("a redirect across protocols", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("goes from HTTP/2 to HTTP/1.1, with and without TLS, and back, each origin with its credentials", function()
    local last = support.node { script = "web.js" }
    local function answer(location)
      return ("HTTP/1.1 302 Found\r\nlocation: %s\r\nset-cookie: h=1\r\ncontent-length: 0\r\n\r\n"):format(location)
    end
    local plain = support.http1 { ["/"] = answer(last.url .. "/echo") }
    local tls = support.http1({ ["/"] = answer(plain.url .. "/") }, { tls = true })
    support.run(function()
      local client = support.client { allow_downgrade = true, cookies = true }
      local res = assert(client:get(("%s/to?location=%s"):format(last.url, escape(tls.url .. "/")),
        { headers = { authorization = "Bearer mine", ["x-kept"] = "1" } }))
      assert.equal("h2", res.protocol)
      local passed = {}
      for i, hop in ipairs(res.history) do passed[i] = hop.url:match "^%a+://[^/]*" end
      assert.same({ last.url, tls.url, plain.url }, passed)
      local fields = dkjson.decode(res.body).fields
      assert.same({ "Bearer mine", "1", "h=1" }, { fields.authorization, fields["x-kept"], fields.cookie })
    end)
    for _, server in ipairs { plain, tls } do
      for _, event in ipairs(server:events()) do
        assert.is_nil(table.concat(event.fields or {}, "\n"):find("mine", 1, true))
      end
    end
    for _, server in ipairs { last, plain, tls } do server:stop() end
  end)
end)
