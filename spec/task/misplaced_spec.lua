-- Calls that wait, made where nothing can: below a C function, in coroutines of the script's own, in
-- hooks. They raise, and have done nothing.
local support = require "support"
local rill = require "rill"

local HOLDING = [[
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  log({ event: 'request', method: headers[':method'], path: headers[':path'] });
  if (headers[':path'] === '/head') stream.respond({ ':status': 200 });
  if (headers[':path'] === '/now') { stream.respond({ ':status': 200 }); stream.end('now'); }
});
]]

local server, client

-- What a case is given: made in the task beforehand.
local function prepare()
  local made = { full = rill.queue(1), empty = rill.queue(), semaphore = rill.semaphore(1), ran = 0 }
  made.full:push(1)
  made.semaphore:acquire()
  made.connection = assert(support.connect(server.url))
  made.head = assert(client:open { url = server.url .. "/head" })
  assert(made.head:headers())
  made.upload = assert(client:open { url = server.url .. "/upload", method = "POST", body = rill.streaming })
  made.task = rill.spawn(function() made.empty:pop() end)
  made.count = function() made.ran = made.ran + 1 end
  rill.sleep(0)
  server:wait_events(function(event) return event.path == "/upload" end)
  return made
end

-- The calls that wait, by the name that their error gives.
local waits = {
  ["client:get"] = function() client:get(server.url .. "/x") end,
  ["client:head"] = function() client:head(server.url .. "/x") end,
  ["client:delete"] = function() client:delete(server.url .. "/x") end,
  ["client:options"] = function() client:options(server.url .. "/x") end,
  ["client:post"] = function() client:post(server.url .. "/x", "body") end,
  ["client:put"] = function(made) client:put(server.url .. "/x", made.count) end,
  ["client:patch"] = function() client:patch(server.url .. "/x") end,
  ["client:request"] = function(made) client:request { url = server.url .. "/x", on_headers = made.count } end,
  ["client:download"] = function() client:download(server.url .. "/x", support.directory "misplaced" .. "/x") end,
  ["connection:request"] = function(made) made.connection:request { url = "/x" } end,
  ["connection:ping"] = function(made) made.connection:ping() end,
  ["rill.connect"] = function() rill.connect(server.url, { tls = { ca_file = server.ca } }) end,
  ["stream:headers"] = function(made) made.upload:headers() end,
  ["stream:read"] = function(made) made.head:read() end,
  ["stream:response"] = function(made) made.head:body() end,
  ["stream:trailers"] = function(made) made.head:trailers() end,
  ["stream:closed"] = function(made) made.head:closed() end,
  ["stream:write"] = function(made) made.upload:write(("x"):rep(2 ^ 20)) end,
  ["rill.sleep"] = function() rill.sleep(60) end,
  ["rill.timeout"] = function(made) rill.timeout(60, made.count) end,
  ["rill.all"] = function(made) rill.all { made.count, made.count } end,
  ["rill.map"] = function(made) rill.map({ 1, 2, 3 }, made.count)() end,
  ["task:join"] = function(made) made.task:join() end,
  ["queue:push"] = function(made) made.full:push(2) end,
  ["queue:pop"] = function(made) made.empty:pop() end,
  ["semaphore:acquire"] = function(made) made.semaphore:acquire(60) end,
  ["rill.signal"] = function() rill.signal "USR1" end,
}

-- Metatables whose functions C calls.
local function with(event, fn)
  return setmetatable({}, { [event] = fn })
end

-- In a finalizer, without compiled code: LuaJIT (2.1 of 2022) enters a compiled `pairs` loop there again and again
-- where a table's key or value is of another type than the one that was compiled for.
local function collected(fn)
  local called, proxy = false, newproxy(true)
  getmetatable(proxy).__gc = function()
    called = true
    fn()
  end
  proxy = nil -- luacheck: ignore (collected before it has a finalizer, it would never call one)
  jit.off()
  jit.flush()
  local garbage, rounds = {}, 0
  while not called do
    rounds = rounds + 1
    garbage[rounds % 8] = { rounds } -- kept for a while: what is dropped at once is never allocated
  end
  jit.on()
  return garbage
