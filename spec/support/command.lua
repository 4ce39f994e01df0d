--- The command rill, with what it wrote to standard output and standard error.
local process = require "support.process"
local scratch = require "support.scratch"

local M = {}

local SECONDS = 60

---@class support.Command
---@field out string
---@field err string
---@field status integer
---@field process support.Process
local Command = {}
Command.__index = Command

--- Starts a shell command.
---@param script string
---@param ... string $0, $1, ...
---@return support.Command
function M.start_shell(script, ...)
  local directory = scratch.directory "command"
  local argv = { "env" }
  for _, word in ipairs(process.sanitizers()) do argv[#argv + 1] = word end
  for _, word in ipairs { "sh", "-c", script, directory, ... } do argv[#argv + 1] = word end
  return setmetatable({ directory = directory, process = process.start(argv, directory .. "/both") }, Command)
end

--- Starts `rill WORDS...`.
---@param words string[]
---@param more string[]? further words
---@return support.Command
function M.start(words, more)
  local all = { unpack(words) }
  for _, word in ipairs(more or {}) do all[#all + 1] = word end
  return M.start_shell('exec luajit bin/rill "$@" >"$0/out" 2>"$0/err"', unpack(all))
end

---@param name "INT"|"TERM"|"USR1"
function Command:signal(name)
  self.process:signal(name)
end

--- What it has written to standard error so far.
---@return string
function Command:said()
  return process.own(scratch.read(self.directory .. "/err"))
end

--- Waits for its end.
---@return support.Command self with `out`, `err` and `status`
function Command:finish()
  self.status = self.process:wait(SECONDS)
  self.out, self.err = scratch.read(self.directory .. "/out"), self:said()
  return self
end

--- Runs `rill WORDS...` to its end.
---@param words string[]
---@param more string[]?
---@return support.Command
function M.run(words, more)
  return M.start(words, more):finish()
end

--- Runs a shell command in which rill stands.
---@param script string
---@return support.Command
function M.shell(script)
  return M.start_shell("{ " .. script .. '; } >"$0/out" 2>"$0/err"'):finish()
end

return M
