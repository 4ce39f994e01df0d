-- A large body, collected whole and never made a Lua string. A unit is a MiB.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local response = assert(program.client():get(program.url))
  local _, bytes = response:pointer()
  assert(response.status == 200)
  program.done(bytes / 2 ^ 20)
end)
