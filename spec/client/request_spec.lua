local dkjson = require "dkjson"
local support = require "support"
local rill = require "rill"

describe("a request", function()
  local server

  setup(function() server = support.node() end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  -- What the server saw of a request.
  local function echoed(request, options)
    local client = support.client(options)
    request.url = request.url or server.url .. "/echo"
    local res = support.run(function() return assert(client:request(request)) end)
    assert.equal(200, res.status)
    return dkjson.decode(res.body)
  end

  -- The values of a field, in wire order.
  local function values(seen, name)
    local list = {}
    for _, field in ipairs(seen.fields) do
      if field[1] == name then list[#list + 1] = field[2] end
    end
    return list
  end

  it("carries the four pseudo-header fields, the user agent and what codings can be undone", function()
    local seen = echoed {}
    assert.same({ method = "GET", scheme = "https", path = "/echo", authority = "localhost:" .. server.port },
                seen.pseudo)
    assert.same({ { "user-agent", "rill/" .. rill.version }, { "accept-encoding", "gzip, deflate, br, zstd" } },
      seen.fields)
  end)

  it("sends the URL's path and query as written, without the fragment", function()
    local seen = echoed { url = server.url .. "/echo?q=a%20b&x=%7E#part" }
    assert.equal("/echo?q=a%20b&x=%7E", seen.pseudo.path)
  end)

  it("turns the URL's user and password into authorization, and shows them nowhere else", function()
    local client = support.client()
    local url = ("https://user:se%%20cret@localhost:%d/echo"):format(server.port)
    local res = support.run(function() return assert(client:get(url)) end)
    local seen = dkjson.decode(res.body)
    assert.same({ "Basic dXNlcjpzZSBjcmV0" }, values(seen, "authorization"))
    assert.equal("localhost:" .. server.port, seen.pseudo.authority)
    assert.is_nil(res.url:find "cret")
  end)

  it("sends credentials as fields that no index keeps", function()
    local sensitive = support.node { source = [[server.on('stream', (stream, headers) => {
      stream.respond();
      stream.end(headers[http2.sensitiveHeaders].sort().join(' '));
    });]] }
    local client = support.client { headers = { cookie = "a=b" } }
    support.run(function()
      local by_hand = { headers = { authorization = "x", ["proxy-authorization"] = "y", ["x-plain"] = "z" } }
      for _ = 1, 2 do
        assert.equal("authorization cookie proxy-authorization", client:get(sensitive.url, by_hand).body)
        assert.equal("authorization cookie", client:get(sensitive.url, { auth = { bearer = "x" } }).body)
        assert.equal("authorization cookie", client:get((sensitive.url:gsub("://", "://a:b@"))).body)
      end
    end)
    sensitive:stop()
  end)

  it("without a body has content-length: 0 for POST, PUT and PATCH only", function()
    for method, expected in pairs { POST = { "0" }, PUT = { "0" }, PATCH = { "0" }, GET = {}, DELETE = {} } do
      local seen = echoed { method = method }
      assert.equal(method, seen.pseudo.method)
      assert.same(expected, values(seen, "content-length"), method)
      assert.equal(0, seen.length)
    end
  end)

  it("with a body has its length, whatever the caller says", function()
    local warned = {}
    local options = { on_warning = function(message) warned[#warned + 1] = message end }
    local seen = echoed({ method = "POST", body = "hello", headers = { ["content-length"] = "4" } }, options)
    assert.same({ "5" }, values(seen, "content-length"))
    assert.equal(5, seen.length)
    assert.equal(1, #warned)
    assert.truthy(warned[1]:find("content-length", 1, true))
  end)

  it("uploads 3 MiB unharmed", function()
    local body = support.content(3 * 2 ^ 20)
    local path = support.write(support.directory "upload" .. "/body", body)
    local process = require "support.process"
    local sum = path .. ".sum"
    process.run({ "sha256sum", path }, sum)
    local seen = echoed { method = "POST", body = body }
    assert.equal(#body, seen.length)
    assert.equal(support.read(sum):match "^%x+", seen.sha256)
  end)

  it("uploads 3 MiB to nginx, which stores them unharmed", function()
    local nginx = support.nginx { config = "location / { dav_methods PUT; }" }
    local client, body = support.client(), support.content(3 * 2 ^ 20)
    local res = support.run(function() return assert(client:put(nginx.url .. "/stored", body)) end)
    assert.equal(201, res.status)
    assert.is_true(support.read(nginx.root .. "/stored") == body)
  end)

  it("gets each of 500 parallel responses to its own caller, over one connection", function()
    local client, sizes = support.client(), {}
    for i = 1, 500 do sizes[i] = 1000 + i end
    local done = 0
    support.run(function()
      for size, res, err in rill.map(sizes, function(size) return client:get(server.url .. "/size?n=" .. size) end,
                                     { concurrency = 500 }) do
        assert(res, tostring(err))
        assert.equal(size, #res.body)
        done = done + 1
      end
    end)
    assert.equal(500, done)
    assert.equal(1, client:stats().connections_opened)
    assert.equal(500, client:stats().responses)
  end)

  it("has a body above 64 KiB whole", function()
    local client = support.client()
    support.run(function()
      for _, size in ipairs { 65535, 65536, 65537, 5 * 2 ^ 20 } do
        local res = assert(client:get(server.url .. "/size?n=" .. size))
        assert.equal(size, #res.body)
        assert.equal(size, res.bytes_received)
      end
    end)
  end)
end)
