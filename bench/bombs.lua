-- Peak memory of bodies that explode, all at once: each is 256 KiB of gzip and would be 256 MiB. All are given up at
-- `maxsize`.
local rill = require("rill")
local program = require("program")

local MIB = 2 ^ 20

rill.run(function()
  local client = program.client { maxsize = 8 * MIB, window = 64 * 1024, max_window = 64 * 1024,
    max_buffered = 64 * MIB, max_streams = program.count, timeout = 0 }
  program.share(program.count, program.count, function()
    local response, err = client:get(program.url)
    assert(not response and err.reason == "maxsize_exceeded_actual", tostring(err))
  end)
  program.done(program.count)
end)
