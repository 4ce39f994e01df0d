-- The same, to a server that resumes sessions: all but the first of each origin.
local rill = require("rill")
local origins = require("origins")
local program = require("program")

rill.run(function()
  local count = tonumber(program.more)
  local stats = origins.visit(count)
  assert(stats.resumptions >= program.count - count, stats.resumptions .. " handshakes were resumed")
  program.done(program.count)
end)
