-- Uploads of 64 MiB from one string, one after the other. A unit is a MiB. Making the string is not counted.
local rill = require("rill")
local program = require("program")

local MEGABYTES = 64

local began = os.clock()
local body = ("x"):rep(MEGABYTES * 2 ^ 20)
local making = os.clock() - began

rill.run(function()
  local client = program.client()
  for _ = 1, program.count / MEGABYTES do
    local response = assert(client:post(program.url, body))
    assert(response.status == 200)
  end
  local done = client:stats().bytes_sent >= program.count * 2 ^ 20
  program.done(done and program.count or 0, { not_counted = making })
end)
