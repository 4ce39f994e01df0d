-- Servers that people run, over HTTP/1.1.
local support = require "support"
local rill = require "rill"

local OPTIONS = { protocols = { "http/1.1" } }

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
