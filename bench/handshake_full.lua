-- One GET on each of many connections, as many at once as the last word says, to a server that ends them after
-- one request and resumes no session.
local rill = require("rill")
local origins = require("origins")
local program = require("program")

rill.run(function()
  local stats = origins.visit(tonumber(program.more))
  assert(stats.resumptions == 0, "a handshake was not a full one")
  program.done(program.count)
end)
