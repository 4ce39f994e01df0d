--- Listeners that are no HTTP/2 servers.
local authority = require "support.ca"
local port = require "support.port"
local server = require "support.server"

local M = {}

--- Starts one. `server:events()` has an "accept" and an "end" per connection, the latter with what was received:
--- `bytes`, and `text` (the first 200, escaped); a silent one has "heard" when the first bytes have come.
---@param behaviour "silent"|"close"|"text405"|"redis5"|"no_alpn"|"http1" accept and say nothing; accept and close;
---  answer with the plain text "HTTP/2.0 405 Method Not Allowed"; refuse AUTH as Redis 5 does; TLS without ALPN; TLS
---  with http/1.1 in ALPN
---@return support.Server
function M.start(behaviour)
  local ca = authority.get()
  local self, said = server.start_python("tcp", server.here .. "/tcp.py", { behaviour, ca.leaf, ca.key })
  self.port, self.url, self.ca = said.port, ("https://localhost:%d"):format(said.port), ca.file
  return self
end

--- The URL of a port that refuses connections.
---@return string
function M.refused()
  return ("https://localhost:%d"):format(port.free())
end

return M
