--- Proxies: a scripted one that says what it is asked, tinyproxy, microsocks.
local authority = require "support.ca"
local port = require "support.port"
local scratch = require "support.scratch"
local server = require "support.server"

local M = {}

--- Starts a scripted one. `server:events()` has "accept", "request" (HTTP: `line`, `fields`; SOCKS: `host`, `named`,
--- `target`, `user`) and "end" per connection.
---@param behaviour string? "http" (the default), "tls", "socks", "informs" (100 first), or one of proxy.py's ANSWERS,
---  which it gives to whoever asks
---@param rights string? "user:password" that SOCKS asks for
---@return support.Server
function M.start(behaviour, rights)
  local ca = authority.get()
  local self, said = server.start_python("proxy", server.here .. "/proxy.py",
    { behaviour or "http", ca.leaf, ca.key, rights or "" })
  self.port, self.ca = said.port, ca.file
  return self
end

--- Starts tinyproxy; its log is in `directory .. "/log"`.
---@param rights string? "user password" of BasicAuth
---@return support.Server
function M.tinyproxy(rights)
  local directory, number = scratch.directory "tinyproxy", port.free()
  local config = { "Port " .. number, "Listen 127.0.0.1", "Timeout 60", "MaxClients 100",
    ('LogFile "%s/log"'):format(directory), "LogLevel Connect", ('PidFile "%s/pid"'):format(directory) }
  if rights then config[#config + 1] = "BasicAuth " .. rights end
  scratch.write(directory .. "/config", table.concat(config, "\n") .. "\n")
  local self = server.start("tinyproxy", { "tinyproxy", "-d", "-c", directory .. "/config" }, directory)
  self.port = number
  port.wait(number, self.process)
  return self
end

--- Starts microsocks.
---@param user string?
---@param password string?
---@return support.Server
function M.microsocks(user, password)
  local argv = { "microsocks", "-i", "127.0.0.1", "-p" }
  local number = port.free()
  argv[#argv + 1] = tostring(number)
  if user then
    for _, word in ipairs { "-u", user, "-P", password } do argv[#argv + 1] = word end
  end
  local self = server.start("microsocks", argv)
  self.port = number
  port.wait(number, self.process)
  return self
end

return M
