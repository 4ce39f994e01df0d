-- Tasks, queues, semaphores, streams and clients of a worker that several of its requests use.
local process = require "support.process"
local support = require "support"

-- Holds `/hold...` until `/release...` of the same name is asked for.
local UPSTREAM = [[
const held = {};
server.on('stream', (stream, headers) => {
  const [, what, name] = headers[':path'].split('/');
  const answer = (each) => { if (!each.destroyed) { each.respond({ ':status': 200 }); each.end('got ' + name); } };
  stream.on('error', () => {});
  stream.on('close', () => log({ closed: name, code: stream.rstCode }));
  log({ open: name });
  if (what === 'hold') { held[name] = stream; return; }
  if (held[name]) answer(held[name]);
  answer(stream);
});]]

local HTTP = [[
lua_check_client_abort on;
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60 })
  function hold(name) return assert(client:get("$upstream/hold/" .. name)).body end
  function note(...) ngx.log(ngx.NOTICE, "<", table.concat({ ... }, " "), ">") end
  queue, semaphore, shared = rill.queue(), rill.semaphore(1), {}
}
]]

local SERVER = [[
location /release { content_by_lua_block { client:get("$upstream/release/" .. ngx.var.arg_n) ngx.say "released" } }
location /with {
  content_by_lua_block {
    rill.spawn(note, ngx.var.arg_n, "waits") -- once this does
    ngx.say(semaphore:with(hold, ngx.var.arg_n))
  }
}
location /spawn {
  content_by_lua_block {
    shared.task = rill.spawn(hold, ngx.var.arg_n)
    ngx.say(tostring(shared.task:join()))
  }
}
location /join {
  content_by_lua_block {
    rill.spawn(note, "join waits")
    local body, err = shared.task:join()
    ngx.say(tostring(body), " ", err and err.reason or "well")
  }
}
location /cancel { content_by_lua_block { shared.task:cancel() ngx.say "cancelled" } }
location /work { # until the queue is empty
  content_by_lua_block {
    local bodies = {}
    for _, body in rill.map(queue, hold, { concurrency = 3 }) do bodies[#bodies + 1] = body end
    table.sort(bodies)
    ngx.say(table.concat(bodies, ", "))
  }
}
location /pop {
  content_by_lua_block {
    rill.spawn(note, "pop waits")
    local items = {}
    local item = queue:pop()
    while item do
      items[#items + 1] = item
      item = queue:pop()
    end
    ngx.say(table.concat(items, ", "))
  }
}
location /push { content_by_lua_block { queue:push(ngx.var.arg_n) ngx.say "pushed" } }
location /close { content_by_lua_block { queue:close() ngx.say "closed" } }
location /timer { # a task of a timer, joined by the request that made the timer
  content_by_lua_block {
    local ready = rill.semaphore(1)
    ready:acquire()
    local task
    ngx.timer.at(0, function()
      task = rill.spawn(hold, "timer")
      ready:release()
      task:join()
    end)
    ready:acquire()
    ngx.say(task:join())
  }
}
location /over { # the time is up for what another request's stream does
  content_by_lua_block {
    local _, err = rill.timeout(0.01, function() return shared.task:join() end)
    ngx.say(err.reason)
  }
}
]]

describe("requests of a worker", function()
  local upstream, server
  local asked = 0

  before_each(function()
    upstream = support.node { source = UPSTREAM }
    server = support.openresty {
      config = SERVER, http_config = HTTP, values = { ca = upstream.ca, upstream = upstream.url },
    }
  end)
  after_each(function()
    assert.falsy(server:log():find("[alert]", 1, true), server:log())
    server:stop()
    upstream:stop()
  end)

  -- Asks in the background; returns a function that waits for the answer.
  local function ask(path)
    asked = asked + 1
    local child = process.start({ "curl", "-s", server.url .. path }, ("%s/asked%d"):format(server.directory, asked))
    return function()
      child:wait(30)
      return support.read(child.out)
    end, child
  end

  local function seen(field, name)
    return upstream:wait_events(function(event) return event[field] == name end, 1, 20)[1]
  end

  local function noted(text)
    support.wait(function() return server:log():find("<" .. text .. ">", 1, true) end, 20, text)
  end

  it("take turns with a semaphore, first come, first served", function()
    local first = ask "/with?n=1"
    seen("open", "1")
    local second = ask "/with?n=2"
    noted "2 waits"
    local third = ask "/with?n=3"
    noted "3 waits"
    for i, answer in ipairs { first, second, third } do
      seen("open", tostring(i))
      for _, event in ipairs(upstream:events()) do assert.not_equal(tostring(i + 1), event.open) end
      server:get("/release?n=" .. i)
      assert.equal(("got %d\n"):format(i), answer())
    end
  end)

  it("join one task, all of them", function()
    local owner = ask "/spawn?n=1"
    seen("open", "1")
    local other = ask "/join"
    noted "join waits"
    server:get "/release?n=1"
    assert.equal("got 1\n", owner())
    assert.equal("got 1 well\n", other())
    assert.equal("got 1 well\n", server:get "/join") -- and when it has ended
  end)

  it("cancel each other's tasks", function()
    local owner = ask "/spawn?n=1"
    seen("open", "1")
    assert.equal("cancelled\n", server:get "/cancel")
    assert.equal("nil\n", owner())
    assert.equal(8, seen("closed", "1").code) -- CANCEL
  end)

  it("stop waiting for a task that has others who wait, which goes on", function()
    local owner = ask "/spawn?n=1"
    seen("open", "1")
    assert.equal("timeout\n", server:get "/over")
    server:get "/release?n=1"
    assert.equal("got 1\n", owner())
  end)

  it("fill and empty one queue", function()
    local taken = ask "/pop"
    noted "pop waits"
    for _, name in ipairs { "a", "b", "c" } do assert.equal("pushed\n", server:get("/push?n=" .. name)) end
    assert.equal("closed\n", server:get "/close")
    assert.equal("a, b, c\n", taken())
  end)

  it("work on one queue's items with a map, one after the other has left", function()
    for _, name in ipairs { "a", "b" } do server:get("/push?n=" .. name) end
    local _, child = ask "/work"
    for _, name in ipairs { "a", "b" } do seen("open", name) end
    child:signal "KILL"
    child:wait(10)
    for _, name in ipairs { "a", "b" } do assert.equal(8, seen("closed", name).code) end -- CANCEL
    server:get "/push?n=c"
    local answer = ask "/work"
    seen("open", "c")
    server:get "/release?n=c"
    assert.equal("got c\n", answer())
  end)

  it("join tasks of timers", function()
    local answer = ask "/timer"
    seen("open", "timer")
    server:get "/release?n=timer"
    assert.equal("got timer\n", answer())
  end)
end)
