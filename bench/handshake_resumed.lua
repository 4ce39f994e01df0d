-- One GET on each of many connections, to a server that ends them after one request: sessions are resumed.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local client = program.client()
  for _ = 1, program.count do
    assert(assert(client:get(program.url)).status == 200)
  end
  local stats = client:stats()
  assert(stats.resumptions >= 0.98 * program.count, stats.resumptions .. " handshakes were resumed")
  program.done(stats.handshakes)
end)
