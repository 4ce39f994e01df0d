-- Peak memory of bodies without end that nobody reads on: each stream gives its first chunk, then its script waits.
-- What may be held is `max_buffered` and the windows that stand open: 64 KiB of each.
local rill = require("rill")
local program = require("program")

local MIB = 2 ^ 20
local STILL = 20 -- looks in a row at which nothing more has come

rill.run(function()
  local client = program.client { window = 64 * 1024, max_buffered = 64 * MIB, max_streams = program.count, timeout = 0,
    read_timeout = 0 }
  local streams = {}
  for i = 1, program.count do streams[i] = assert(client:open { url = program.url }) end
  for _, stream in ipairs(streams) do assert(stream:read()) end
  local still, before = 0, 0
  while still < STILL do
    rill.sleep(0.01)
    local received = client:stats().bytes_received
    still, before = received == before and still + 1 or 0, received
  end
  local held = client:stats().buffered
  assert(held > 8 * MIB, "hardly anything was held: " .. held)
  program.done(program.count)
  io.stdout:flush()
  os.exit(0)
end)
