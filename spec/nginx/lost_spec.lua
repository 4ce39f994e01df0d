-- Upstreams and proxies that go while a hundred light threads wait for them: each of them is answered or gets a reason.
local process = require "support.process"
local proxies = require "support.proxy"
local support = require "support"

-- Holds what comes on its first connection until a hundred wait there; answers on all others.
local UPSTREAM = [[
const held = [];
let first, socket;
server.on('secureConnection', (each) => { socket = socket || each; });
function part(how) {
  if (how === '/goaway') first.goaway(0, held[49].id);
  if (how === '/destroy') socket.destroy();
  if (how === '/goaway') for (const each of held.slice(0, 50)) each.answer();
}
server.on('session', (session) => { first = first || session; session.on('error', () => {}); log({ session: true }); });
server.on('stream', (stream, headers) => {
  const answer = () => { stream.respond({ ':status': 200 }); stream.end('answered'); };
  stream.on('error', () => {});
  if (stream.session !== first) return answer();
  held.push({ id: stream.id, answer });
  log({ held: held.length });
  if (held.length === 100) part(headers[':path']);
});]]

-- The same over HTTP/1.1; ends two connections with a request on them.
local HTTP1 = [[
let count = 0;
server.on('request', (request, response) => {
  count++;
  log({ request: count });
  if (request.url === '/hold') return;
  if (count === 5 || count === 25) return request.socket.destroy();
  response.end('answered');
});]]

local HTTP = [[
init_by_lua_block {
  rill = require "rill"
  local function new(options)
    options.tls, options.timeout = { ca_file = "$ca" }, 60
    return assert(rill.client(options))
  end
  clients = {
    strict = new { retries = 0 },
    lenient = new {},
    proxy = new { retries = 0, proxy = "http://127.0.0.1:$proxy" },
    old = new { retries = 0, protocols = { "http/1.1" } },
    old_lenient = new { protocols = { "http/1.1" } },
  }
}
]]

local SERVER = [[
location /hundred {
  content_by_lua_block {
    local by, url, method = clients[ngx.var.arg_by], "https://localhost:" .. ngx.var.arg_to, ngx.var.arg_method
    local threads, outcomes, names = {}, {}, {}
    for i = 1, 100 do
      threads[i] = ngx.thread.spawn(by.request, by, { url = url, method = method })
    end
    for i = 1, 100 do
      local _, res, err = ngx.thread.wait(threads[i])
      local name = tostring(res and res.status or err.reason)
      outcomes[name] = (outcomes[name] or 0) + 1
    end
    for name, count in pairs(outcomes) do names[#names + 1] = name .. " " .. count end
    table.sort(names)
    ngx.say(table.concat(names, ", "))
  }
}
location /stats {
  content_by_lua_block {
    local stats = clients[ngx.var.arg_by]:stats()
    ngx.say(stats.streams, " ", stats.pending, " ", stats.connections)
  }
}
]]

describe("a hundred light threads", function()
  local proxy, server, upstream

  setup(function()
    proxy = proxies.tinyproxy()
    local values = { ca = support.ca().file, proxy = proxy.port }
    server = support.openresty { config = SERVER, http_config = HTTP, values = values }
  end)
  teardown(function()
    assert.falsy(server:log():find("[alert]", 1, true), server:log())
    server:stop()
    proxy:stop()
  end)
  after_each(function() upstream:stop() end)

  -- To ask for `target` of the upstream a hundred times.
  local function path(by, target, method)
    return ("/hundred?by=%s&method=%s&to=%d%s"):format(by, method or "GET", upstream.port, target)
  end

  local function wait_for_nothing(by, connections)
    local expected = ("0 0 %d\n"):format(connections)
    support.wait(function() return server:get("/stats?by=" .. by) == expected end, 10, "nothing that waits")
  end

  -- Asks in the background; returns a function that waits for the answer.
  local function ask(wanted)
    local child = process.start({ "curl", "-s", server.url .. wanted }, server.directory .. "/hundred")
    return function()
      child:wait(60)
      local answer = support.read(child.out)
      os.remove(child.out)
      return answer
    end
  end

  it("are all answered where a GOAWAY leaves half of them out", function()
    upstream = support.node { source = UPSTREAM }
    assert.equal("200 100\n", server:get(path("strict", "/goaway")))
    assert.equal(2, #upstream:wait_events(function(event) return event.session end, 2))
  end)

  it("are all answered by nginx, which says GOAWAY after each ten", function()
    upstream = support.nginx { keepalive_requests = 10, files = { page = "page" } }
    assert.equal("200 100\n", server:get(path("strict", "/page")))
    local connections, count = {}, 0
    for _, event in ipairs(upstream:wait_log(100)) do
      if not connections[event.connection] then connections[event.connection], count = true, count + 1 end
    end
    assert.is_true(count >= 10, count .. " connections")
  end)

  it("are repeated where their connection is lost and that does no harm", function()
    upstream = support.node { source = UPSTREAM }
    assert.equal("200 100\n", server:get(path("lenient", "/destroy")))
  end)

  it("get the reason where it might", function()
    upstream = support.node { source = UPSTREAM }
    assert.equal("connection_lost 100\n", server:get(path("lenient", "/destroy", "POST")))
    wait_for_nothing("lenient", 0)
  end)

  it("get a reason where their proxy is killed", function()
    upstream = support.node { source = UPSTREAM }
    local answer = ask(path("proxy", "/hold"))
    upstream:wait_events(function(event) return event.held == 100 end)
    proxy.process:signal "KILL"
    assert.equal("connection_lost 100\n", answer())
    wait_for_nothing("proxy", 0)
  end)

  it("get a reason where an upstream of HTTP/1.1 is killed: those that were sent, and those in line", function()
    upstream = support.node { source = HTTP1, http1 = true }
    local answer = ask(path("old", "/hold"))
    upstream:wait_events(function(event) return event.request == 6 end)
    upstream.process:signal "KILL"
    assert.equal("connect_failed 94, connection_lost 6\n", answer())
    wait_for_nothing("old", 0)
  end)

  it("are answered where connections of HTTP/1.1 end under them, and that does no harm", function()
    upstream = support.node { source = HTTP1, http1 = true }
    assert.equal("200 100\n", server:get(path("old_lenient", "/get")))
  end)
end)
