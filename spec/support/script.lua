--- Lua scripts in a process of their own: with the rill of this tree, and under `make asan` with the sanitizers.
local process = require "support.process"
local scratch = require "support.scratch"

local M = {}

local PROLOGUE = [[
package.path = "./lua/?.lua;./lua/?/init.lua;" .. package.path
local rill = require "rill"
local function tell(...) io.write(table.concat({ ... }, " "), "\n") io.flush() end
]]

--- Words that a command line begins with: what support.process keeps from other programs.
---@param preload string? one more library
---@return string[]
function M.environment(preload)
  local words = { "env", "--default-signal=PIPE" }
  local sanitized = os.getenv "RILL_SANITIZED" ~= nil
  for _, name in ipairs { "LD_PRELOAD", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS" } do
    local value = sanitized and os.getenv(name) or nil
    if name == "LD_PRELOAD" and preload then value = value and value .. " " .. preload or preload end
    if value then words[#words + 1] = name .. "=" .. value end
  end
  return words
end

local function add(list, words)
  for _, word in ipairs(words or {}) do list[#list + 1] = word end
end

--- Starts a script. It finds `rill`, `tell(...)`, which writes a line, and its arguments as `...`.
---@param text string
---@param arguments string[]?
---@param options { before: string[]?, environment: string[]?, preload: string? }? before: words that the command
---  line begins with; environment: of the form NAME=VALUE; preload: a library
---@return support.Process
function M.start(text, arguments, options)
  options = options or {}
  local directory = scratch.directory "script"
  local argv = {}
  add(argv, options.before)
  add(argv, M.environment(options.preload))
  add(argv, options.environment)
  add(argv, { "luajit", scratch.write(directory .. "/script.lua", PROLOGUE .. text) })
  add(argv, arguments)
  return process.start(argv, directory .. "/output")
end

--- Runs one to its end, which must be a good one.
---@return string[] lines that it has written
function M.run(...)
  local child = M.start(...)
  local status = child:wait(90)
  if status ~= 0 then error(("the script ended with %d:\n%s"):format(status, child:output()), 2) end
  local lines = {}
  for line in child:output():gmatch "[^\n]+" do lines[#lines + 1] = line end
  return lines
end

return M
