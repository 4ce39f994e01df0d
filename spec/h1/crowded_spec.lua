-- A server that takes fewer connections of one client than it would open.
local support = require "support"
local rill = require "rill"

-- Two connections; others are closed as they come. Answers once it has turned one away.
local TWO_ALONE = [[
  const held = [];
  let turned_away = 0;
  server.maxConnections = 2;
  server.on("drop", () => {
    turned_away++;
    for (const response of held.splice(0)) response.end("ok");
  });
  server.on("request", (request, response) => {
    if (turned_away) response.end("ok"); else held.push(response);
  });
]]

-- One connection; once it has turned one away, two. The first request is answered when the second has come.
local ONE_AT_FIRST = [[
  let first;
  server.maxConnections = 1;
  server.on("drop", () => { server.maxConnections = 2; });
  server.on("request", (request, response) => {
    if (!first) { first = response; return; }
    response.end("second");
    first.end("first");
  });
]]

describe("a server that takes few connections of a client", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("answers all requests on those it takes", function()
    local server = support.node { http1 = true, source = TWO_ALONE }
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      local urls = {}
      for i = 1, 30 do urls[i] = server.url .. "/" .. i end
      for _, res, err in rill.map(urls, function(url) return client:get(url) end, { concurrency = 30 }) do
        assert.is_nil(err)
        assert.equal("ok", res.body)
        assert.equal(1, res.attempts)
      end
    end)
    assert.is_true(client:stats().connections <= 2)
  end)

  it("is asked again whether it takes another one", function()
    local server = support.node { http1 = true, source = ONE_AT_FIRST }
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      local function get() return assert(client:get(server.url .. "/")).body end
      local results = rill.all { get, get }
      local bodies = { results[1][1], results[2][1] }
      table.sort(bodies)
      assert.same({ "first", "second" }, bodies)
    end)
    assert.equal(2, client:stats().connections_opened)
  end)
end)
