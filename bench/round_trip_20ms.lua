-- A large body from far away, on a connection that is open. A unit is a MiB.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local client, bytes = program.client(), 0
  assert(client:head(program.url))
  local started = rill.now()
  local stream = assert(client:open { url = program.url })
  for chunk in stream:chunks() do
    bytes = bytes + #chunk
  end
  assert(stream.close_reason == "ended", stream.close_reason)
  program.done(bytes / 2 ^ 20, { mb_per_second = bytes / 1e6 / (rill.now() - started) })
end)
