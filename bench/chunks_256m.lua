-- A large body, read in pieces that are Lua strings and then dropped. A unit is a MiB.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local stream = assert(program.client():open { url = program.url })
  local bytes = 0
  for chunk in stream:chunks() do
    bytes = bytes + #chunk
  end
  assert(stream.close_reason == "ended", stream.close_reason)
  program.done(bytes / 2 ^ 20)
end)
