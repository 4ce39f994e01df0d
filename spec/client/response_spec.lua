local dkjson = require "dkjson"
local ffi = require "ffi"
local rill = require "rill"
local response = require "rill.response"
local support = require "support"

local LARGE = 300 * 1024 -- bytes: stays outside the Lua heap at first

describe("a response", function()
  local nginx, node

  setup(function()
    nginx = support.nginx {
      files = { page = "hello", ["page.html"] = "<p>", small = 64 * 1024, large = LARGE, empty = "" },
    }
    node = support.node()
  end)
  teardown(function()
    nginx:stop()
    node:stop()
  end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function get(url, options, client_options)
    local client = support.client(client_options)
    return support.run(function() return assert(client:get(url, options)) end)
  end

  it("has status, headers and body", function()
    local res = get(nginx.url .. "/page.html")
    assert.equal(200, res.status)
    assert.equal("text/html", res.headers["Content-Type"])
    assert.equal("3", res.headers["content-length"])
    assert.equal("<p>", res.body)
    assert.equal("ended", res.close_reason)
    assert.equal(3, res.bytes_received)
    assert.equal(1, res.attempts)
  end)

  it("is a response, not an error, whatever its status", function()
    local res = get(nginx.url .. "/nowhere")
    assert.equal(404, res.status)
    assert.equal("ended", res.close_reason)
    assert.equal(503, get(node.url .. "/status?n=503").status)
    assert.equal("", get(node.url .. "/status?n=204").body)
    assert.equal(301, get(node.url .. "/status?n=301").status)
  end)

  it("is ok where its status is a 2xx", function()
    for status, ok in pairs { [200] = true, [204] = true, [299] = true, [304] = false, [404] = false, [503] = false } do
      assert.equal(ok, get(node.url .. "/status?n=" .. status).ok)
    end
  end)

  it("has empty lists and flags where nothing happened", function()
    local res = get(nginx.url .. "/page")
    assert.same({}, res.informational)
    assert.same({}, res.history)
    assert.same({ stopped = false, decoded = {}, cut = false }, res.flags)
    assert.is_nil(res.trailers)
    assert.is_nil(res.nonsense)
  end)

  it("says what was asked, and who answered", function()
    local res = get(nginx.url .. "/page?a=b", { headers = { accept = "text/plain" } }, { user_agent = "me" })
    assert.equal(nginx.url .. "/page?a=b", res.url)
    assert.equal("GET", res.request.method)
    assert.equal(res.url, res.request.url)
    assert.equal("text/plain", res.request.headers.accept)
    assert.equal("me", res.request.headers["user-agent"])
    assert.equal("h2", res.protocol)
    assert.equal("127.0.0.1", res.ip_address)
  end)

  it("shows no password, and no fragment", function()
    local res = get(nginx.url:gsub("//", "//user:secret@") .. "/page#there")
    assert.equal(nginx.url .. "/page", res.url)
  end)

  it("carries the certificate of the peer", function()
    local certificate = get(nginx.url .. "/page").certificate
    assert.equal("CN=leaf", certificate.subject)
    assert.equal("CN=ca", certificate.issuer)
    assert.equal("localhost", certificate.names[1]:match "localhost")
    assert.equal(64, #certificate.sha256)
    assert.equal(support.read(support.ca().leaf), certificate.pem)
    assert.is_true(certificate.not_before <= os.time() and os.time() < certificate.not_after)
  end)

  it("tells where the time went", function()
    local client = support.client()
    support.run(function()
      local res = assert(client:get(node.url .. "/slow?ms=50"))
      local timings = res.timings
      assert.is_true(timings.connect + timings.tls > 0)
      assert.is_true(timings.wait >= 0.04)
      assert.is_true(timings.total >= timings.wait)
      timings = assert(client:get(node.url .. "/slow?ms=1")).timings
      assert.equal(0, timings.connect)
      assert.equal(0, timings.tls)
    end)
  end)

  it("keeps a body of any size whole", function()
    for path, size in pairs { ["/empty"] = 0, ["/small"] = 64 * 1024, ["/large"] = LARGE } do
      local res = get(nginx.url .. path)
      assert.equal(support.content(size), res.body)
      assert.equal(size, res.bytes_received)
      assert.equal(res.body, res.body)
    end
  end)

  it("gives the memory a body lies in", function()
    for _, path in ipairs { "/page", "/large" } do
      local res = get(nginx.url .. path)
      local data, length = res:pointer()
      assert.equal(res.bytes_received, length)
      local body = res.body -- must not move what the pointer shows
      collectgarbage()
      assert.is_true(ffi.istype("const uint8_t *", data))
      assert.equal(body, ffi.string(data, length))
    end
  end)

  it("lets rill look where a body lies, and has it once all the same", function()
    for _, path in ipairs { "/page", "/large" } do
      local res = get(nginx.url .. path)
      local data, length = response.data(res)
      assert.equal(res.bytes_received, length)
      local copy = ffi.string(data, length)
      assert.equal(copy, res.body)
      assert.is_true(res:pointer() == ffi.cast("const uint8_t *", res.body))
    end
  end)

  it("saves its body", function()
    local path = support.directory "saved" .. "/body"
    for _, name in ipairs { "/page", "/empty", "/large" } do
      local res = get(nginx.url .. name)
      assert.is_true(res:save(path))
      assert.equal(res.body, support.read(path))
    end
  end)

  it("says why a body cannot be saved", function()
    local saved, err = get(nginx.url .. "/page"):save "/nowhere/at/all"
    assert.is_nil(saved)
    assert.equal("file_error", err.reason)
    assert.truthy(tostring(err):find("/nowhere/at/all", 1, true))
    assert.has_error(function() get(nginx.url .. "/page"):save(5) end)
  end)

  it("lists trailers", function()
    local res = get(node.url .. "/trailers")
    assert.equal("body", res.body)
    assert.equal("abc", res.trailers["X-Checksum"])
    assert.equal(2, res.trailers:count())
  end)

  it("lists informational heads", function()
    local res = get(node.url .. "/informational")
    assert.equal(200, res.status)
    assert.equal("done", res.body)
    assert.equal(2, #res.informational)
    assert.equal(102, res.informational[1].status)
    assert.equal(0, res.informational[1].headers:count())
    assert.equal(103, res.informational[2].status)
    assert.equal("</style.css>; rel=preload", res.informational[2].headers.link)
  end)

  it("does not hold on to memory of the core for long", function()
    local client = support.client()
    local function megabytes()
      return tonumber(io.open("/proc/self/statm"):read "*a":match "%d+ (%d+)") * 4096 / 2 ^ 20
    end
    support.run(function()
      assert(client:get(node.url .. "/size?n=4000000"))
      local before = megabytes()
      for _ = 1, 100 do assert(client:get(node.url .. "/size?n=4000000")) end -- 400 MB that nobody keeps
      if os.getenv "RILL_SANITIZED" then return end -- AddressSanitizer itself keeps what was freed
      assert.is_true(megabytes() - before < 150, ("grew by %d MB"):format(megabytes() - before))
    end, 20)
  end)
end)

describe("a request", function()
  local node

  setup(function() node = support.node() end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function echo(call)
    local client = support.client { user_agent = "", decompress = false }
    return support.run(function()
      local res = assert(call(client, node.url .. "/echo"))
      return dkjson.decode(res.body), res
    end)
  end

  it("has the method of its call, and no body where none is given", function()
    for name, method in pairs { get = "GET", delete = "DELETE", options = "OPTIONS" } do
      local seen = echo(function(client, url) return client[name](client, url) end)
      assert.equal(method, seen.pseudo.method)
      assert.equal(0, seen.length)
      assert.same({}, seen.fields)
    end
    for name, method in pairs { post = "POST", put = "PUT", patch = "PATCH" } do
      local seen = echo(function(client, url) return client[name](client, url) end)
      assert.equal(method, seen.pseudo.method)
      assert.same({ { "content-length", "0" } }, seen.fields)
    end
  end)

  it("has any method in client:request", function()
    local seen = echo(function(client, url) return client:request { url = url, method = "PROPFIND" } end)
    assert.equal("PROPFIND", seen.pseudo.method)
    seen = echo(function(client, url) return client:request { url = url } end)
    assert.equal("GET", seen.pseudo.method)
  end)

  it("sends its body whole, with its length", function()
    for _, size in ipairs { 1, 1000, 100000, 2000000 } do
      local body = support.content(size)
      local seen, res = echo(function(client, url) return client:post(url, body, { headers = { accept = "*/*" } }) end)
      assert.equal(size, seen.length)
      assert.same({ { "content-length", tostring(size) }, { "accept", "*/*" } },
        seen.fields[1][1] == "content-length" and seen.fields or { seen.fields[2], seen.fields[1] })
      assert.equal("POST", res.request.method)
    end
  end)

  it("keeps its body alive while it is sent", function()
    local seen = echo(function(client, url)
      local churn = rill.spawn(function()
        for _ = 1, 20 do
          collectgarbage()
          rill.sleep(0)
        end
      end)
      local res, err = client:put(url, support.content(1000000) .. "x")
      churn:join()
      return res, err
    end)
    assert.equal(1000001, seen.length)
  end)

  it("has no body in answer to HEAD", function()
    local client = support.client { maxsize = 10 }
    support.run(function()
      local nginx = support.nginx { files = { page = 1000 } }
      local res = assert(client:head(nginx.url .. "/page"))
      assert.equal("1000", res.headers["content-length"])
      assert.equal("", res.body)
    end)
  end)

  it("is cancelled with its task", function()
    local client = support.client()
    support.run(function()
      local task = rill.spawn(function() return client:get(node.url .. "/hold?cancelled") end)
      node:wait_events(function(event) return event.path == "/hold?cancelled" end)
      task:cancel()
      local _, err = task:join()
      assert.equal("cancelled", err.reason)
      local closed = node:wait_events(function(event)
        return event.event == "stream_close" and event.path == "/hold?cancelled"
      end)
      assert.equal(8, closed[1].code) -- CANCEL
      assert.equal(200, assert(client:get(node.url .. "/size?n=1")).status)
      assert.equal(1, client:stats().connections_opened)
    end)
  end)
end)
