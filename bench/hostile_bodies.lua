-- Peak memory of bodies without end: each is collected, announces no length and would go on for 1 GiB. The program ends
-- when ENOUGH of them were given up at `maxsize`; by then all hold what their windows let through.
local rill = require("rill")
local program = require("program")

local MIB = 2 ^ 20
local MAX_BUFFERED = 256 * MIB
local ENOUGH = 8

rill.run(function()
  local client = program.client {
    maxsize = 64 * MIB, window = 64 * 1024, max_buffered = MAX_BUFFERED, max_streams = program.count, timeout = 0,
  }
  local refused, most = 0, 0
  local function get()
    local response, err = client:get(program.url)
    assert(not response and err.reason == "maxsize_exceeded_actual", tostring(err))
    refused = refused + 1
  end
  for _ = 1, program.count do
    rill.spawn(get)
  end
  local streams = 0
  while refused < ENOUGH do
    rill.sleep(0.01)
    local stats = client:stats()
    most, streams = math.max(most, stats.buffered), math.max(streams, stats.streams)
  end
  assert(streams == program.count, "only " .. streams .. " bodies came at once")
  assert(most > MAX_BUFFERED, "the budget was not used up")
  program.done(program.count)
  io.stdout:flush()
  os.exit(0)
end)
