-- Where the time of a request went. What a phase takes at least is asserted, and that the phases add up; no upper
-- bounds.
local support = require "support"
local rill = require "rill"

local PHASES = { "queue", "dns", "connect", "tls", "wait", "body" }
local CASES = support.here .. "/cases/repeats.py"

local function assert_sum(timings)
  local sum = 0
  for _, phase in ipairs(PHASES) do
    assert.is_true(timings[phase] >= 0, phase)
    sum = sum + timings[phase]
  end
  assert.is_true(math.abs(sum - timings.total) < 0.001, ("%.6f of %.6f s"):format(sum, timings.total))
end

-- That a phase took so many seconds; timers of a server may be early by a millisecond.
local function assert_took(seconds, timings, phase)
  assert.is_true(timings[phase] >= seconds - 0.005, ("%s: %.6f s"):format(phase, timings[phase]))
  assert_sum(timings)
end

describe("the phases of a request", function()
  local node

  setup(function() node = support.node { script = "stalls.js" } end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function url(wait, body)
    return ("%s/?wait=%d&body=%d"):format(node.url, wait, body)
  end

  -- A process that has to wait for a processor sees the head late: then the body's time, or some of it, has gone into
  -- the wait before. That is not so each time.
  local function wait_took(stalls, ask)
    support.tries(5, function()
      local timings = ask()
      assert_took(stalls[1] / 1000, timings, "wait")
      return timings.body >= stalls[2] / 2000 - 0.005
    end, "a body that takes its time")
  end

  it("add up, and lie where the server spent the time", function()
    local client = support.client()
    support.run(function()
      for _, stalls in ipairs { { 0, 0 }, { 200, 0 }, { 0, 200 }, { 100, 100 } } do
        for _, options in ipairs { {}, { on_chunk = function() end } } do
          wait_took(stalls, function() return assert(client:get(url(stalls[1], stalls[2]), options)).timings end)
        end
      end
      wait_took({ 100, 100 }, function()
        local stream = assert(client:open { url = url(100, 100) })
        stream:closed()
        return stream.timings
      end)
    end)
  end)

  it("add up while a stream is open", function()
    local client = support.client()
    support.run(function()
      local stream = assert(client:open { url = url(50, 50) })
      repeat
        assert_sum(stream.timings)
        rill.sleep(0.005)
      until stream.close_reason
    end)
  end)

  it("have the time before a slot as queue", function()
    local client = support.client { max_streams = 1 }
    support.run(function()
      local tasks = {}
      for i = 1, 3 do tasks[i] = rill.spawn(client.get, client, url(100, 0)) end
      for i = 1, 3 do assert_took((i - 1) * 0.1, assert(tasks[i]:join()).timings, "queue") end
    end)
  end)

  it("hold a handshake once: of the request that dials, of those that wait with it, of one that joins", function()
    local slow = support.hostile { case = "tls-slow-handshake" }
    local client = support.client { tls = { ca_file = slow.ca } }
    support.run(function()
      local tasks = {}
      for i = 1, 3 do tasks[i] = rill.spawn(client.get, client, slow.url) end
      while client:stats().connections == 0 do rill.sleep(0) end
      rill.sleep(0.1)
      tasks[4] = rill.spawn(client.get, client, slow.url)
      for i = 1, 4 do
        local timings = assert(tasks[i]:join()).timings
        if i < 4 then assert_took(0.2, timings, "tls") end
        assert_sum(timings)
        assert.is_true(i < 4 or timings.tls > 0 and timings.connect == 0)
      end
      local timings = assert(client:get(slow.url)).timings
      assert_sum(timings)
      assert.equal(0, timings.dns + timings.connect + timings.tls)
    end)
  end)

  it("have all that was before the last attempt as queue", function()
    local failing = support.node { script = "failing.js" }
    local client = support.client()
    support.run(function()
      for i, with in ipairs { "drop,drop", "refuse,refuse", "goaway:0", "goaway:11" } do
        local res = assert(client:get(("%s/fail?with=%s&serial=%d"):format(failing.url, with, i)))
        assert_took(i == 3 and 0 or 0.1, res.timings, "queue") -- half of the least back-off
      end
    end)
  end)

  it("add up where there is no response: unsent, refused, in the handshake, lost, cancelled", function()
    local slow = support.tcp "silent"
    local lost = support.hostile { case = "lost-after-head", extra = CASES }
    local client = support.client { tls = { ca_file = lost.ca } }
    local trusting = support.client()
    support.run(function()
      local function ended(owner, address, options)
        options = options or {}
        options.url = address
        local stream = assert(owner:open(options))
        stream:closed()
        assert_sum(stream.timings)
        return stream.timings
      end
      ended(client, support.refused())
      ended(client, lost.url)
      ended(trusting, url(1000, 0), { timeout = 0.1 })
      local failed = ended(support.client { connect_timeout = 1 }, slow.url .. "/")
      assert_took(0.5, failed, "tls")
      local stream = assert(trusting:open { url = url(1000, 0) })
      stream:cancel()
      stream:closed()
      assert_sum(stream.timings)
    end)
  end)
end)
