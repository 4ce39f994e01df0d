--- Why a call cannot wait where it was made.
local errors = require("rill.errors")
local place = require("rill.runtime.place")
local WORK = require("rill.task.slots").WORK

local M = {}

-- C functions that a wait may stand below.
local HARMLESS = { [pcall] = true, [xpcall] = true }

--- The name of the C function that stands between the call and its task; nil where none is seen, as with
--- finalizers.
local function blocking_name()
  local level = 3
  local info = debug.getinfo(level, "Sfn")
  while info do
    if info.what == "C" and not HARMLESS[info.func] then return info.name end
    level = level + 1
    info = debug.getinfo(level, "Sfn")
  end
end

--- Raises an error at the script's line: nothing was done.
---@param call string that waits
---@param task rill.Task? the current one
function M.raise(call, task)
  local text
  if not task then
    text = place.outside(call)
  elseif coroutine.running() ~= task[WORK] then
    text = call .. " waits, and was called in a coroutine inside a task: call it in the task itself, "
      .. "or rill.spawn a task of its own"
  else
    local name = blocking_name()
    text = ("%s waits, and cannot below %s: Lua cannot suspend a C function that runs; "
      .. "call it in the task itself, or rill.spawn a task of its own")
      :format(call, name and ("the C function %q"):format(name) or "a finalizer or another C function")
  end
  errors.raise(text)
end

return M
