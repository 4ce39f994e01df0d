-- Whose turn it is: how much is done for some before the others are looked at.
local script = require "support.script"
local support = require "support"
local rill = require "rill"

local EXTREMES = "build/extremes.so"

-- Blocks the process until that time has come: what is due then is found due all at once.
local function block_until(instant)
  repeat until rill.now() > instant
end

local DUE = 0.002 -- seconds

describe("events that are due at once", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("are handed over 64 at a time: what the first of them wake does not wait for the last", function()
    local SLEEPERS = 200
    -- Returns how many had woken when what the first one woke had its turn; nil when some were due too early.
    local function try(seconds)
      local woken, seen = 0, nil
      local queue, started = rill.queue(), rill.now()
      local watcher = rill.spawn(function()
        queue:pop()
        seen = woken
      end)
      for _ = 1, SLEEPERS do
        rill.spawn(function()
          rill.sleep(seconds)
          woken = woken + 1
          if woken == 1 then queue:push(true) end
        end)
      end
      rill.sleep(0) -- they sleep now
      local early = rill.now() - started >= seconds
      block_until(rill.now() + 2 * seconds)
      watcher:join()
      return not early and seen or nil
    end
    support.run(function()
      local seconds, seen = DUE
      repeat
        seen, seconds = try(seconds), 2 * seconds
      until seen
      assert.equal(64, seen)
    end)
  end)

  it("and each make another one let the clocks be looked at after 16 batches", function()
    local STEPS_MOST = 10000
    local client = support.client()
    support.run(function()
      local steps, seen = 0, nil
      rill.spawn(function()
        rill.sleep(DUE)
        seen = steps
      end)
      rill.sleep(0)
      block_until(rill.now() + 2 * DUE)
      local url = support.refused()
      while not seen and steps < STEPS_MOST do
        local stream = assert(client:open { url = url .. "/" })
        stream:cancel() -- its end is an event at once
        assert.equal("cancelled", (stream:closed()))
        steps = steps + 1
      end
      assert.is_true(seen ~= nil, "the clocks stood still")
      assert.is_true(seen <= 20, seen .. " steps")
    end)
  end)
end)

describe("tasks that keep waking each other", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("let the network and the clocks be looked at after 256 turns of theirs", function()
    local TURNS_MOST = 100000
    support.run(function()
      local turns, seen = 0, nil
      local left, right = rill.queue(), rill.queue()
      local function play(from, to)
        while from:pop() and not seen and turns < TURNS_MOST do
          turns = turns + 1
          to:push(true)
        end
        to:close()
      end
      rill.spawn(function()
        rill.sleep(DUE)
        seen = turns
      end)
      local players = { rill.spawn(play, left, right), rill.spawn(play, right, left) }
      rill.sleep(0)
      block_until(rill.now() + 2 * DUE)
      left:push(true)
      for _, player in ipairs(players) do player:join() end
      assert.is_true(seen ~= nil, "the clocks stood still")
      assert.is_true(seen <= 256, seen .. " turns")
    end)
  end)
end)

describe("a connection that has more to give than one turn takes", function()
  setup(function() support.make(EXTREMES) end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("is left after sixteen buffers of 32 KiB: a step of the loop does a bounded amount of work", function()
    local SIZE = 12 * 2 ^ 20 -- within the windows
    local nginx = support.nginx { files = { large = SIZE } }
    local lines = script.run([[
    local C, loop = require("rill.clib"), require("rill.runtime").loop()
    local url, ca, size = ...
    local client = rill.client { tls = { ca_file = ca }, window = 16 * 2 ^ 20 }
    rill.run(function()
      local stream = assert(client:open { url = url })
      local last, most, steps = 0, 0, 0
      while last < tonumber(size) do
        C.rill_loop_step(loop)
        local received = stream.bytes_received
        if received > last then
          most, steps = math.max(most, received - last), steps + 1
        end
        last = received
      end
      tell(most)
      tell(steps)
      stream:cancel()
    end)
    client:close()
    ]], { nginx.url .. "/large", nginx.ca, tostring(SIZE) },
      { preload = EXTREMES, environment = { "EXTREMES_FULL_READS=1" } })
    local most, steps = tonumber(lines[1]), tonumber(lines[2])
    -- it looks up to three times, and a record may have begun before
    assert.is_true(most <= (3 * 16 * 32 + 16) * 1024, most .. " bytes in one step")
    assert.is_true(steps >= 8, steps .. " steps")
  end)
end)
