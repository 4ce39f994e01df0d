-- A loop that a foreign one drives: when its descriptor is readable, and what a step leaves alone.
local script = require "support.script"
local support = require "support"

-- What the scripts share: `C`, `loop`, `fd`, `readable()`, `step_while_readable(most)`, `refused`.
local PROLOGUE = [[
local ffi = require("ffi")
local C, loop = require("rill.clib"), require("rill.runtime").loop()
ffi.cdef("struct pollfd { int fd; short events, revents; }; int poll(struct pollfd *fds, unsigned long n, int ms);")
local err, id = ffi.new("rill_error"), ffi.new("rill_id")
local events = ffi.new("rill_event[8]")
local fd = C.rill_loop_fd(loop, err)
assert(fd >= 0)
local refused = ...
local function readable(ms)
  local fds = ffi.new("struct pollfd[1]", { { fd, 1 } })
  return ffi.C.poll(fds, 1, ms or 0) == 1
end
local function step_while_readable(most)
  local steps = 0
  while steps < most and readable() do
    assert(C.rill_loop_step(loop) >= 0)
    steps = steps + 1
  end
  return steps
end
-- Steps until so many events are queued.
local function step_until(count)
  while C.rill_loop_step(loop) < count do readable(1000) end
end
local function connect()
  local options = ffi.new("rill_options")
  C.rill_options_init(options)
  assert(C.rill_connect(loop, options, refused, #refused, id, err) == 0)
end
]]

local function run(text)
  return script.run(PROLOGUE .. text, { support.refused() .. "/" })
end

describe("a loop in steps", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("does not ask for steps because of events that nobody takes, nor when they are taken", function()
    local lines = run [[
    for _ = 1, 3 do connect() end
    step_until(3)
    tell(step_while_readable(100) < 100 and "quiet" or "spins")
    tell(C.rill_events(loop, events, 1))
    tell(step_while_readable(100) < 100 and "quiet" or "spins")
    tell(C.rill_events(loop, events, 8))
    tell(readable() and "asks" or "quiet")
    ]]
    assert.same({ "quiet", "1", "quiet", "2", "quiet" }, lines)
  end)

  it("drops the events of what is dropped", function()
    local lines = run [[
    connect()
    step_until(1)
    C.rill_drop(loop, id.slot, id.generation)
    tell(C.rill_loop_step(loop))
    tell(C.rill_events(loop, events, 8))
    ]]
    assert.same({ "0", "0" }, lines)
  end)

  it("asks again for what was put off while 256 events waited", function()
    local lines = run [[
    local COUNT, taken = 300, 0
    for _ = 1, COUNT do connect() end
    repeat
      local queued = C.rill_loop_step(loop)
    until queued >= 256
    while step_while_readable(100) == 100 do end -- sockets may have something all the time
    while taken < COUNT do
      local count = C.rill_events(loop, events, 8)
      taken = taken + count
      if count == 0 then
        assert(readable(5000), "it asks for no step, and events are missing")
        C.rill_loop_step(loop)
      end
    end
    tell(taken)
    ]]
    assert.same({ "300" }, lines)
  end)

  it("keeps what an event points to until the next events are asked for", function()
    local lines = run [[
    connect()
    step_until(1)
    assert(C.rill_events(loop, events, 8) == 1)
    local before = ffi.string(events[0].errors.message)
    C.rill_drop(loop, id.slot, id.generation)
    for _ = 1, 3 do C.rill_loop_step(loop) end
    refused = refused:gsub("localhost", "127.0.0.1")
    for _ = 1, 20 do connect() end -- take the memory that has become free
    step_until(20)
    tell(ffi.string(events[0].errors.message) == before and "kept" or ffi.string(events[0].errors.message))
    ]]
    assert.same({ "kept" }, lines)
  end)

  it("begins with the first request at once, and with more in the next step", function()
    local lines = run [[
    local client, counters = rill.client(), ffi.new("rill_counters")
    local function begun()
      C.rill_loop_counters(loop, counters)
      return counters.dials + counters.events
    end
    step_while_readable(100) -- the descriptor was readable when it was made
    local first = client:open { url = refused }
    tell(begun())
    local second = client:open { url = refused:gsub("localhost", "127.0.0.1") }
    tell(begun(), readable(1000) and "asks for a step" or "quiet")
    step_until(2)
    ]]
    assert.same({ "1", "1 asks for a step" }, lines)
  end)

  it("asks for no step while it is quiet, and afterwards for what it was given", function()
    local lines = run [[
    step_while_readable(100) -- the descriptor was readable when it was made
    local function asks(give)
      C.rill_loop_quiet(loop, true)
      give()
      local before = readable()
      C.rill_loop_quiet(loop, false)
      tell(before and "asks" or "quiet", readable(5000) and "asks" or "quiet")
      step_until(1) -- what was given comes to its end: a timer left over would ask in the next one's quiet
      C.rill_events(loop, events, 8)
      while step_while_readable(100) == 100 do end
    end
    asks(function() assert(C.rill_timer_start(loop, 0.01, id, err) == 0) end)
    ffi.cdef("int open(const char *path, int flags);")
    local always_ready = ffi.C.open("/dev/null", 0)
    asks(function() assert(C.rill_wait_start(loop, always_ready, false, id, err) == 0) end)
    C.rill_loop_quiet(loop, true)
    C.rill_loop_quiet(loop, false)
    tell(readable() and "asks" or "quiet")
    asks(connect)
    ]]
    local connecting = table.remove(lines) -- what the network answers at once may be seen before
    assert.same({ "quiet asks", "quiet asks", "quiet" }, lines)
    assert.matches("asks$", connecting)
  end)

  it("frees requests that were dropped though nobody asks for events", function()
    local lines = run [[
    local client = rill.client()
    local counters = ffi.new("rill_counters")
    local function round()
      rill.run(function()
        for _ = 1, 10 do assert(client:open { url = "https://localhost:1/" }):cancel() end
      end)
      collectgarbage()
      collectgarbage()
      for _ = 1, 5 do C.rill_loop_step(loop) end
      C.rill_loop_counters(loop, counters)
      return counters.bytes
    end
    round()
    local before = round()
    for _ = 1, 10 do round() end
    tell(counters.bytes <= before and "freed" or counters.bytes - before)
    client:close()
    ]]
    assert.same({ "freed" }, lines)
  end)

  it("does not wake for a timer that was stopped", function()
    local lines = run [[
    -- Seconds that the loop's timer descriptor is set to: 0 when to nothing. The wheel wakes early, too: where the
    -- clock enters a slot of a higher level, be that 5 ms from now.
    local function armed()
      local longest = 0
      for number = 0, 63 do
        local file = io.open("/proc/self/fdinfo/" .. number)
        local seconds, nanoseconds = (file and file:read("*a") or ""):match("it_value: %((%d+), (%d+)%)")
        if file then file:close() end
        longest = math.max(longest, (seconds or 0) + (nanoseconds or 0) / 1e9)
      end
      return longest
    end
    local function start(seconds)
      assert(C.rill_timer_start(loop, seconds, id, err) == 0)
      C.rill_loop_step(loop)
      return id.slot, id.generation
    end
    local long_slot, long_generation = start(5000)
    local alone = armed() -- far, unless the clock enters a slot of the wheel's level 4 before: one each 16,777 s
    local slot, generation = start(50)
    tell(armed() <= 50 and armed() > 0 and "short" or armed())
    C.rill_drop(loop, slot, generation)
    C.rill_loop_step(loop)
    tell((armed() > 50 or alone <= 500) and "long" or armed())
    C.rill_drop(loop, long_slot, long_generation)
    C.rill_loop_step(loop)
    tell(armed())
    tell(step_while_readable(100) < 100 and "quiet" or "spins")
    ]]
    assert.same({ "short", "long", "0", "quiet" }, lines)
  end)
end)
