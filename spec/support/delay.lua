--- A TCP proxy in front of a server that makes the way to it long.
local server = require "support.server"

local M = {}

--- Starts the proxy.
---@param behind support.Server
---@param seconds number each way
---@param later boolean? from the signal USR1 to its process on
---@return support.Server its `url` leads to the server behind it
function M.start(behind, seconds, later)
  local self, said = server.start_python("delay", server.here .. "/delay.py",
    { tostring(behind.port), tostring(seconds), later and "later" or nil })
  self.port, self.url, self.ca = said.port, ("https://localhost:%d"):format(said.port), behind.ca
  return self
end

return M
