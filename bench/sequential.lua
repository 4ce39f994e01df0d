-- One GET after the other.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local client, bytes = program.client(), 0
  for _ = 1, program.count do
    local response = assert(client:get(program.url))
    assert(response.status == 200 and response.headers["last-modified"])
    bytes = bytes + #response.body
  end
  assert(bytes == program.count * 1024)
  program.done(program.count)
end)
