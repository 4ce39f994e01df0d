--- Modules that many scripts never need: reading and compiling all takes three times as long as those that a request
--- takes part in.
require("rill.core.ffi") -- raises a clear error where there is no LuaJIT

local M = {}

local globals = getfenv(0)
local UNFINISHED = package.loaded[...] -- what stands in place of a module while it is read, as this one now

-- Where reading modules has been broken off, by a hook of the debugger or for want of memory, `require` would refuse
-- them from then on: they are begun again.
local function forget_unfinished()
  for name, value in pairs(package.loaded) do
    if value == UNFINISHED and name:find "^rill%." then package.loaded[name] = nil end
  end
end

-- A descriptor that is given back while a module is read: it may first be needed where a process has no other left,
-- to report just that. nil while one is read.
local function open_spare()
  return io.open("/dev/null", "re") -- e: children that a script starts do not get it
end
local spare = open_spare()

-- A module is first asked for anywhere, also where a task has other globals (`setfenv(0, t)`): those are not for it.
local function load(name)
  local given, here = spare, getfenv(0)
  spare = nil
  if given then given:close() end
  if here ~= globals then setfenv(0, globals) end
  local ok, module = pcall(require, name)
  if here ~= globals then setfenv(0, here) end
  if given then spare = open_spare() end
  if ok then return module end
  forget_unfinished()
  error(module, 0)
end

--- A stand-in for a module, which is loaded when a field of it is asked for.
---@param name string its module returns a table
---@return table
function M.module(name)
  return setmetatable({}, {
    __index = function(self, key)
      local value = load(name)[key]
      self[key] = value
      return value
    end,
  })
end

--- What makes fields of a table when they are first asked for.
---@param modules table<string, string> by field: a module, or one and a field of it: "rill.client new"
---@return fun(self: table, key: any): any __index
function M.fields(modules)
  return function(self, key)
    local source = modules[key]
    if not source then return nil end
    local name, field = source:match("^(%S+) ?(%S*)$")
    local value = load(name)
    if field ~= "" then value = value[field] end
    rawset(self, key, value)
    return value
  end
end

return M
