-- The collector driven hard: it runs whenever something wakes a task, while objects are dropped at random.
local ffi = require "ffi"
local rill = require "rill"
local runtime = require "rill.runtime"
local support = require "support"

local LARGE = 200000 -- bytes: stays outside the Lua heap

local function held_bytes()
  local counters = ffi.new "rill_counters"
  require("rill.clib").rill_loop_counters(runtime.loop(), counters)
  return counters.bytes
end

describe("a collection at every event", function()
  local server, wake, collections

  setup(function()
    server = support.nginx { files = { small = 500, large = LARGE } }
  end)
  teardown(function() server:stop() end)
  before_each(function()
    support.begin()
    wake, collections = runtime.wake, 0
    runtime.wake = function(task)
      collections = collections + 1
      collectgarbage()
      return wake(task)
    end
  end)
  after_each(function()
    runtime.wake = wake
    support.check_clean()
  end)

  local function new_client()
    return rill.client { tls = { ca_file = server.ca }, on_warning = function() end }
  end

  -- Ways to use a client and to lose what it gives.
  local ways = {
    function(client) assert.equal(500, #assert(client:get(server.url .. "/small")).body) end,
    function(client) -- the body is made when the response is all that is left of the exchange
      local res = assert(client:get(server.url .. "/large"))
      client = nil -- luacheck: ignore
      collectgarbage()
      assert.equal(LARGE, #res.body)
    end,
    function(client) -- memory of the core, while the response is reachable
      local res = assert(client:get(server.url .. "/large"))
      local data, length = res:pointer()
      rill.sleep(0)
      collectgarbage()
      assert.equal(LARGE, length)
      assert.equal(res.body, ffi.string(data, length))
    end,
    function(client) client:get(server.url .. "/large") end, -- a response that nobody keeps
    function(client) -- a stream that nobody keeps
      local stream = assert(client:open { url = server.url .. "/large" })
      if math.random() < 0.7 then assert(stream:headers()) end
      if math.random() < 0.5 then assert(stream:read(1000)) end
    end,
    function(client)
      local stream, total = assert(client:open { url = server.url .. "/large" }), 0
      client = nil -- luacheck: ignore
      for chunk in stream:chunks() do total = total + #chunk end
      assert.equal("ended", stream.close_reason)
      assert.equal(LARGE, total)
    end,
    function(client) -- hooks and a body function, held by the exchange alone
      local total, left = 0, 3
      local res = client:post(server.url .. "/small", function()
        left = left - 1
        return left > 0 and ("x"):rep(3000) or nil
      end, { on_chunk = function(chunk) total = total + #chunk end })
      assert.equal(res and #res.body or 0, total)
    end,
    function(client)
      local task = rill.spawn(client.get, client, server.url .. "/large")
      rill.sleep(math.random() / 200)
      task:cancel()
    end,
    function() -- a connection that nobody closes
      local conn = assert(rill.connect(server.url, { tls = { ca_file = server.ca } }))
      assert.equal(500, #assert(conn:request { url = "/small" }).body)
      if math.random() < 0.5 then assert(conn:open { url = "/large" }) end
    end,
    function(client) -- headers outlive all else
      local headers = assert(client:get(server.url .. "/small")).headers
      rill.sleep(0)
      assert.equal("500", headers["content-length"])
    end,
  }

  local function round(seed)
    math.randomseed(seed)
    support.run(function()
      local client, tasks = new_client(), {}
      for i = 1, 60 do
        if i % 10 == 0 then client = new_client() end -- the one before is dropped, with what it carries
        tasks[#tasks + 1] = rill.spawn(ways[math.random(#ways)], client)
        if math.random() < 0.3 then rill.sleep(math.random() / 300) end
      end
      for _, task in ipairs(tasks) do
        local _, err = task:join()
        if err then error(("seed %d: %s"):format(seed, err.traceback or err.message), 0) end
      end
    end, 30)
  end

  local function settle()
    jit.flush()
    collectgarbage()
    collectgarbage()
    support.run(function()
      support.wait(function()
        collectgarbage()
        local held = support.counters()
        return held.connections == 0 and held.clients == 0 and held.requests == 0
      end, 5, "everything to be gone")
    end)
    return held_bytes()
  end

  -- More ids at once than any round may have: their table stays as large as it was, and is part of what is held.
  local function widen()
    support.run(function()
      for _ = 1, 1000 do rill.spawn(rill.sleep, 0.001) end
    end)
  end

  it("takes nothing that is in use, and leaves nothing that is not", function()
    local seed = os.time()
    widen()
    round(seed)
    local before = settle()
    for i = 1, 8 do round(seed + i) end
    assert.is_true(collections > 500, collections .. " collections")
    assert.equal(before, settle())
  end)

  it("finds a client that was dropped in mid-request still at work for it", function()
    support.run(function()
      local task
      do
        local client = new_client()
        task = rill.spawn(function() return client:get(server.url .. "/large") end)
      end
      collectgarbage()
      assert.equal(LARGE, #assert(task:join()).body)
    end)
  end)
end)
