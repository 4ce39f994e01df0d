local rill = require "rill"
local support = require "support"

local FILE = "options_spec.lua"

-- Calls fn, which must raise a message at this file's lines that contains all the words.
local function assert_raises(fn, ...)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  assert.truthy(tostring(message):find(FILE, 1, true), message)
  for _, word in ipairs { ... } do
    assert.truthy(message:find(word, 1, true), message)
  end
end

local function make(options)
  return function()
    local client = rill.client(options)
    return client
  end
end

describe("an option of a client", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("must be known", function()
    assert_raises(make { timeot = 1 }, "unknown option", '"timeot"')
    assert_raises(make { 1 }, "unknown option", "1")
    assert_raises(make { tls = { verfy = true } }, "tls", "unknown option", '"verfy"')
    assert_raises(make(5), "options must be a table", "5")
  end)

  it("turns off what is not there", function()
    local off = { redirects = false, decompress = false, cookies = false, proxy = false, no_proxy = false,
      allow_downgrade = false, coalesce = false, per_origin = false }
    rill.client(off):close()
    rill.client { redirects = 0 }:close()
    local server = support.node()
    support.run(function()
      off.tls = { ca_file = server.ca }
      local connection = assert(rill.connect(server.url, off))
      local once = { url = "/size?n=1", redirects = false, decompress = false, proxy = false, allow_downgrade = false }
      assert.equal(200, assert(connection:request(once)).status)
      connection:close()
      assert_raises(make { decompress = 0 }, "decompress", "must be true or false")
    end)
  end)

  -- name -> values that are refused
  local wrong = {
    timeout = { "ten", -1, 0 / 0, -1 / 0, 2e9, true },
    queue_timeout = { -0.5 },
    proxy = { 1, "", true, "a\0b" },
    no_proxy = { 1, true, { 1 }, { "a,b" } },
    connect_timeout = { {} },
    idle_timeout = { "" },
    read_timeout = { -1, "1" },
    ping_after = { -1, true },
    ping_timeout = { -1, {} },
    retries = { -1, 0.5, 2 ^ 31, "2" },
    retry_idempotent = { 1, "yes" },
    idempotent = { 1, "yes" },
    lenient_eof = { 1, "yes" },
    max_connections_per_origin = { -1, 1.5, "2" },
    h2c = { 1 },
    protocols = { 1, "h2", {}, { "h3" }, { "h2", "h2" }, { 1 }, { "h2,http/1.1" } },
    family = { 5, "4", "ipv4", true },
    bind_address = { 1, "elsewhere", "1.2.3", "unix:/x", "a\0b" },
    maxsize = { -1, 1.5, "1M" },
    warnsize = { -1, 1.5, "1M" },
    max_buffered = { -1, 0.5, "1M", 1 / 0 },
    max_header_list = { 2 ^ 32, -1 },
    max_connections = { 1.5 },
    max_streams = { "100" },
    window = { 2 ^ 31, 0, -1, 1.5 },
    max_window = { 2 ^ 31, 0, "16M" },
    max_frame_size = { 16383, 2 ^ 24, 16384.5 },
    expect_continue = { 1, "yes" },
    deny_private = { 1, "yes" },
    coalesce = { 1, "yes" },
    user_agent = { 1, "a\0b", "a\r\nb: c" },
    headers = { "x" },
    tls = { true },
    per_origin = { 5, true, { delay = -1 }, { delay = "1" }, { concurrency = 1.5 }, { jitter = 1.1 }, { jitter = -1 },
      { retry_after = 1 }, { delays = 1 }, { ["a.test"] = {}, b = 1 }, { {} }, { ["a.test"] = { delays = 1 } },
      { ["https://a.test/path"] = {} }, { ["ftp://a.test"] = {} }, { [""] = {} }, { ["a b"] = {} }, { ["a?b"] = {} } },
    resolve = { "x", { localhost = "127.0.0.1" }, { ["a.test:443"] = 5 }, { ["a.test:443"] = { 5 } } },
    dns_servers = { "127.0.0.1", { 5 }, { "127.0.0.1,127.0.0.2" } },
    on_headers = { "x" },
    on_chunk = { "x", {} },
    on_warning = { {} },
    on_event = { true, "print" },
  }
  for name, values in pairs(wrong) do
    it("is checked: " .. name, function()
      for _, value in ipairs(values) do
        assert_raises(make { [name] = value }, name)
      end
    end)
  end

  it("is checked within tls", function()
    assert_raises(make { tls = { verify = "yes" } }, "verify", '"yes"')
    assert_raises(make { tls = { ca_file = 1 } }, "ca_file", "1")
  end)

  it("is accepted over all its range", function()
    local client = rill.client {
      headers = { accept = "text/html" }, user_agent = "me", timeout = 0, queue_timeout = 0.5, connect_timeout = 1e6,
      idle_timeout = 0, maxsize = 2 ^ 40, max_header_list = 0, max_streams = 0, max_connections = 0, window = 1,
      max_window = 1, max_frame_size = 2 ^ 24 - 1, max_buffered = 0, warnsize = 0, expect_continue = true,
      resolve = { ["a.test:443"] = { "127.0.0.1:1", "unix:/x" }, ["b.test:443"] = "::1" },
      dns_servers = { "127.0.0.1", "127.0.0.1:5353" },
      tls = { verify = false, ca_file = support.ca().file, server_name = "a.test" },
      read_timeout = 0, ping_after = 0, ping_timeout = 0.5, max_connections_per_origin = 0, retries = 0,
      retry_idempotent = false, h2c = true, protocols = { "http/1.1", "h2" }, family = 6, bind_address = "::1",
      on_headers = function() end, on_chunk = function() end, on_warning = function() end, on_event = function() end,
    }
    client:close()
  end)

  it("is no list without anything in it, where that would be believed to do something", function()
    assert_raises(make { tls = { pin_sha256 = {} } }, "pin_sha256 must be a list", "of at least one")
    assert_raises(make { tls = { pin_sha256 = "" } }, "pin_sha256 must be a list", '""')
    assert_raises(make { tls = { pin_sha256 = { "" } } }, "pin_sha256", '""')
    assert_raises(make { dns_servers = {} }, "dns_servers must be a list", "of at least one")
    assert_raises(make { resolve = { ["a.test:443"] = {} } }, "resolve", "a.test:443", "of at least one")
  end)

  it("names what makes a table no list", function()
    local packed, holed = { n = 1, "127.0.0.1" }, { "127.0.0.1", nil, "127.0.0.2" }
    for name, of in pairs { dns_servers = make, protocols = make, no_proxy = make } do
      assert_raises(of { [name] = packed }, name .. " must be a list", 'a table with the field "n"')
      assert_raises(of { [name] = holed }, name .. " must be a list", "a table without entry 2")
    end
    assert_raises(make { headers = { accept = packed } }, "accept are a list", 'a table with the field "n"')
    assert_raises(make { query = { q = packed } }, "q", 'a table with the field "n"')
    assert_raises(make { resolve = { ["a.test:443"] = packed } }, "a.test:443", 'a table with the field "n"')
    assert_raises(function() rill.multipart(packed) end, "rill.multipart", 'a table with the field "n"')
    local crawl = require("rill.crawl").new
    for _, name in ipairs { "allow", "deny", "links", "sitemaps", "types", "retry_status" } do
      assert_raises(function() crawl { start = "https://a.test/", [name] = packed } end, name,
        'a table with the field "n"')
    end
  end)

  it("names the range of a number", function()
    for name, range in pairs { timeout = "from 0 to 1e9", idle_timeout = "from 0 to 1e9", maxsize = "from 0 to 2^53",
      retries = "from 0 to 2^31-1", max_connections = "from 0 to 2^32-1", window = "from 1 to 2^31-1" } do
      for _, value in ipairs { 1e300, -1, 0 / 0 } do
        assert_raises(make { [name] = value }, name, range, tostring(value))
      end
    end
    assert_raises(make { per_origin = { delay = 1e300 } }, "per_origin.delay", "from 0 to 1e9", "1e+300")
    for _, value in ipairs { 1e300, math.huge } do -- a page would fail for it
      assert_raises(function() require("rill.crawl").new { start = "https://a.test/", maxsize = value } end, "maxsize",
        "from 0 to 2^53", tostring(value))
    end
  end)

  it("is none where a time is math.huge", function()
    local never, server = math.huge, support.node()
    local client = support.client { tls = { ca_file = server.ca }, timeout = never, queue_timeout = never,
      connect_timeout = never, idle_timeout = never, read_timeout = never, ping_after = never, ping_timeout = never }
    support.run(function()
      assert(client:get(server.url .. "/size?n=1"))
      local once = { timeout = never, queue_timeout = never, read_timeout = never }
      assert(client:get(server.url .. "/size?n=1", once))
      -- the client's timeout would end it, the request's own does not
      local hurried = support.client { tls = { ca_file = server.ca }, timeout = 0.05 }
      local held = assert(hurried:open { url = server.url .. "/hold", timeout = never })
      assert.equal("timeout", select(2, hurried:get(server.url .. "/hold")).reason)
      assert.is_nil(held.close_reason)
      held:cancel()
    end)
  end)

  it("gives nil and an error for a file that is not there", function()
    local client, err = rill.client { tls = { ca_file = "/nowhere/ca.pem" } }
    assert.is_nil(client)
    assert.equal("file_error", err.reason)
    assert.truthy(tostring(err):find("/nowhere/ca.pem", 1, true))
  end)
end)

