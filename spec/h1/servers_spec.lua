-- Servers that people run, over HTTP/1.1. `luajit spec/servers/main.lua` asks more, and of more of them.
local support = require "support"
local rill = require "rill"
local servers = require "servers.list"
local trials = require "servers.trials"

local OPTIONS = { protocols = { "http/1.1" } }
local SHARE = 0.1 -- of what main.lua asks
local NOT_HERE = { ["behind idleness"] = true } -- it takes its time

describe("nginx over HTTP/1.1", function()
  local server

  setup(function() server = support.nginx() end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("serves many requests on few connections", function()
    local client = support.client { protocols = OPTIONS.protocols, tls = { ca_file = server.ca } }
    support.run(function()
      local urls = {}
      for i = 1, 200 do urls[i] = server.url .. "/" end
      for _, res, err in rill.map(urls, function(url) return client:get(url) end, { concurrency = 50 }) do
        assert.is_nil(err)
        assert.equal("http/1.1", res.protocol)
      end
    end)
    assert.is_true(client:stats().connections_opened <= 6)
  end)
end)

describe("node over HTTP/1.1", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("answers GET, HEAD and a body that is fed", function()
    local server = support.node { raw = true, source = [[
      const inner = require("http").createServer((request, response) => {
        let length = 0;
        request.on("data", (chunk) => { length += chunk.length; });
        request.on("end", () => {
          response.writeEarlyHints({ link: "</a>; rel=preload" });
          response.end("got " + length);
        });
      });
      server.on("connection", (socket) => inner.emit("connection", socket));
    ]] }
    local client = support.client(OPTIONS)
    support.run(function()
      assert.equal("got 0", assert(client:get(server.url .. "/")).body)
      assert.equal("", assert(client:head(server.url .. "/")).body)
      local left = 3
      local res = assert(client:post(server.url .. "/", function()
        left = left - 1
        return left >= 0 and ("x"):rep(100000) or nil
      end))
      assert.equal("got 300000", res.body)
    end)
    assert.equal(1, client:stats().connections_opened)
  end)
end)

describe("a server of HTTP/1.1", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for _, name in ipairs { "nginx", "nginx, 10 requests", "nginx, close", "node", "python, HTTP/1.0",
    "python, HTTP/1.1" } do
    it("answers all that it is asked: " .. name, function()
      local _, server = servers.each { name }()
      local client = support.client { protocols = { "http/1.1" }, retries = 0 }
      support.run(function()
        for _, trial in ipairs(trials) do
          if not NOT_HERE[trial[1]] then
            local good, asked, first = trial[2](client, server, SHARE)
            assert.equal(asked, good, ("%s: %s"):format(trial[1], first))
          end
        end
      end)
      assert.is_true(client:stats().connections_opened >= 1)
      client:close()
      server.process:stop()
    end)
  end
end)
