-- Uploads of 64 MiB from one string, one after the other. A unit is a MiB.
local rill = require("rill")
local program = require("program")

local MEGABYTES = 64

rill.run(function()
  local client, body = program.client(), ("x"):rep(MEGABYTES * 2 ^ 20)
  for _ = 1, program.count / MEGABYTES do
    local response = assert(client:post(program.url, body))
    assert(response.status == 200)
  end
  program.done(client:stats().bytes_sent >= program.count * 2 ^ 20 and program.count or 0)
end)
