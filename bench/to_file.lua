-- A large body, written to a file by the core. A unit is a MiB, the last word the file.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local response = assert(program.client():download(program.url, program.more))
  assert(response.status == 200 and response.path == program.more)
  program.done(response.bytes_received / 2 ^ 20)
end)