describe("an option of a request", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("must be one of a request's, known, and right", function()
    local client = support.client()
    local function get(options)
      return function()
        local res = client:get("https://localhost/", options)
        return res
      end
    end
    support.run(function()
      assert_raises(get { connect_timeout = 1 }, "client:get", "belongs to a client", "connect_timeout")
      assert_raises(get { timout = 1 }, "client:get", "unknown option", "timout")
      assert_raises(get { timeout = "x" }, "client:get", "timeout", '"x"')
      assert_raises(get { url = "x" }, "unknown option", "url", "before the options")
      assert_raises(get { cookies = true }, "belongs to a client", "cookies")
      assert_raises(make { method = "POST" }, "belongs to a request", "method")
      assert_raises(make { trailers = {} }, "belongs to a request", "trailers")
      assert_raises(get { max_window = 2 ^ 20 }, "belongs to a client", "max_window")
      assert_raises(get { warnsize = -1 }, "warnsize", "-1")
      assert_raises(get { retries = -1 }, "retries", "-1")
      assert_raises(get { ping_after = 1 }, "belongs to a client", "ping_after")
      assert_raises(function() client:open { url = "https://localhost/", trailers = 5 } end, "trailers", "5")
      assert_raises(function() client:request { uri = "https://localhost/" } end, "unknown option", "uri")
    end)
  end)

  it("goes before the client's", function()
    local server = support.node()
    local client = support.client { timeout = 60, maxsize = 100 }
    support.run(function()
      local _, err = client:get(server.url .. "/hold", { timeout = 0.1 })
      assert.equal("timeout", err.reason)
      assert.equal(1000, #assert(client:get(server.url .. "/size?n=1000", { maxsize = 1000 })).body)
      assert.equal(1000, #assert(client:get(server.url .. "/size?n=1000", { maxsize = 0 })).body)
      assert.equal("maxsize_exceeded_actual", select(2, client:get(server.url .. "/size?n=1000")).reason)
    end)
  end)
end)
