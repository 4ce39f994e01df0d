-- GET from 10,000 origins in turn, all of them reached by six connections: the server stands for a proxy, which is
-- asked for URLs of any host. The last word says how many requests each origin may have at a time, or "none".
local program = require("program")
local rill = require("rill")

local ORIGINS, CONNECTIONS = 10000, 6

rill.run(function()
  local proxy, path = program.url:match("^(http://[^/]+)(/.*)$")
  local most = tonumber(program.more)
  local client = program.client {
    proxy = proxy, protocols = { "http/1.1" }, per_origin = most and { concurrency = most } or nil,
  }
  local urls = {}
  for i = 1, ORIGINS do urls[i] = ("http://o%d.bench.test%s"):format(i, path) end
  program.share(CONNECTIONS, program.count, function(i)
    assert(assert(client:get(urls[i % ORIGINS + 1])).status == 200)
  end)
  assert(client:stats().connections_opened <= CONNECTIONS)
  program.done(program.count)
end)
