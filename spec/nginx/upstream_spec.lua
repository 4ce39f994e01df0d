-- Upstreams that fail, and other ways to reach one; tasks across the light threads of a worker.
local support = require "support"

-- Holds `/hold`; `/goaway` says GOAWAY and answers.
local UPSTREAM = [[
server.on('session', (session) => { session.on('error', () => {}); });
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  log({ open: path });
  if (path.startsWith('/hold')) return;
  stream.respond({ ':status': 200 });
  if (path === '/goaway') stream.session.goaway(0);
  stream.end('got ' + path);
});]]

local HTTP = [[
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 30, retries = 0, max_streams = 1000 })
  old = assert(rill.client { protocols = { "http/1.1" }, timeout = 20 })
  warned = assert(rill.client { tls = { verify = false }, timeout = 20 })
  queue = rill.queue(2)
}
]]

local SERVER = [[
location /hold {
  content_by_lua_block {
    local threads, reasons = {}, {}
    for i = 1, 100 do threads[i] = ngx.thread.spawn(client.get, client, "$upstream/hold" .. i) end
    for i = 1, 100 do
      local _, res, err = ngx.thread.wait(threads[i])
      local reason = res and res.status or err.reason
      reasons[reason] = (reasons[reason] or 0) + 1
    end
    for reason, count in pairs(reasons) do ngx.say(reason, " ", count) end
  }
}
location /goaway {
  content_by_lua_block {
    local threads = {}
    for i = 1, 20 do
      threads[i] = ngx.thread.spawn(client.get, client, "$upstream/" .. (i == 5 and "goaway" or i))
    end
    for i = 1, 20 do
      local _, res, err = ngx.thread.wait(threads[i])
      if not res then ngx.say(tostring(err)) end
    end
    ngx.say(assert(client:get "$upstream/after").status)
  }
}
location /old {
  content_by_lua_block {
    local res = assert(old:get "http://127.0.0.1:$port/plain")
    ngx.say(res.protocol, " ", res.body)
  }
}
location /plain { return 200 "plain"; }
location /warning {
  content_by_lua_block {
    warned:get "$upstream/warned"
    local task = rill.spawn(function() error "nobody joins this" end)
    rill.sleep(0)
    task = nil
    collectgarbage() collectgarbage()
    rill.sleep(0)
  }
}
location /push {
  content_by_lua_block { for i = 1, 6 do queue:push(i) end ngx.say "pushed" }
}
location /count { content_by_lua_block { ngx.say(queue:count()) } }
location /map {
  content_by_lua_block {
    local sum = 0
    local function get(i) return assert(client:get("$upstream/" .. i)) end
    for _, res in rill.map(queue, get, { concurrency = 2 }) do
      sum = sum + tonumber(res.body:match "%d+")
      if sum == 21 then queue:close() end
    end
    ngx.say(sum)
  }
}
location /tasks {
  content_by_lua_block {
    local outcomes = rill.all { function() return 1 end,
      function() return assert(client:get "$upstream/all").status end,
      function() error { planted = true } end }
    ngx.say(outcomes[1][1], " ", outcomes[2][1], " ", outcomes[3][2].reason)
    local semaphore, most, now = rill.semaphore(2), 0, 0
    for _ in rill.map({ 1, 2, 3, 4, 5, 6 }, function()
      return semaphore:with(function()
        now = now + 1
        most = math.max(most, now)
        client:get "$upstream/with"
        now = now - 1
      end)
    end) do end
    ngx.say(most)
    ngx.say(select(2, rill.timeout(0.01, rill.sleep, 60)).reason)
    local task = rill.spawn(rill.sleep, 60)
    rill.sleep(0)
    task:cancel()
    ngx.say(select(2, task:join()).reason)
    for i = 1, 3000 do rill.spawn(function() end):join() end
    ngx.say(rill.spawn(function(...) return select("#", ...) end, nil, nil):join())
  }
}
]]

describe("inside nginx", function()
  local upstream, server

  local function start(source)
    upstream = support.node { source = source or UPSTREAM }
    local port = support.free_port()
    local values = { ca = upstream.ca, upstream = upstream.url, port = tostring(port) }
    server = support.openresty {
      port = port, config = SERVER, http_config = HTTP, values = values,
    }
  end

  before_each(function() start() end)
  after_each(function()
    assert.falsy(server:log():find("[alert]", 1, true), server:log())
    server:stop()
    upstream:stop()
  end)

  it("an upstream that is killed ends all that waits, with a reason; the next request finds it again", function()
    local process = require "support.process"
    local child = process.start({ "curl", "-s", server.url .. "/hold" }, server.directory .. "/held")
    upstream:wait_events(function(event) return event.open and event.open:find "^/hold" end, 100)
    upstream.process:signal "KILL"
    child:wait(20)
    assert.equal("connection_lost 100\n", support.read(server.directory .. "/held"))
    upstream.process:wait(5)
    local again = support.node { source = UPSTREAM, port = upstream.port }
    assert.equal("200\n", server:get "/goaway")
    again:stop()
  end)

  it("a GOAWAY loses no request", function()
    assert.equal("200\n", server:get "/goaway")
  end)

  it("HTTP/1.1 is spoken too, with the worker itself as well", function()
    assert.equal("http/1.1 plain\n", server:get "/old")
  end)

  it("warnings, and errors that nobody joins, go to the error log", function()
    server:get "/warning"
    support.wait(function()
      server:get "/tasks" -- somebody has to come along
      local log = server:log()
      return log:find "%[warn%][^\n]*rill: warning" and log:find "%[error%][^\n]*nobody joins this"
    end, 10, "the log")
  end)

  it("a queue's items come from one request and are worked on in another", function()
    local process = require "support.process"
    local child = process.start({ "curl", "-s", server.url .. "/push" }, server.directory .. "/pushed")
    support.wait(function() return server:get "/count" == "2\n" end, 10, "a full queue")
    assert.equal("21\n", server:get "/map")
    child:wait(10)
    assert.equal("pushed\n", support.read(server.directory .. "/pushed"))
  end)

  it("tasks do what they do elsewhere: all, map, semaphore, timeout, cancel, join", function()
    assert.equal("1 200 error\n2\ntimeout\ncancelled\n2\n", server:get "/tasks")
  end)
end)
