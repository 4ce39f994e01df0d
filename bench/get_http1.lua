-- GET of one page again and again over HTTP/1.1, on six connections: status, one header and the body string of each.
-- The last word says how long the body is, and which proxy is asked for tunnels, if one is.
local rill = require("rill")
local program = require("program")

local CONNECTIONS = 6

rill.run(function()
  local size, proxy = program.more:match("^(%d+) ?(.*)$")
  local client = program.client { protocols = { "http/1.1" }, proxy = proxy ~= "" and proxy or nil }
  size = tonumber(size)
  program.share(CONNECTIONS, program.count, function()
    local response = assert(client:get(program.url))
    assert(response.status == 200 and response.headers["last-modified"] and #response.body == size)
  end)
  assert(client:stats().connections_opened <= CONNECTIONS)
  program.done(program.count)
end)
