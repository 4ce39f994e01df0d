-- One GET on each of many connections, to a server that ends them after one request and resumes no session.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local client = program.client()
  for _ = 1, program.count do
    assert(assert(client:get(program.url)).status == 200)
  end
  local stats = client:stats()
  assert(stats.resumptions == 0, "a handshake was not a full one")
  program.done(stats.handshakes)
end)
