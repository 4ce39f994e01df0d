local rill = require "rill"
local support = require "support"

local TASKS = 1000

describe("1,000 tasks that are cancelled at random points", function()
  local server

  setup(function()
    server = support.nghttpd { files = { small = "x", large = ("x"):rep(300000) }, max_concurrent_streams = 20 }
  end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(function()
    jit.flush() -- compiled code keeps the functions it was made from alive, and with them their client
    support.check_clean()
  end)

  -- A busy server may refuse streams, certainly unprocessed (RFC 9113 section 8.7); nothing else goes wrong.
  local function unless_refused(result, err)
    if not result and not err.retry_safe then error(err, 0) end
    return result
  end

  -- Ways to wait; what comes of one is looked at in the end: nothing is lost, nothing held.
  local function waits(queue, semaphore, client)
    return {
      function() unless_refused(client:get(server.url .. "/small")) end,
      function() unless_refused(client:get(server.url .. "/large", { timeout = 60 })) end,
      function()
        local stream = assert(client:open { url = server.url .. "/large" })
        if unless_refused(stream:headers()) then
          assert(stream:read())
          if math.random() < 0.5 then assert(stream:body()) end
        end
        stream:cancel()
      end,
      function() rill.sleep(math.random() / 100) end,
      function() semaphore:with(rill.sleep, math.random() / 500) end,
      function()
        if semaphore:acquire(math.random() / 500) then semaphore:release() end
      end,
      function() queue:push(queue:pop()) end,
      function() rill.timeout(math.random() / 500, rill.sleep, math.random() / 500) end,
      function() rill.all { function() rill.sleep(0) end, function() rill.sleep(math.random() / 500) end } end,
      function()
        for _ in rill.map({ 1, 2, 3 }, function() rill.sleep(math.random() / 500) end, { concurrency = 2 }) do
          rill.sleep(0)
        end
      end,
      function() rill.spawn(rill.sleep, math.random() / 500):join() end,
      function() rill.signal "USR2" end,
    }
  end

  it("leave no timer, permit, item, request or task behind", function()
    local seed = os.time()
    math.randomseed(seed)
    local failures = {}
    rill.on_error = function(message) failures[#failures + 1] = message end
    local ok, err = pcall(support.run, function()
      local queue, semaphore = rill.queue(), rill.semaphore(7)
      for i = 1, 20 do queue:push(i) end
      local client = support.client()
      local ways = waits(queue, semaphore, client)
      local tasks = {}
      for i = 1, TASKS do
        tasks[i] = rill.spawn(function()
          while true do ways[math.random(#ways)]() end
        end)
      end
      -- Cancelled by each other and from here, between any two steps of the scheduler.
      local left = TASKS
      while left > 0 do
        for _ = 1, math.random(30) do
          if left > 0 then
            local i = math.random(left)
            tasks[i]:cancel()
            tasks[i], tasks[left] = tasks[left], tasks[i]
            left = left - 1
          end
        end
        rill.sleep(math.random(0, 1) / 1000)
      end
      for i = 1, TASKS do
        local result, why = tasks[i]:join()
        assert.is_nil(result)
        assert.equal("cancelled", why.reason, tostring(why) .. "\n" .. tostring(why.traceback))
      end
      for _ = 1, 7 do assert.is_true(semaphore:acquire(0)) end
      assert.is_nil(semaphore:acquire(0))
      assert.equal(20, queue:count()) -- push never waits here, so no task ends between its pop and its push
      assert.equal("x", assert(client:get(server.url .. "/small")).body)
    end, 60)
    rill.on_error = nil
    assert(ok, ("seed %d: %s"):format(seed, tostring(err)))
    assert.same({}, failures)
  end)
end)

describe("a storm of cancelled streams", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("leaves the others on its connection alone: resetting them is not the peer's doing", function()
    local STREAMS = 22000 -- of 13 bytes each in RST_STREAM: more than a peer may make us answer
    local server = support.node { script = "reset_counter.js", raw = true }
    local client = support.client { h2c = true, max_streams = STREAMS + 10 }
    support.run(function()
      local kept = assert(client:open { url = server.url })
      local streams = {}
      for i = 1, STREAMS do streams[i] = assert(client:open { url = server.url }) end
      support.wait(function() return client:stats().pending == 0 end, 60)
      for i = 1, STREAMS do streams[i]:cancel() end
      assert.equal(200, assert(client:get(server.url)).status)
      assert.is_nil(kept.close_reason)
      assert.equal(1, client:stats().connections_opened)
      kept:cancel()
    end, 120)
  end)
end)
