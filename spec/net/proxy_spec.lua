-- Requests through proxies: CONNECT, SOCKS5, absolute form, credentials, who goes without.
local ffi = require "ffi"
local rill = require "rill"
local support = require "support"
local proxies = require "support.proxy"
local wait_timeout = require("support.silent").wait_timeout

ffi.cdef [[
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
]]

local SECRET = "s3cret-word"

describe("a proxy", function()
  local nginx, plain

  setup(function()
    nginx = support.nginx { files = { ["a.txt"] = 1000, ["b.txt"] = 300000 } }
    plain = support.http1 { ["/"] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
      ["/to"] = "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n" }
  end)
  teardown(support.stop_all)
  before_each(support.begin)
  after_each(support.check_clean)

  local function client(options)
    options.tls = options.tls or { ca_file = nginx.ca }
    return support.client(options)
  end

  local function requests(proxy, count)
    return proxy:wait_events(function(event) return event.event == "request" end, count)
  end

  local function has(fields, text)
    for _, field in ipairs(fields) do
      if field == text then return true end
    end
    return false
  end

  -- The error of one GET, which no proxy's credentials are in.
  local function refused(options, url)
    local err
    support.run(function()
      local c = client(options)
      local res
      res, err = c:get(url or nginx.url .. "/a.txt")
      assert.is_nil(res)
      c:close()
    end)
    assert.is_nil(tostring(err):find(SECRET, 1, true))
    return err
  end

  describe("with CONNECT", function()
    it("carries HTTP/2 over TLS, many requests in one tunnel, and is told the host and who asks", function()
      local proxy = proxies.start()
      support.run(function()
        local c = client { proxy = ("http://us%%65r:%s@127.0.0.1:%d"):format(SECRET, proxy.port), user_agent = "me" }
        for _ = 1, 20 do
          local res = assert(c:get(nginx.url .. "/b.txt"))
          assert.equal(support.content(300000), res.body)
          assert.equal("h2", res.protocol)
        end
        assert.equal(1, c:stats().connections_opened)
        c:close()
      end)
      local asked = requests(proxy, 1)
      assert.equal(1, #asked)
      local host = ("localhost:%d"):format(nginx.port)
      assert.equal(("CONNECT %s HTTP/1.1"):format(host), asked[1].line)
      assert.same({ "host: " .. host, "proxy-authorization: Basic dXNlcjpzM2NyZXQtd29yZA==", "user-agent: me" },
        asked[1].fields)
    end)

    it("over TLS is TLS in TLS, which neither server_name, pins nor our certificate touch", function()
      local proxy = proxies.start "tls"
      support.run(function()
        local c = client { proxy = ("https://localhost:%d"):format(proxy.port) }
        assert.equal(300000, #assert(c:get(nginx.url .. "/b.txt")).body)
        c:close()
        local pin = ("A"):rep(43) .. "="
        local other = client { proxy = ("https://localhost:%d"):format(proxy.port),
          tls = { ca_file = nginx.ca, pin_sha256 = { pin } } }
        local _, err = other:get(nginx.url .. "/a.txt")
        assert.equal("tls", err.kind) -- the origin's: the proxy had let it through
        assert.truthy(tostring(err):find "pins")
        other:close()
      end)
      assert.equal(2, #requests(proxy, 2))
    end)

    it("over TLS is verified", function()
      local proxy = proxies.start "tls"
      local err = refused { proxy = ("https://127.0.0.2:%d"):format(proxy.port),
        resolve = { ["127.0.0.2:" .. proxy.port] = "127.0.0.1:" .. proxy.port } }
      assert.equal("connect_failed", err.reason)
      assert.equal("proxy", err.kind)
      assert.truthy(tostring(err):find("127.0.0.2", 1, true))
    end)

    it("passes over 1xx", function()
      local proxy = proxies.start "informs"
      support.run(function()
        local c = client { proxy = "127.0.0.1:" .. proxy.port }
        assert.equal(200, assert(c:get(nginx.url .. "/a.txt")).status)
        c:close()
      end)
    end)

    it("carries http:// with h2c, and where addresses are denied; then it is given an address", function()
      local proxy = proxies.start()
      local err = refused({ proxy = "127.0.0.1:" .. proxy.port, deny_private = true }, plain.url .. "/")
      assert.equal("denied", err.kind)
      support.run(function()
        local c = client { proxy = "127.0.0.1:" .. proxy.port, deny_private = true,
          resolve = { ["somewhere.example:80"] = "127.0.0.1:" .. plain.port } }
        assert.equal("hi", assert(c:get "http://somewhere.example/").body)
        c:close()
      end)
      assert.equal(("CONNECT 127.0.0.1:%d HTTP/1.1"):format(plain.port), requests(proxy, 1)[1].line)
    end)

    it("is what tinyproxy does, with a password too", function()
      local proxy = proxies.tinyproxy("user " .. SECRET)
      support.run(function()
        local c = client { proxy = ("http://user:%s@127.0.0.1:%d"):format(SECRET, proxy.port) }
        assert.equal(300000, #assert(c:get(nginx.url .. "/b.txt")).body)
        assert.equal("hi", assert(c:get(plain.url .. "/")).body)
        c:close()
      end)
      local err = refused { proxy = ("http://user:%s@127.0.0.1:%d"):format(SECRET .. "x", proxy.port) }
      assert.equal("proxy", err.kind)
      assert.truthy(tostring(err):find("401", 1, true) or tostring(err):find("407", 1, true))
    end)
  end)

  describe("that does not let through", function()
    local ANSWERS = {
      head = "more than 65536 bytes", endless = "more than 65536 bytes", midway = "before the tunnel was open",
      closed = "before the tunnel was open", refuses = "HTTP/1.1 403 Not here", rights = "HTTP/1.1 407 Who are you",
      early = "more than its answer", switch = "101 Switching Protocols", nonsense = "SSH-2.0-OpenSSH",
    }
    for behaviour, said in pairs(ANSWERS) do
      it(("(%s) is connect_failed of kind proxy, asked once"):format(behaviour), function()
        local proxy = proxies.start(behaviour)
        local err = refused { proxy = ("http://user:%s@127.0.0.1:%d"):format(SECRET, proxy.port) }
        assert.equal("connect_failed", err.reason)
        assert.equal("proxy", err.kind)
        assert.truthy(tostring(err):find(said, 1, true))
        assert.truthy(tostring(err):find("127.0.0.1:" .. proxy.port, 1, true))
        assert.is_true(err.retry_safe)
        local accepted = proxy:wait_events(function(event) return event.event == "accept" end)
        assert.equal(1, #accepted)
      end)
    end

    local SOCKS = {
      ["socks-version"] = "not answer as SOCKS5", ["socks-nobody"] = "no user and password",
      ["socks-early"] = "more than its answer", ["socks-type"] = "type 9", ["socks-refuses"] = "connection refused",
      ["socks-midway"] = "before the tunnel was open", closed = "before the tunnel was open",
    }
    for behaviour, said in pairs(SOCKS) do
      it(("(SOCKS, %s) is connect_failed of kind proxy"):format(behaviour), function()
        local proxy = proxies.start(behaviour)
        local err = refused { proxy = ("socks5h://user:%s@127.0.0.1:%d"):format(SECRET, proxy.port) }
        assert.equal("connect_failed", err.reason)
        assert.equal("proxy", err.kind)
        assert.truthy(tostring(err):find(said, 1, true))
      end)
    end

    it("is dead, which is not tried again", function()
      local err = refused { proxy = ("http://user:%s@127.0.0.1:%d"):format(SECRET, support.free_port()) }
      assert.equal("proxy", err.kind)
      assert.equal(1, err.attempts)
    end)

    it("is silent: a timeout of phase proxy", function()
      local proxy = proxies.start "silent"
      wait_timeout("proxy", function()
        return nil, refused { proxy = "127.0.0.1:" .. proxy.port, connect_timeout = 1 }
      end)
    end)
  end)

  describe("of SOCKS5", function()
    it("is given names by socks5h, addresses by socks5", function()
      local proxy = proxies.start("socks", "user:" .. SECRET)
      support.run(function()
        for _, scheme in ipairs { "socks5h", "socks5" } do
          local c = client { proxy = ("%s://user:%s@127.0.0.1:%d"):format(scheme, SECRET, proxy.port) }
          assert.equal(200, assert(c:get(nginx.url .. "/a.txt")).status)
          assert.equal("hi", assert(c:get(plain.url .. "/")).body)
          c:close()
        end
      end)
      local asked = requests(proxy, 4)
      assert.same({ "localhost", true, "user" }, { asked[1].host, asked[1].named, asked[1].user })
      assert.is_false(asked[3].named)
    end)

    it("refuses a wrong password", function()
      local proxy = proxies.start("socks", "user:" .. SECRET)
      local err = refused { proxy = ("socks5://user:%sx@127.0.0.1:%d"):format(SECRET, proxy.port) }
      assert.equal("proxy", err.kind)
      assert.truthy(tostring(err):find "user and password")
    end)

    it("is sent no credentials above 255 bytes: nothing at all", function()
      local proxy = proxies.start "socks"
      local long = ("x"):rep(256)
      local err = refused { proxy = ("socks5h://%s:y@127.0.0.1:%d"):format(long, proxy.port) }
      assert.equal("proxy", err.kind)
      assert.truthy(tostring(err):find "255")
    end)

    it("is what microsocks does", function()
      local proxy = proxies.microsocks("user", SECRET)
      support.run(function()
        local c = client { proxy = ("socks5h://user:%s@127.0.0.1:%d"):format(SECRET, proxy.port) }
        assert.equal(300000, #assert(c:get(nginx.url .. "/b.txt")).body)
        c:close()
      end)
    end)
  end)

  describe("for http:// URLs", function()
    it("is asked for the whole URL, over connections that all hosts share", function()
      local proxy = proxies.start()
      local url = "http://127.0.0.1:" .. plain.port
      support.run(function()
        local c = client { proxy = ("http://user:%s@127.0.0.1:%d"):format(SECRET, proxy.port) }
        assert.equal("hi", assert(c:get(url .. "/")).body)
        local res = assert(c:get(plain.url .. "/to"))
        assert.equal("hi", res.body)
        assert.equal(plain.url .. "/", res.url)
        assert.equal(1, c:stats().connections_opened)
        c:close()
      end)
      local asked = requests(proxy, 3)
      assert.equal(("GET %s/ HTTP/1.1"):format(url), asked[1].line)
      assert.equal(("GET %s/to HTTP/1.1"):format(plain.url), asked[2].line)
      for _, request in ipairs(asked) do
        assert.is_true(has(request.fields, "proxy-authorization: Basic dXNlcjpzM2NyZXQtd29yZA=="))
      end
      for _, event in ipairs(plain:events()) do -- the server sees none of it
        assert.is_nil((event.fields or {})["proxy-authorization"])
      end
    end)
  end)

  describe("of one request", function()
    it("is another one, or none; connections are not shared between them", function()
      local one, other = proxies.start(), proxies.start()
      support.run(function()
        local c = client { proxy = "127.0.0.1:" .. one.port }
        local url = nginx.url .. "/a.txt"
        assert(c:get(url))
        assert(c:get(url, { proxy = "127.0.0.1:" .. other.port }))
        assert(c:get(url, { proxy = false }))
        assert(c:get(url))
        assert(c:get(url, { proxy = ("http://x:y@127.0.0.1:%d"):format(other.port) }))
        assert.equal(4, c:stats().connections_opened)
        c:close()
      end)
      assert.equal(1, #requests(one, 1))
      assert.equal(2, #requests(other, 2))
    end)
  end)

  it("serves a connection of one's own", function()
    local proxy = proxies.start()
    support.run(function()
      local conn = assert(rill.connect(plain.url, { proxy = "127.0.0.1:" .. proxy.port }))
      assert.equal("hi", assert(conn:request { url = "/" }).body)
      conn:close()
    end)
    assert.equal(("CONNECT localhost:%d HTTP/1.1"):format(plain.port), requests(proxy, 1)[1].line)
  end)

  describe("is not used", function()
    -- With a proxy that refuses all: what goes through it fails.
    local function goes_without(no_proxy, url)
      local direct
      local resolve = {}
      for _, host in ipairs { "www.example.com", "example.com", "notexample.com", "10.1.2.3", "[fd00::1]" } do
        resolve[host .. ":80"] = "127.0.0.1:" .. plain.port
      end
      support.run(function()
        local c = client { proxy = "127.0.0.1:" .. support.free_port(), no_proxy = no_proxy, resolve = resolve,
          on_warning = function() end }
        direct = c:get(url) ~= nil
        c:close()
      end)
      return direct
    end

    local CASES = {
      { "*", "http://example.com/", true },
      { "example.com", "http://example.com/", true },
      { "example.com", "http://www.example.com/", true },
      { ".example.com", "http://www.example.com/", true },
      { "example.com.", "http://example.com/", true },
      { "example.com", "http://notexample.com/", false },
      { "www.example.com", "http://example.com/", false },
      { "EXAMPLE.com:80", "http://example.com/", true },
      { "example.com:81", "http://example.com/", false },
      { "10.1.0.0/16", "http://10.1.2.3/", true },
      { "10.1.2.3", "http://10.1.2.3/", true },
      { "10.2.0.0/16", "http://10.1.2.3/", false },
      { "3", "http://10.1.2.3/", false },
      { "fd00::/8", "http://[fd00::1]/", true },
      { "[fd00::1]:80", "http://[fd00::1]/", true },
      { "0.0.0.0/0", "http://example.com/", false },
      { "other.example, example.com", "http://example.com/", true },
      { "other.example example.com", "http://example.com/", true },
      { { "other.example", "example.com" }, "http://example.com/", true },
      { "", "http://example.com/", false },
      { "10.1.0.0/99,//,example.com", "http://example.com/", true },
    }
    for _, case in ipairs(CASES) do
      local list = type(case[1]) == "table" and table.concat(case[1], "|") or case[1]
      it(("by %q for %s: %s"):format(list, case[2], tostring(case[3])), function()
        assert.equal(case[3], goes_without(case[1], case[2]))
      end)
    end

    it("and what no_proxy cannot mean is warned of", function()
      local LONG = ("x"):rep(300)
      local warnings = {}
      support.run(function()
        local c = client { proxy = "127.0.0.1:1", no_proxy = "10.0.0.0/33, fine.example, a/b, " .. LONG,
          on_warning = function(message) warnings[#warnings + 1] = message end }
        c:get "http://127.0.0.1:1/"
        c:close()
      end)
      assert.equal(3, #warnings)
      assert.truthy(warnings[1]:find("10.0.0.0/33", 1, true))
      assert.truthy(warnings[2]:find("a/b", 1, true))
      assert.truthy(warnings[3]:find("xxx", 1, true))
    end)

    it("and of more than anybody reads some warnings are left out, with one that says so", function()
      local warnings = {}
      support.run(function()
        local c = client { proxy = "127.0.0.1:1", no_proxy = ("a/b,"):rep(5000),
          on_warning = function(message) warnings[#warnings + 1] = message end }
        c:get "http://127.0.0.1:1/"
        c:close()
      end)
      assert.is_true(#warnings > 10 and #warnings < 1000, #warnings .. " warnings")
      assert.equal("more warnings than anybody reads: some were dropped", warnings[#warnings])
    end)
  end)

  describe("from the environment", function()
    local NAMES = { "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
      "NO_PROXY", "REQUEST_METHOD" }
    local function clear()
      for _, name in ipairs(NAMES) do ffi.C.unsetenv(name) end
    end
    before_each(clear)
    after_each(clear)

    local function get(variables, url)
      for name, value in pairs(variables) do ffi.C.setenv(name, value, 1) end
      local res, err
      support.run(function()
        local c = client { proxy = "env" }
        res, err = c:get(url)
        c:close()
      end)
      return res, err
    end

    it("is that of the scheme, lower case first, else of all; none where nothing is set", function()
      local proxy = proxies.start()
      local here, nowhere = "127.0.0.1:" .. proxy.port, "127.0.0.1:" .. support.free_port()
      local url = nginx.url .. "/a.txt"
      assert(get({}, url))
      assert(get({ https_proxy = here, HTTPS_PROXY = nowhere, http_proxy = nowhere }, url))
      clear()
      assert(get({ ALL_PROXY = here, http_proxy = nowhere }, url))
      assert.equal(2, #requests(proxy, 2))
      clear()
      local _, err = get({ HTTP_PROXY = nowhere }, plain.url .. "/")
      assert.equal("proxy", err.kind)
      assert(get({ HTTP_PROXY = nowhere, no_proxy = "localhost" }, plain.url .. "/"))
      clear()
      assert(get({ HTTP_PROXY = nowhere, REQUEST_METHOD = "GET" }, plain.url .. "/"))
    end)
  end)

  it("that is none raises, and shows no credentials", function()
    local WRONG = { "ftp://x", "http://", ("http://user:%s@"):format(SECRET), ("http://u:%s@h:99999"):format(SECRET),
      "http://h/path", "http://%zz@h", ("http://a%%3Ab:%s@h"):format(SECRET), ("x"):rep(5000) }
    for _, value in ipairs(WRONG) do
      local ok, err = pcall(rill.client, { proxy = value })
      assert.is_false(ok, value)
      assert.truthy(tostring(err):find "proxy")
      assert.is_nil(tostring(err):find(SECRET, 1, true))
    end
  end)
end)
