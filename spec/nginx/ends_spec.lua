-- How nginx and its workers end, and are replaced, while many streams run.
local process = require "support.process"
local support = require "support"

local UPSTREAM = [[
server.on('session', (session) => {
  log({ session: true });
  session.on('error', () => {});
  session.on('close', () => log({ lost: true }));
});
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  if (path === '/many') {
    log({ open: path });
    stream.respond({ ':status': 200 });
    stream.write('begun');
    return;
  }
  stream.respond({ ':status': 200 });
  stream.end('got ' + path);
});]]

local HTTP = [[
lua_check_client_abort on;
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60, max_streams = 2000 })
}
]]

local SERVER = [[
location /get { content_by_lua_block { ngx.say(assert(client:get("$upstream/get")).body) } }
location /many {
  content_by_lua_block {
    local threads = {}
    for i = 1, 1000 do
      threads[i] = ngx.thread.spawn(function()
        for chunk in assert(client:open { url = "$upstream/many" }):chunks() do end
      end)
    end
    for i = 1, 1000 do ngx.thread.wait(threads[i]) end
  }
}
]]

describe("nginx", function()
  local upstream, server, taker

  local function start(options)
    local values = { ca = upstream.ca, upstream = upstream.url }
    options.config, options.http_config, options.values = SERVER, HTTP, values
    server = support.openresty(options)
    assert.equal("got /get\n", server:get "/get")
  end

  -- A thousand streams run, for one client.
  local function begin_many()
    taker = process.start({ "curl", "-s", server.url .. "/many" }, server.directory .. "/taken")
    upstream:wait_events(function(event) return event.open end, 1000, 60)
  end

  local function wait_replaced(old)
    support.wait(function()
      local now = server:workers()
      return #now == 1 and now[1] ~= old
    end, 30, "another worker")
  end

  local function assert_no_alert()
    local log = server:log()
    local quiet = not log:find("[alert]", 1, true) and not log:find("[crit]", 1, true)
    assert.is_true(quiet and not log:find("exited on signal 11", 1, true), log)
  end

  before_each(function() upstream = support.node { source = UPSTREAM } end)
  after_each(function()
    if taker then taker:wait(10) end
    server:stop()
    upstream:stop()
    taker = nil
  end)

  it("that is stopped ends at once, with a thousand streams under way", function()
    start {}
    begin_many()
    server.process:signal "TERM"
    assert.equal(0, server.process:wait(10))
    upstream:wait_events(function(event) return event.lost end)
    assert_no_alert()
  end)

  it("that is told to quit ends when they do: here, because their client leaves", function()
    start {}
    begin_many()
    server.process:signal "QUIT"
    support.wait(function() return server:log():find("gracefully shutting down", 1, true) end, 10, "the worker to know")
    taker:signal "KILL"
    assert.equal(0, server.process:wait(20))
    assert_no_alert()
  end)

  it("that is told to quit ends with them after worker_shutdown_timeout", function()
    start { main_config = "worker_shutdown_timeout 100ms;" }
    begin_many()
    server.process:signal "QUIT"
    assert.equal(0, server.process:wait(20))
    assert_no_alert()
  end)

  it("replaces a worker that was killed, which finds the upstream anew", function()
    start {}
    begin_many()
    local worker = server:workers()[1]
    assert(os.execute("kill -9 " .. worker) == 0)
    wait_replaced(worker)
    assert.equal("got /get\n", server:get "/get")
    assert.equal(2, #upstream:wait_events(function(event) return event.session end, 2))
  end)

  it("as a daemon is no other", function()
    start { daemon = true, workers = 1 }
    local worker = server:workers()[1]
    server.process:signal "HUP"
    wait_replaced(worker)
    assert.equal("got /get\n", server:get "/get")
    server.process:signal "QUIT"
    server.process:wait(20)
    assert_no_alert()
  end)
end)