end

-- Where nothing can wait: what the error names, and a function that calls another one there.
local places = {
  { "gsub", function(fn) return (("x"):gsub("x", fn)) end },
  { "sort", function(fn) table.sort({ 2, 1 }, fn) end },
  { "require", function(fn)
    package.preload.misplaced = fn
    package.loaded.misplaced = nil
    require "misplaced"
  end },
  { "dofile", function(fn)
    _G.misplaced = fn
    dofile(support.write(support.directory "misplaced" .. "/file.lua", "misplaced()"))
  end },
  { "load", function(fn) load(fn) end },
  { "format", function(fn)
    string.format("%s", with("__tostring", function()
      fn()
      return ""
    end))
  end },
  { "gsub", function(fn) return (("x"):gsub("x", with("__index", fn))) end },
  { "cannot below", collected }, -- a finalizer: what it interrupts is named, if anything
  { "in a coroutine inside a task", function(fn) coroutine.wrap(fn)() end },
  { "gsub", function(fn) -- a pcall between does not help
    return (("x"):gsub("x", function()
      local ok, err = pcall(fn)
      if not ok then error(err, 0) end
    end))
  end },
}

-- What the loop holds; the memory aside, which has what finalizers have not given back yet.
local function held()
  local counters = support.counters()
  counters.bytes, counters.events = nil, nil
  return counters
end

local function try(made, name, wait, place, inside)
  local raised
  inside(function()
    local ok, err = pcall(wait, made)
    raised = raised or { ok = ok, err = err }
    return nil
  end)
  assert(raised, name .. " was not called " .. place)
  assert.is_false(raised.ok, name .. " has waited " .. place)
  assert.matches("misplaced_spec.lua:%d+: " .. name:gsub("%p", "%%%0") .. " w", raised.err)
  assert.truthy(tostring(raised.err):find(place, 1, true), raised.err)
end

local function end_all(made)
  made.head:cancel()
  made.upload:cancel()
  made.task:cancel()
  assert(made.connection:ping()) -- whatever was said before has come
  made.connection:close()
  client:close()
end

