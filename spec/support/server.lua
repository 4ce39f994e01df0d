--- What all servers of the specs have in common: a process, a port, what it reports.
local dkjson = require "dkjson"
local deadline = require "support.deadline"
local nursery = require "support.nursery"
local process = require "support.process"
local scratch = require "support.scratch"

local START_SECONDS = 30

---@class support.Server
---@field process support.Process
---@field directory string private to this server
---@field port integer
---@field url string without a path: "https://localhost:40001"
---@field ca string? file to trust
local Server = {}
Server.__index = Server

local M = { Server = Server }

--- The directory this file lies in: where the scripts of the servers are.
M.here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."

--- Reads lines of JSON; a last line that is not complete yet is left out.
---@param text string
---@return table[]
function M.json_lines(text)
  local list = {}
  for line in text:gmatch "([^\n]+)\n" do
    if line:sub(1, 1) == "{" then list[#list + 1] = assert(dkjson.decode(line)) end
  end
  return list
end

--- Starts a program in a directory of its own.
---@param name string
---@param argv string[]
---@param directory string?
---@return support.Server
function M.start(name, argv, directory)
  directory = directory or scratch.directory(name)
  return setmetatable({
    process = process.start(argv, directory .. "/output"), directory = directory,
  }, Server)
end

-- What a program says with its first line.
local function announced(self, name)
  local said = deadline.wait(function()
    local first = self:events()[1]
    if not first and self.process:ended() then error(name .. " ended at once:\n" .. self:output(), 0) end
    return first
  end, START_SECONDS, name .. " to say where it is")
  return self, said
end

--- Starts a program that says where it is with one line of JSON, and waits for that line.
---@param name string
---@param argv string[]
---@param directory string?
---@return support.Server
---@return table said
function M.start_announced(name, argv, directory)
  return announced(M.start(name, argv, directory), name)
end

--- The same for a script in Python with main(), which is loaded once.
---@param name string
---@param script string path
---@param arguments string[]
---@param directory string?
---@return support.Server
---@return table said
function M.start_python(name, script, arguments, directory)
  directory = directory or scratch.directory(name)
  local started = nursery.start(script, arguments, directory .. "/output")
  return announced(setmetatable({ process = started, directory = directory }, Server), name)
end

--- What the server wrote to its standard output and error.
function Server:output()
  return self.process:output()
end

--- The lines of JSON among that.
---@return table[]
function Server:events()
  return M.json_lines(self:output())
end

--- Waits until `count` events match; returns those that do.
---@param match fun(event: table): any
---@param count integer? 1
---@param seconds number? 10
---@return table[]
function Server:wait_events(match, count, seconds)
  return deadline.wait(function()
    local found = {}
    for _, event in ipairs(self:events()) do
      if match(event) then found[#found + 1] = event end
    end
    return #found >= (count or 1) and found
  end, seconds or 10, "the server's events")
end

--- Stops the server and reaps it. May be called twice.
function Server:stop()
  self.process:stop()
end

return M
