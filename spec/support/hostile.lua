--- The misbehaving HTTP/2 server of spec/hostile, one case per server.
local deadline = require "support.deadline"
local process = require "support.process"
local scratch = require "support.scratch"
local server = require "support.server"

local M = {}
local certificates -- made by the first server, used again by the others

---@class support.Hostile: support.Server
---@field url string of the case, with its path
local Hostile = setmetatable({}, { __index = server.Server })
Hostile.__index = Hostile

--- Starts one case.
---@param options { case: string, server: string?, extra: string?, h2c: boolean?, port: integer? } server: another
---  one's path; extra: the path of a Python file with more cases
---@return support.Hostile
function M.start(options)
  local directory = scratch.directory "hostile"
  certificates = certificates or scratch.directory "hostile-certificates"
  local argv = { "--case", options.case, "--certs", certificates, "--events", directory .. "/events" }
  if options.h2c then argv[#argv + 1] = "--h2c" end
  if options.extra then
    argv[#argv + 1] = "--extra"
    argv[#argv + 1] = options.extra
  end
  if options.port then
    argv[#argv + 1] = "--port"
    argv[#argv + 1] = tostring(options.port)
  end
  local script = options.server or server.here .. "/../hostile/server.py"
  local self, said = server.start_python("hostile", script, argv, directory)
  self.port, self.url, self.ca = said.port, said.url, said.ca
  return setmetatable(self, Hostile)
end

--- Lists what a server can do: its own, or other, cases. It is started without the sanitizers that io.popen would pass
--- on, which find leaks in Python.
---@param options { server: string?, extra: string? }? as of start
---@return table[] cases
function M.cases(options)
  options = options or {}
  local path = scratch.directory "hostile-cases" .. "/list"
  process.run({ "/usr/bin/python3", "-B", options.server or server.here .. "/../hostile/server.py", "--list",
    options.extra and "--extra", options.extra }, path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return server.json_lines(text)
end

--- What the connections did so far: "accept" and "end" events.
---@return table[]
function Hostile:events()
  local file = io.open(self.directory .. "/events", "rb")
  if not file then return {} end
  local text = file:read "*a"
  file:close()
  return server.json_lines(text)
end

--- Waits until `count` connections have ended; returns their "end" events.
---@param count integer? 1
---@param seconds number? 10
---@return table[]
function Hostile:ends(count, seconds)
  return self:wait_events(function(event) return event.event == "end" end, count, seconds)
end

--- Waits until each connection that was accepted has ended, and counts them: what ends from here on came later.
---@return integer
function Hostile:settled()
  return deadline.wait(function()
    local counts = { accept = 0, ["end"] = 0 }
    for _, event in ipairs(self:events()) do
      if counts[event.event] then counts[event.event] = counts[event.event] + 1 end
    end
    return counts.accept == counts["end"] and counts["end"]
  end, 30, "the connections to end")
end

return M
