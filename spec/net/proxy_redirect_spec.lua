-- Redirects between hosts behind a proxy and hosts without: each request goes its own way, credentials stay where
-- they belong.
local dkjson = require "dkjson"
local proxies = require "support.proxy"
local rill = require "rill"
local support = require "support"

local SECRET = "s3cret-word"
local RIGHTS = "proxy-authorization: Basic dXNlcjpzM2NyZXQtd29yZA==" -- of user:SECRET

local function escape(text)
  return (text:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- `http1` of the servers.
local function specs(http1)
  local one, two, proxy

  setup(function()
    one, two = support.node { script = "web.js", http1 = http1 }, support.node { script = "web.js", http1 = http1 }
  end)
  teardown(support.stop_all)
  before_each(function()
    proxy = proxies.start()
    support.begin()
  end)
  after_each(function()
    support.check_clean()
    proxy:stop()
  end)

  -- There is one host by name and one by address, so that no_proxy can tell them apart.
  local function by_address(server) return (server.url:gsub("localhost", "127.0.0.1")) end

  local function from(url, location, status)
    return ("%s/to?status=%d&location=%s"):format(url, status or 302, escape(location))
  end

  local function with_proxy(no_proxy, more)
    local options = { proxy = ("http://user:%s@127.0.0.1:%d"):format(SECRET, proxy.port), no_proxy = no_proxy }
    for name, value in pairs(more or {}) do options[name] = value end
    return support.client(options)
  end

  local function asked()
    local list = {}
    for _, event in ipairs(proxy:events()) do
      if event.event == "request" then list[#list + 1] = event end
    end
    return list
  end

  -- What a server saw has nothing of the proxy's.
  local function seen(res)
    local body = assert(res).body
    assert.is_nil(body:find(SECRET, 1, true))
    assert.is_nil(body:lower():find("proxy-authorization", 1, true))
    assert.is_nil(body:find("dXNlcjpzM2NyZXQtd29yZA", 1, true))
    return dkjson.decode(body)
  end

  it("leads from a host without the proxy to one behind it", function()
    support.run(function()
      local client = with_proxy "localhost"
      local res = client:get(from(one.url, by_address(two) .. "/echo"), { auth = { bearer = "mine" } })
      assert.is_nil(seen(res).fields.authorization)
      assert.equal(1, #res.history)
    end)
    assert.equal(1, #asked())
    assert.equal(("CONNECT 127.0.0.1:%d HTTP/1.1"):format(two.port), asked()[1].line)
    assert.is_nil(table.concat(asked()[1].fields, "\n"):find("mine", 1, true))
  end)

  it("leads from a host behind the proxy to one without, and back", function()
    support.run(function()
      local client = with_proxy "127.0.0.1"
      local back = from(by_address(two), one.url .. "/echo")
      local auth = { auth = { bearer = "mine" } }
      assert.equal("Bearer mine", seen(client:get(from(one.url, back), auth)).fields.authorization)
      assert.is_nil(seen(client:get(from(one.url, by_address(two) .. "/echo"), auth)).fields.authorization)
    end)
    for _, request in ipairs(asked()) do
      assert.equal(("CONNECT localhost:%d HTTP/1.1"):format(one.port), request.line)
    end
  end)

  it("takes body, cookies and what is by hand along as without one", function()
    local jar, path = rill.cookies.jar(), support.write(support.directory() .. "/file", "of a file")
    support.run(function()
      local client = with_proxy("localhost", { cookies = jar })
      client:get(one.url .. "/set?c=" .. escape "a=1; Path=/")
      local headers = { ["x-kept"] = "1", ["proxy-authorization"] = "Basic aGFuZA==" }
      local said = seen(client:post(from(one.url, by_address(two) .. "/echo", 307),
        rill.multipart { { name = "f", file = path } }, { headers = headers }))
      assert.same({ "POST", "1" }, { said.method, said.fields["x-kept"] })
      assert.matches("of a file", said.body, 1, true)
      assert.is_nil(said.fields.cookie)
      assert.equal("a=1", seen(client:get(one.url .. "/echo")).fields.cookie)
    end)
    assert.is_nil(table.concat(asked()[1].fields, "\n"):find("aGFuZA", 1, true))
  end)

  it("goes on with the proxy of the call, of whatever kind", function()
    local socks = proxies.start("socks", "user:" .. SECRET)
    support.run(function()
      local client = support.client()
      local way = ("socks5h://user:%s@127.0.0.1:%d"):format(SECRET, socks.port)
      seen(client:get(from(one.url, by_address(two) .. "/echo"), { proxy = way }))
      client = with_proxy()
      seen(client:get(from(one.url, by_address(two) .. "/echo"), { proxy = false }))
    end)
    assert.equal(0, #asked())
    local targets = {}
    for _, event in ipairs(socks:events()) do
      if event.event == "request" then targets[#targets + 1] = event.host end
    end
    assert.same({ "localhost", "127.0.0.1" }, targets)
    socks:stop()
  end)

  it("is denied where it leads inside, before the proxy is asked", function()
    support.run(function()
      local client = with_proxy(nil, { deny_private = true, resolve = { ["localhost:" .. one.port] = "127.0.0.1" } })
      for _, host in ipairs { "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1" } do
        local res, err = client:get(from(one.url, ("https://%s:%d/echo"):format(host, two.port)))
        assert.is_nil(res)
        assert.same({ "connect_failed", "denied", 1 }, { err.reason, err.kind, #err.history })
        assert.is_nil(tostring(err):find(SECRET, 1, true))
      end
    end)
    assert.equal(1, #asked())
  end)

  it("whose proxy is gone is kind proxy, and knows the history", function()
    local address = support.refused():match "//([^/]*)"
    support.run(function()
      local client = support.client { proxy = "http://" .. address, no_proxy = "localhost" }
      local res, err = client:get(from(one.url, by_address(two) .. "/echo"))
      assert.is_nil(res)
      assert.same({ "connect_failed", "proxy", 302 }, { err.reason, err.kind, err.history[1].status })
    end)
  end)
end

describe("a redirect behind a proxy over HTTP/2", function() specs(false) end)
describe("a redirect behind a proxy over HTTP/1.1", function() specs(true) end)

describe("a redirect of http:// behind a proxy", function()
  local plain, first, proxy

  setup(function()
    plain = support.http1 { ["/"] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi" }
    local function to(host)
      return ("HTTP/1.1 302 Found\r\nlocation: http://%s:%d/\r\ncontent-length: 0\r\n\r\n"):format(host, plain.port)
    end
    first = support.http1 { ["/name"] = to "localhost", ["/address"] = to "127.0.0.1" }
    proxy = proxies.start()
  end)
  teardown(support.stop_all)
  before_each(support.begin)
  after_each(support.check_clean)

  it("has the proxy's credentials where that is asked, and nowhere else", function()
    local function address_of(server) return (server.url:gsub("localhost", "127.0.0.1")) end
    local ways = { -- no_proxy, the URL, what of it goes through the proxy
      { "127.0.0.1", first.url .. "/address", first.url .. "/address" },
      { "localhost", first.url .. "/address", address_of(plain) .. "/" },
      { "localhost", address_of(first) .. "/name", address_of(first) .. "/name" },
      { "127.0.0.1", address_of(first) .. "/name", plain.url .. "/" },
    }
    local options = { headers = { authorization = "Bearer mine" } }
    for i, way in ipairs(ways) do
      support.run(function()
        local client = support.client { proxy = ("http://user:%s@127.0.0.1:%d"):format(SECRET, proxy.port),
          no_proxy = way[1] }
        assert.equal("hi", assert(client:get(way[2], options)).body)
      end)
      local asked = proxy:wait_events(function(event) return event.event == "request" end, i)
      assert.equal(("GET %s HTTP/1.1"):format(way[3]), asked[i].line)
      local fields = table.concat(asked[i].fields, "\n")
      assert.matches(RIGHTS, fields, 1, true)
      assert.equal(way[3] == way[2], fields:find("Bearer mine", 1, true) ~= nil)
    end
    local authorized = 0
    for _, server in ipairs { first, plain } do
      for _, event in ipairs(server:events()) do
        local fields = table.concat(event.fields or {}, "\n")
        assert.is_nil(fields:find("proxy-authorization", 1, true))
        if fields:find("Bearer mine", 1, true) then
          assert.equal(first, server)
          authorized = authorized + 1
        end
      end
    end
    assert.equal(#ways, authorized)
  end)
end)
