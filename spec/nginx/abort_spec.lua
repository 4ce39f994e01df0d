-- What ends a light thread without a word to Lua: its client leaves, ngx.exit, ngx.exec, ngx.thread.kill, an error.
local process = require "support.process"
local support = require "support"

-- Holds every answer; logs when a stream was asked for, and how it closed.
local UPSTREAM = [[
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  stream.on('close', () => log({ closed: path, code: stream.rstCode }));
  log({ open: path });
  if (path === '/now') { stream.respond({ ':status': 200 }); stream.end('now'); }
  if (path.startsWith('/drip')) { stream.respond({ ':status': 200 }); stream.write('drop'); }
});]]

local HTTP = [[
lua_check_client_abort on;
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60, max_streams = 2000 })
  function hold(name) return client:get("$upstream/" .. name) end
  function now() return client:get "$upstream/now" end -- what was asked for before has been seen
  function note(...) ngx.log(ngx.NOTICE, "<", table.concat({ ... }, " "), ">") end
  queue, semaphore = rill.queue(1), rill.semaphore(1)
  shared = {}
}
]]

local SERVER = [[
location /hold { content_by_lua_block { hold(ngx.var.arg_n) } }
location /drip {
  content_by_lua_block {
    for chunk in assert(client:open { url = "$upstream/drip" .. ngx.var.arg_n }):chunks() do
      ngx.print(chunk)
      ngx.flush(true)
    end
  }
}
location /opened { # nobody waits for this stream
  content_by_lua_block {
    client:open { url = "$upstream/opened" }
    ngx.flush(true)
    ngx.sleep(60)
  }
}
location /exit {
  content_by_lua_block {
    ngx.thread.spawn(hold, "exit")
    ngx.thread.spawn(hold, "exit2")
    now()
    ngx.exit(204)
  }
}
location /exec {
  content_by_lua_block {
    ngx.thread.spawn(hold, "exec")
    now()
    ngx.exec "/long"
  }
}
location /long { content_by_lua_block { ngx.sleep(60) } }
location /kill {
  content_by_lua_block {
    local thread = ngx.thread.spawn(hold, "kill")
    now()
    ngx.thread.kill(thread)
    ngx.sleep(60)
  }
}
location /crash {
  content_by_lua_block {
    ngx.timer.at(0, function()
      ngx.thread.spawn(hold, "crash")
      now()
      error "planted"
    end)
  }
}
location /timeout {
  content_by_lua_block { now() ngx.say(select(2, client:get("$upstream/timeout", { timeout = 0.5 })).reason) }
}
location /spawned {
  content_by_lua_block {
    shared.task = rill.spawn(hold, "spawned")
    ngx.sleep(60)
  }
}
location /join {
  content_by_lua_block {
    local res, err = shared.task:join()
    ngx.say(tostring(res), " ", err.reason)
  }
}
location /locks { # holds a permit, fills the queue, and waits
  content_by_lua_block {
    rill.spawn(function() semaphore:with(hold, "permit") end)
    rill.spawn(function() semaphore:acquire() end)
    rill.spawn(function() queue:pop() end)
    rill.spawn(function() for _ in rill.map({ 1, 2 }, function() hold "map" end) do end end)
    rill.sleep(0)
    note "locked"
    ngx.sleep(60)
  }
}
location /free {
  content_by_lua_block {
    local function release() return (pcall(semaphore.release, semaphore)) end
    ngx.say(semaphore:acquire(5), " ", release(), " ", release())
    ngx.say(queue:push "item", " ", queue:count(), " ", queue:pop())
  }
}
location /left {
  content_by_lua_block {
    rill.sleep(0)
    local ffi = require "ffi"
    local counters = ffi.new "rill_counters"
    require("rill.clib").rill_loop_counters(require("rill.runtime").loop(), counters)
    ngx.say(counters.requests, " ", counters.timers, " ", counters.events, " ", counters.waiting)
  }
}
]]

describe("a light thread that is ended from outside", function()
  local upstream, server

  local function seen(field, path)
    return upstream:wait_events(function(event) return event[field] == path end, 1, 20)[1]
  end

  local function assert_cancelled(path)
    assert.equal(8, seen("closed", path).code) -- CANCEL
  end

  local function assert_nothing_left()
    support.wait(function() return server:get "/left" == "0 0 0 0\n" end, 20, "nothing left")
  end

  -- A client that leaves once the upstream has seen what came of its request.
  local function leave_after(path, wait)
    local child = process.start({ "curl", "-s", "-N", server.url .. path }, os.tmpname())
    wait()
    child:signal "KILL"
    child:wait(5)
    os.remove(child.out)
  end

  setup(function()
    upstream = support.node { source = UPSTREAM }
    server = support.openresty {
      config = SERVER, http_config = HTTP, values = { ca = upstream.ca, upstream = upstream.url },
    }
    server:get "/left"
  end)
  teardown(function()
    server:stop()
    upstream:stop()
  end)
  after_each(assert_nothing_left)

  it("by its client, who leaves, cancels what it asked for", function()
    leave_after("/hold?n=left", function() seen("open", "/left") end)
    assert_cancelled "/left"
    leave_after("/drip?n=1", function() seen("open", "/drip1") end)
    assert_cancelled "/drip1"
  end)

  it("cancels streams that it opened and did not wait for", function()
    leave_after("/opened", function() seen("open", "/opened") end)
    assert_cancelled "/opened"
  end)

  it("by ngx.exit, ngx.exec, ngx.thread.kill or an error in its timer, too", function()
    local held = {}
    for _, how in ipairs { "exit", "exec", "kill", "crash" } do
      held[#held + 1] = process.start({ "curl", "-s", "-o", "/dev/null", server.url .. "/" .. how }, "/dev/null")
    end
    for _, path in ipairs { "/exit", "/exit2", "/exec", "/kill", "/crash" } do assert_cancelled(path) end
    for _, child in ipairs(held) do child:signal "KILL" child:wait(5) end
  end)

  it("or whose time is up cancels as well", function()
    assert.equal("timeout\n", server:get "/timeout")
    assert_cancelled "/timeout"
  end)

  it("ends as cancelled for who joins its task from another request", function()
    leave_after("/spawned", function()
      seen("open", "/spawned")
      local joined = process.start({ "curl", "-s", server.url .. "/join" }, server.directory .. "/joined")
      server.joined = joined
    end)
    server.joined:wait(10)
    assert.equal("nil cancelled\n", support.read(server.directory .. "/joined"))
  end)

  it("gives permits back, and leaves its places in lines", function()
    leave_after("/locks", function()
      support.wait(function() return server:log():find("<locked>", 1, true) end, 10, "the locks")
      seen("open", "/permit")
    end)
    assert_cancelled "/permit"
    local answer = server:get "/free"
    assert.equal("true true false\ntrue 1 item\n", answer)
  end)
end)
