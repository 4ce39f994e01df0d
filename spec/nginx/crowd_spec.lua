-- A thousand clients that leave at once, in each phase that waits: nothing of them is left.
local process = require "support.process"
local support = require "support"

-- Holds `/hold...`, sends a little of `/drip...`; logs when a stream was asked for, and how it closed. Each sees less
-- than the 1,000 resets after which node's nghttp2 ends a session.
local UPSTREAM = [[
server.on('session', (session) => { session.on('error', () => {}); log({ session: true }); });
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  stream.on('close', () => log({ closed: path, code: stream.rstCode }));
  log({ open: path });
  if (path.startsWith('/hold')) return;
  stream.respond({ ':status': 200 });
  if (path.startsWith('/drip')) stream.write('drop'); else stream.end('got ' + path);
});]]

local HTTP = [[
lua_check_client_abort on;
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60, max_streams = 2000 })
  queue, semaphore = rill.queue(1), rill.semaphore(1)
}
]]

local SERVER = [[
location /rewrite {
  rewrite_by_lua_block { client:get("$first/hold" .. ngx.var.arg_n) }
  content_by_lua_block { ngx.say "content" }
}
location /access {
  access_by_lua_block { client:get("$first/hold" .. ngx.var.arg_n) }
  content_by_lua_block { ngx.say "content" }
}
location /content { # and in all else that a task can wait for
  content_by_lua_block {
    rill.spawn(function() semaphore:with(rill.sleep, 60) end)
    rill.spawn(function() queue:pop() end)
    rill.spawn(function() rill.timeout(60, rill.sleep, 60) end)
    rill.spawn(function() for _ in rill.map({ 1, 2 }, function() rill.sleep(60) end) do end end)
    client:get("$second/hold" .. ngx.var.arg_n)
  }
}
location /drip {
  content_by_lua_block {
    for chunk in assert(client:open { url = "$second/drip" .. ngx.var.arg_n }):chunks() do
      ngx.print(chunk)
      ngx.flush(true)
    end
  }
}
location /get {
  content_by_lua_block {
    ngx.say(assert(client:get("$first/get")).body, ", ", assert(client:get("$second/get")).body)
    ngx.say(semaphore:acquire(5), " ", pcall(semaphore.release, semaphore), " ", (pcall(semaphore.release, semaphore)))
    ngx.say(queue:push "item", " ", queue:count(), " ", queue:pop())
  }
}
location /left {
  content_by_lua_block {
    rill.sleep(0)
    local ffi = require "ffi"
    local counters, stats = ffi.new "rill_counters", client:stats()
    require("rill.clib").rill_loop_counters(require("rill.runtime").loop(), counters)
    ngx.say(table.concat({ counters.requests, counters.timers, counters.events, counters.waiting, stats.streams,
      stats.pending }, " "))
  }
}
]]

local EACH = 250 -- clients, in each of four ways

describe("a thousand clients that leave at once", function()
  local first, second, server

  setup(function()
    first, second = support.node { source = UPSTREAM }, support.node { source = UPSTREAM }
    local values = { ca = first.ca, first = first.url, second = second.url }
    server = support.openresty { config = SERVER, http_config = HTTP, values = values }
  end)
  teardown(function()
    server:stop()
    first:stop()
    second:stop()
  end)

  local function descriptors()
    local count = 0
    for _ in require("lfs").dir(("/proc/%d/fd"):format(server:workers()[1])) do count = count + 1 end
    return count
  end

  local function is_open(event) return event.open and event.open ~= "/get" end
  local function is_cancelled(event) return event.closed and event.closed ~= "/get" and event.code == 8 end -- CANCEL

  it("leave no stream, no timer, no place in a line, no permit, no descriptor", function()
    local answer = "got /get, got /get\ntrue true false\ntrue 1 item\n"
    assert.equal(answer, server:get "/get")
    local before, crowds = descriptors(), {}
    for i, path in ipairs { "/rewrite?n=rewrite", "/access?n=access", "/content?n=content", "/drip?n=drip" } do
      crowds[i] = process.start(
        { "node", "spec/support/node/crowd.js", tostring(server.port), tostring(EACH), path }, "/dev/null")
    end
    for _, upstream in ipairs { first, second } do upstream:wait_events(is_open, 2 * EACH, 60) end
    for _, crowd in ipairs(crowds) do crowd:signal "USR1" end
    for _, crowd in ipairs(crowds) do crowd:wait(20) end
    for _, upstream in ipairs { first, second } do upstream:wait_events(is_cancelled, 2 * EACH, 60) end
    support.wait(function() return server:get "/left" == "0 0 0 0 0 0\n" end, 20, "nothing left")
    support.wait(function() return descriptors() <= before end, 20, before .. " descriptors")
    assert.equal(answer, server:get "/get")
    for _, upstream in ipairs { first, second } do
      assert.equal(1, #upstream:wait_events(function(event) return event.session end))
    end
    assert.falsy(server:log():find("[alert]", 1, true), server:log())
  end)
end)
