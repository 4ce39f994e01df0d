--- Modules that many scripts never need: reading and compiling all takes three times as long as those that a request
--- takes part in.
local M = {}

--- A stand-in for a module, which is loaded when a field of it is asked for.
---@param name string its module returns a table
---@return table
function M.module(name)
  return setmetatable({}, {
    __index = function(self, key)
      local value = require(name)[key]
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
    local value = require(name)
    if field ~= "" then value = value[field] end
    rawset(self, key, value)
    return value
  end
end

return M