describe("a call that waits", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for number, case in ipairs(places) do
    local place, inside = case[1], case[2]
    it(("raises and has done nothing (%d: %s)"):format(number, place), function()
      server = support.node { source = HOLDING }
      client = support.client()
      support.run(function()
        local made = prepare()
        local before = held()
        for name, wait in pairs(waits) do try(made, name, wait, place, inside) end
        assert.same(before, held())
        assert.equal(0, made.upload.bytes_sent)
        assert.equal(1, made.full:count())
        assert.is_nil(made.head.close_reason)
        rill.sleep(0) -- whatever was started would run now
        assert.equal(0, made.ran)
        made.semaphore:release() -- goes to nobody
        assert.is_true(made.semaphore:acquire(0))
        made.empty:push "item"
        assert.is_nil((made.task:join()))
        assert.equal("now", assert(client:get(server.url .. "/now")).body)
        end_all(made)
      end)
      local paths = {}
      for _, event in ipairs(server:events()) do
        if event.event == "request" then paths[#paths + 1] = event.path end
      end
      table.sort(paths)
      assert.same({ "/head", "/now", "/upload" }, paths)
    end)
  end

  it("and need not goes on there: items and permits at hand, tasks that have ended", function()
    support.run(function()
      local queue, semaphore, ended = rill.queue(), rill.semaphore(1), rill.spawn(function() return "done" end)
      rill.sleep(0)
      local seen = {}
      local _ = ("ab"):gsub(".", function(letter)
        queue:push(letter)
        seen[#seen + 1] = queue:pop() .. ended:join()
        semaphore:with(function() rill.spawn(table.insert, seen, letter) end)
        assert.same({}, rill.all {})
      end)
      rill.sleep(0)
      assert.same({ "adone", "bdone", "a", "b" }, seen)
    end)
  end)

  it("in a hook raises and has done nothing", function()
    server = support.node { source = HOLDING }
    client = support.client()
    support.run(function()
      local made = prepare()
      local before, errors = held(), {}
      local _, err = client:get(server.url .. "/now", { on_headers = function()
        before = held() -- with this request
        for name, wait in pairs(waits) do
          local ok, raised = pcall(wait, made)
          errors[#errors + 1] = not ok and tostring(raised):find("a hook may not wait", 1, true) and name
        end
        assert.same(before, held())
      end })
      assert.equal("on_headers may not wait", err.message)
      local count = 0
      for _ in pairs(waits) do count = count + 1 end
      assert.equal(count, #errors)
      rill.sleep(0)
      assert.equal(0, made.ran)
      end_all(made)
    end)
  end)

  it("in a cancelled task starts nothing", function()
    server = support.node { source = HOLDING }
    client = support.client()
    support.run(function()
      local raised = {}
      local task = rill.spawn(function()
        pcall(rill.sleep, 60)
        for _, name in ipairs { "client:get", "client:put", "rill.connect", "rill.timeout", "rill.all", "rill.map" } do
          local _, err = pcall(waits[name], { count = function() raised = {} end })
          raised[#raised + 1] = err
        end
      end)
      rill.sleep(0)
      local before = held()
      task:cancel()
      rill.sleep(0)
      assert.equal(before.requests, held().requests)
      assert.equal(6, #raised)
      for _, err in ipairs(raised) do assert.equal(rill.cancelled, err) end
      assert.equal(0, client:stats().requests)
    end)
  end)

  it("below a C function fails its own task alone, where nobody catches it", function()
    support.run(function()
      local bad = rill.spawn(function() return (("x"):gsub("x", function() rill.sleep(0) end)) end)
      local good = rill.spawn(function()
        rill.sleep(0.002)
        return "good"
      end)
      local _, err = bad:join()
      assert.equal("error", err.reason)
      assert.matches("misplaced_spec.lua:%d+: rill.sleep waits, and cannot below the C function \"gsub\"", err.message)
      assert.equal("good", (good:join()))
    end)
  end)

  it("in a body function fails the body below a C function, and may wait otherwise", function()
    server = support.node()
    client = support.client()
    support.run(function()
      local pieces = 0
      local function body(inside)
        pieces = 0
        return function()
          inside(function() rill.sleep(0.001) end)
          pieces = pieces + 1
          return pieces <= 2 and "piece" or nil
        end
      end
      local res, err = client:post(server.url .. "/x", body(function(fn) return (("x"):gsub("x", fn)) end))
      assert.is_nil(res)
      assert.equal("body_error", err.reason)
      assert.matches("rill.sleep waits", err.message)
      assert(client:post(server.url .. "/echo", body(function(fn) fn() end)))
      assert.equal(3, pieces)
    end)
  end)
end)

describe("rill.run inside itself", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("raises wherever it is called, and the outer one goes on", function()
    assert.equal("went on", support.run(function()
      local ran = false
      local function call()
        local ok, err = pcall(rill.run, function() ran = true end)
        assert.is_false(ok)
        assert.matches("rill.run: it runs already", err)
      end
      call()
      for _, case in ipairs(places) do case[2](call) end
      rill.sleep(0)
      assert.is_false(ran)
      return "went on"
    end))
  end)

  it("is allowed below a C function outside of tasks: it suspends nothing", function()
    local result
    local _ = ("x"):gsub("x", function()
      result = rill.run(function()
        rill.sleep(0)
        return "done"
      end)
    end)
    assert.equal("done", result)
  end)
end)
