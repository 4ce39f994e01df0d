--- A small DNS server (UDP, 127.0.0.1) for the option dns_servers.
local dkjson = require "dkjson"
local scratch = require "support.scratch"
local server = require "support.server"

local M = {}

---@class support.Dns: support.Server
---@field address string for dns_servers: "127.0.0.1:PORT"
local Dns = setmetatable({}, { __index = server.Server })
Dns.__index = Dns

--- Starts the server.
---@param records table<string, table|string> name to { A = {"127.0.0.1"}, AAAA = {...}, ttl = 60 }, or to "nxdomain",
---  "silence", "servfail", "empty"; `silent = {"AAAA"}` leaves out answers of that type; a name that is missing here
---  does not exist (NXDOMAIN)
---@return support.Dns
function M.start(records)
  local path = scratch.directory "dns" .. "/records"
  scratch.write(path, dkjson.encode(records))
  local self, said = server.start_python("dns", server.here .. "/dns.py", { path })
  self.port, self.address, self.path = said.port, "127.0.0.1:" .. said.port, path
  return setmetatable(self, Dns)
end

--- Replaces the records.
---@param records table<string, table|string>
function Dns:set(records)
  scratch.write(self.path .. ".new", dkjson.encode(records))
  assert(os.rename(self.path .. ".new", self.path))
end

--- All the questions for a name that this client has sent so far, when the server has written them down: it takes them
--- one by one, and has answered one for another name behind them. Inside a task.
---@param name string
---@param client rill.Client
---@return table[]
function Dns:settled(name, client)
  self.fences = (self.fences or 0) + 1 -- a name that does not exist, and of which the client knows nothing
  local res, err = client:get(("https://fence%d.fence.test/"):format(self.fences))
  assert(not res and err.kind == "dns", tostring(err))
  return self:queries(name)
end

--- The questions for a name so far: { name=, type= } each.
---@param name string
---@return table[]
function Dns:queries(name)
  local found = {}
  for _, event in ipairs(self:events()) do
    if event.name == name then found[#found + 1] = event end
  end
  return found
end

return M
