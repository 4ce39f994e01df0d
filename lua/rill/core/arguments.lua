--- Checks what scripts pass to the calls on tasks; what is wrong is raised at the script's line.
local errors = require("rill.errors")
local lazy = require("rill.core.lazy")
local suggest = lazy.module("rill.core.suggest")

local M = {}

-- NULL of the FFI is equal to nil, and is none: what may be left out is asked for its type, here and elsewhere.

local function fail(what, wanted, value)
  errors.raise(("%s must be %s, got %s"):format(what, wanted, errors.show(value)))
end

--- Whether a value can be called as a function.
---@param value any
---@return boolean
function M.is_callable(value)
  if type(value) == "function" then
    return true
  end
  local meta = (type(value) == "table" or type(value) == "userdata") and getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

---@param what string the argument's name, as in "rill.spawn: fn"
---@param value any
function M.callable(what, value)
  if not M.is_callable(value) then
    fail(what, "a function", value)
  end
end

--- A duration: any number of seconds but NaN. A negative one is a moment that has passed.
---@param what string
---@param value any
function M.seconds(what, value)
  if type(value) ~= "number" or value ~= value then
    fail(what, "a number of seconds", value)
  end
end

--- A whole number of at least 1.
---@param what string
---@param value any
function M.count(what, value)
  if type(value) ~= "number" or value < 1 or value ~= math.floor(value) then
    fail(what, "a whole number of at least 1", value)
  end
end

--- An options table (or nil) that has no other keys than `known`.
---@param what string
---@param value any
---@param known table a set
function M.options(what, value, known)
  if type(value) == "nil" then
    return
  end
  if type(value) ~= "table" then
    fail(what, "a table", value)
  end
  for key in pairs(value) do
    if not known[key] then
      suggest.unknown(what, key, { known }, suggest.tasks)
    end
  end
end

return M
