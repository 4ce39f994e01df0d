-- Clients with a cookie jar, against a server that sets and asks for cookies.
local dkjson = require "dkjson"
local rill = require "rill"
local support = require "support"

-- What is so over each version of HTTP: `http1` of the servers.
local function specs(http1)
  local server, other

  local function site() return support.node { script = "web.js", http1 = http1 } end

  setup(function() server, other = site(), site() end)
  teardown(function()
    server:stop()
    other:stop()
  end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function escape(text)
    return (text:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end))
  end

  local function set(cookies, next_url)
    local query = {}
    for i, cookie in ipairs(cookies) do query[i] = "c=" .. escape(cookie) end
    if next_url then query[#query + 1] = "then=" .. escape(next_url) end
    return server.url .. "/set?" .. table.concat(query, "&")
  end

  local function sent(client, url, options)
    return dkjson.decode(assert(client:get(url or server.url .. "/echo", options)).body).fields.cookie
  end

  it("is off by default", function()
    local client = support.client()
    support.run(function()
      client:get(set { "a=1" })
      assert.is_nil(sent(client))
    end)
  end)

  it("keeps what is set and sends it back", function()
    local client = support.client { cookies = true }
    support.run(function()
      assert.is_nil(sent(client))
      assert.equal("set", assert(client:get(set { "a=1; Path=/", "b=2; Path=/; Secure", "c=3; Path=/elsewhere" })).body)
      assert.equal("a=1; b=2", sent(client))
      assert.equal("a=1; b=2", sent(client, nil, { on_headers = function() end }))
      client:get(set { "a=; Max-Age=0; Path=/" })
      assert.equal("b=2", sent(client))
    end)
  end)

  it("takes part in each redirect", function()
    local client = support.client { cookies = true }
    support.run(function()
      local res = assert(client:post(set({ "login=yes; Path=/" }, "/echo"), "user=me"))
      assert.equal("login=yes", dkjson.decode(res.body).fields.cookie)
      assert.equal(1, #res.history)
      local away = server.url:gsub("localhost", "127.0.0.1") .. "/echo"
      assert.is_nil(sent(client, server.url .. "/to?location=" .. escape(away)))
      assert.equal("login=yes", sent(client, server.url .. "/to?location=" .. escape(other.url .. "/echo")))
    end)
  end)

  it("keeps cookies of a response that is no redirect for the call", function()
    local client = support.client { cookies = true, redirects = 0 }
    support.run(function()
      assert.equal(303, client:get(set({ "a=1; Path=/" }, "/echo")).status)
      assert.equal("a=1", sent(client))
    end)
  end)

  it("gives way to a cookie that is given by hand, at its own origin", function()
    local jar = rill.cookies.jar()
    jar:set(server.url, "a=1; Path=/")
    local client = support.client { cookies = jar }
    support.run(function()
      local by_hand = { headers = { cookie = "hand=1" } }
      assert.equal("hand=1", sent(client, nil, by_hand))
      assert.equal("a=1", sent(client, server.url .. "/to?location=" .. escape(other.url .. "/echo"), by_hand))
      assert.equal("a=1", jar:get(server.url))
    end)
  end)

  it("is shared by clients", function()
    local jar = rill.cookies.jar()
    local one, two = support.client { cookies = jar }, support.client { cookies = jar }
    support.run(function()
      one:get(set { "a=1; Path=/" })
      assert.equal("a=1", sent(two))
    end)
  end)

  it("is not asked by open, nor on a connection", function()
    local client = support.client { cookies = true }
    support.run(function()
      client:get(set { "a=1; Path=/" })
      local body = assert(client:open { url = server.url .. "/echo" }):body()
      assert.is_nil(dkjson.decode(body).fields.cookie)
    end)
  end)

  it("bounds what one response may leave", function()
    local many = support.node {
      http1 = http1,
      source = [[server.on('stream', (stream) => {
        const list = [];
        for (let i = 0; i < 1000; i++) list.push(`n${i}=${'v'.repeat(20)}; Path=/`);
        stream.respond({ ':status': 200, 'set-cookie': list });
        stream.end();
      });]],
    }
    local jar = rill.cookies.jar()
    local client = support.client { cookies = jar, max_header_list = 2 ^ 20 }
    support.run(function()
      assert.equal(200, assert(client:get(many.url)).status)
      local count = 0
      for _ in jar:each() do count = count + 1 end
      assert.equal(180, count)
    end)
    many:stop()
  end)

  it("is true, false or a jar", function()
    for _, value in ipairs { 1, "jar", {} } do
      local made, message = pcall(rill.client, { cookies = value })
      assert.is_false(made)
      assert.truthy(message:find("cookies must be", 1, true))
    end
    rill.client({ cookies = false }):close()
  end)
end

describe("a client's jar over HTTP/2", function() specs(false) end)
describe("a client's jar over HTTP/1.1", function() specs(true) end)
