-- rill on a luv loop: the same scripts, on the loop that is there.
local script = require "support.script"
local support = require "support"

local PROLOGUE = [[
local uv = require "luv"
rill.use "luv"
local url, ca = ...
local function new_client(options)
  options = options or {}
  options.tls = { ca_file = ca }
  return rill.client(options)
end
]]

local SERVER = [[
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const path = headers[':path'];
  if (path === '/late') setTimeout(() => { stream.respond({ ':status': 200 }); stream.end('late'); }, 200);
  else if (path === '/never') return;
  else if (path === '/echo') { stream.respond({ ':status': 200 }); stream.pipe(stream); }
  else { stream.respond({ ':status': 200, 'x-path': path }); stream.end(path); }
});]]

describe("on a luv loop", function()
  local server

  before_each(function() server = support.node { source = SERVER } end)
  after_each(function() server:stop() end)

  local function run(text, ...)
    return script.run(PROLOGUE .. text, { server.url, server.ca }, ...)
  end

  it("a client makes no loop before its first request", function()
    assert.same({ "false", "200", "true" }, run [[
      local client = new_client()
      local function exists() return tostring(require("rill.runtime").exists()) end
      tell(exists())
      rill.run(function() tell(assert(client:get(url .. "/")).status) end)
      tell(exists())]])
  end)

  it("scripts run as they do standalone: requests, streams, hooks, timers, map, queue", function()
    assert.same({ "luv", "200 /one", "/x", "7 false", "hello", "timeout", "6", "cancelled" }, run [[
      tell(rill.runtime)
      rill.run(function()
        local client = new_client()
        local res = assert(client:get(url .. "/one"))
        tell(res.status, res.body)
        local path
        assert(client:get(url .. "/x", { on_headers = function(head) path = head.headers["x-path"] end }))
        tell(path)
        local before = rill.now()
        local list = rill.all({ function() rill.sleep(0.02) return 7 end })
        tell(list[1][1], tostring(rill.now() - before < 0.02))
        local stream = assert(client:open { url = url .. "/echo", method = "POST", body = rill.streaming })
        stream:write "hel"
        stream:write "lo"
        stream:finish()
        local parts = {}
        for chunk in stream:chunks() do parts[#parts + 1] = chunk end
        tell(table.concat(parts))
        tell(select(2, rill.timeout(0.01, rill.sleep, 60)).reason)
        local queue, sum = rill.queue(1), 0
        rill.spawn(function() for i = 1, 3 do queue:push(i) end queue:close() end)
        for item in queue.pop, queue do sum = sum + item end
        tell(sum)
        local task = rill.spawn(client.get, client, url .. "/never")
        rill.sleep(0)
        task:cancel()
        tell(select(2, task:join()).reason)
      end)]])
  end)

  it("a thousand requests of 0.2 s share one connection", function()
    assert.same({ "1000", "1" }, run [[
      rill.run(function()
        local client, good, urls = new_client(), 0, {}
        for i = 1, 1000 do urls[i] = url .. "/late?" .. i end
        urls[1] = url .. "/late"
        for _, res in rill.map(urls, function(each) return client:get(each) end, { concurrency = 1000 }) do
          if res and res.status == 200 then good = good + 1 end
        end
        tell(good)
        tell(client:stats().connections_opened)
      end)]])
  end)

  it("workers of a map go on with other items, and a coroutine of the script may take the results", function()
    assert.same({ "40 pages, 2 coroutines", "idle" }, run [[
      coroutine.wrap(function()
        local client, items, pages, seen, different = new_client(), {}, 0, {}, 0
        for i = 1, 40 do items[i] = i end
        local function get() return client:get(url), coroutine.running() end
        for _, res, co in rill.map(items, get, { concurrency = 2 }) do
          if res.status == 200 then pages = pages + 1 end
          if not seen[co] then different = different + 1 end
          seen[co] = true
        end
        tell(("%d pages, %d coroutines"):format(pages, different))
      end)()
      uv.run()
      tell(uv.loop_alive() and "alive" or "idle")]])
  end)

  it("a worker of a map that has no item stays so when a late callback resumes its coroutine", function()
    assert.same({ "1", "2", "suspended", "3", "4", "nil" }, run [[
      rill.run(function()
        local seen
        local map = rill.map({ 1, 2, 3, 4 }, function(item)
          seen = coroutine.running()
          tell(item)
        end, { concurrency = 1 })
        map()
        map()
        local timer = uv.new_timer()
        timer:start(0, 0, function()
          coroutine.resume(seen)
          tell(coroutine.status(seen))
          timer:close()
        end)
        repeat rill.sleep(0) until timer:is_closing()
        map()
        map()
        tell(tostring(map()))
      end)]])
  end)

  it("rill.run starts a task and returns it where the loop runs already", function()
    assert.same({ "task", "before", "/in", "joined /in", "false" }, run [[
      uv.new_timer():start(0, 0, function()
        local client = new_client()
        local task = rill.run(function()
          local body = assert(client:get(url .. "/in")).body
          tell(body)
          return body
        end)
        tell((tostring(task):match "^task"))
        rill.run(function() tell("joined", (task:join())) end)
        tell "before"
      end)
      tell(tostring(uv.run()))]])
  end)

  it("coroutines of the script are tasks", function()
    assert.same({ "outside", "/own", "step", "again 0", "nothing runs" }, run [[
      local client = new_client()
      local co = coroutine.create(function()
        tell(assert(client:get(url .. "/own")).body)
        coroutine.yield "its own business"
        tell "step"
        local before = rill.now()
        rill.sleep(0.05)
        tell("again", rill.now() - before >= 0.05 and 0 or 1)
      end)
      coroutine.resume(co)
      tell "outside"
      uv.run()
      coroutine.resume(co)
      coroutine.resume(co) -- it waits for a timer, and goes on waiting
      uv.run()
      tell(coroutine.status(co) == "dead" and "nothing runs" or coroutine.status(co))]])
  end)

  it("uv.run goes on while a task waits, and ends when rill is idle though connections are open", function()
    assert.same({ "late", "1 connections", "ended", "late", "1 opened" }, run [[
      local client = new_client()
      rill.run(function() tell(assert(client:get(url .. "/late")).body) end)
      tell(client:stats().connections, "connections")
      uv.run()
      tell "ended"
      coroutine.wrap(function() tell(assert(client:get(url .. "/late")).body) end)()
      uv.run()
      tell(client:stats().connections_opened, "opened")]])
  end)

  it("a task that only another can wake does not keep uv.run going, and rill.run names the deadlock", function()
    assert.same({ "over", "deadlock" }, run [[
      coroutine.wrap(function() rill.queue():pop() end)()
      uv.run()
      tell "over"
      tell((select(2, pcall(rill.run, function() rill.queue():pop() end)):match "^deadlock"))]])
  end)

  it("waits for descriptors and signals", function()
    assert.same({ "true", "timeout", "USR1" }, run [[
      local pipe = uv.pipe()
      rill.run(function()
        tell(tostring(rill.wait(pipe.write, "w")))
        tell(select(2, rill.wait(pipe.read, "r", 0.01)).reason)
        rill.spawn(function() rill.sleep(0) uv.kill(uv.os_getpid(), 10) rill.sleep(0.05) end)
        tell(rill.signal "USR1")
      end)]])
  end)

  it("an error tells where in the script it was raised, and ends nothing else", function()
    local lines = run [[
      rill.on_error = function(message, fields)
        tell((message:match "[^:]+$"), fields.traceback:find("inner_name", 1, true) and "traced" or fields.traceback)
      end
      local function inner_name() error "one" end
      uv.new_timer():start(0, 0, function()
        rill.run(function() rill.sleep(0) inner_name() end)
        rill.run(function() rill.sleep(0.02) tell "other" end)
      end)
      coroutine.wrap(function() rill.sleep(0) inner_name() end)()
      uv.run()
      tell((select(2, pcall(rill.run, function() rill.sleep(0) inner_name() end)):find("inner_name", 1, true))
        and "raised")]]
    table.sort(lines)
    assert.same({ " one traced", " one traced", "other", "raised" }, lines)
  end)

  it("two Lua states in one process have loops of their own", function()
    assert.same({ "thread /thread", "/main" }, run [[
      local thread = uv.new_thread(function(path, url, ca)
        package.path = path
        local rill = require "rill"
        rill.use "luv"
        rill.run(function()
          local res = assert(rill.client { tls = { ca_file = ca } }:get(url .. "/thread"))
          io.write("thread ", res.body, "\n")
          io.flush()
        end)
      end, package.path, url, ca)
      thread:join()
      rill.run(function() tell(assert(new_client():get(url .. "/main")).body) end)]])
  end)

  it("an idle loop is not woken", function()
    assert.same({ "0" }, run [[
      rill.run(function() assert(new_client():get(url .. "/one")) end)
      local woken, prepare, timer = 0, uv.new_check(), uv.new_timer()
      prepare:start(function() woken = woken + 1 end)
      prepare:unref()
      timer:start(300, 0, function() timer:close() end)
      rill.run(function() rill.sleep(0) end)
      woken = 0
      uv.run()
      tell(woken <= 3 and 0 or woken)]])
  end)

  it("it is chosen once, and before the first client", function()
    assert.same({ "luv", "luv", "true", "true", "true" }, script.run([[
      rill.use "luv"
      tell(rill.runtime)
      rill.use "luv"
      tell(rill.runtime)
      local why = select(2, pcall(rill.use, "glib"))
      tell(tostring(why:find('rill.use: name must be "luv", got "glib"', 1, true) ~= nil))
      for name in pairs(package.loaded) do if name:find "^rill" then package.loaded[name] = nil end end
      rill = require "rill"
      rill.client()
      tell(tostring(select(2, pcall(rill.use, "luv")):find("comes too late", 1, true) ~= nil))
      for name in pairs(package.loaded) do if name:find "^rill" then package.loaded[name] = nil end end
      package.loaded.luv, package.preload.luv = nil, function() error "not there" end
      tell(tostring(select(2, pcall(require "rill".use, "luv")):find("lua-luv", 1, true) ~= nil))]]))
  end)
end)
