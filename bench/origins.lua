--- Many origins that are one server: names of the bench's certificate, told to a client as `resolve`.
local program = require("program")

local M = {}

--- A client for `count` origins, and their URLs.
---@param count integer
---@param protocol string? "h2" unless said
---@return rill.Client
---@return string[] urls
function M.client(count, protocol)
  local port, path = program.url:match(":(%d+)(/.*)$")
  local resolve, urls = {}, {}
  for i = 1, count do
    local authority = ("o%d.bench.test:%s"):format(i, port)
    resolve[authority] = "127.0.0.1:" .. port
    urls[i] = "https://" .. authority .. path
  end
  return program.client { resolve = resolve, max_connections = count + 1, protocols = { protocol or "h2" } }, urls
end

--- Visits `count` origins at once, program.count times in all, each time on a new connection: the server ends one
--- after every request.
---@param count integer
---@return table stats of the client
function M.visit(count)
  local client, urls = M.client(count)
  program.share(count, count, function(i)
    for _ = 1, program.count / count do
      assert(assert(client:get(urls[i])).status == 200)
    end
  end)
  local stats = client:stats()
  assert(stats.handshakes >= program.count)
  return stats
end

return M
