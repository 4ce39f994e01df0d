--- The option `per_origin`: one table of limits for all origins, or a map from origin or host to such tables.
local ffi = require("rill.core.ffi")
local errors = require("rill.errors")
local lazy = require("rill.core.lazy")
local suggest = lazy.module("rill.core.suggest")
local types = require("rill.core.option_types")

local M = {}

local LIMITS = {
  concurrency = { type = "count", default = 0 },
  delay = { type = "seconds", default = 0 },
  jitter = { type = "share", default = 0 },
  retry_after = { type = "boolean", default = true },
}

-- A map has tables as its values, limits have none.
local function is_map(given)
  for _, value in pairs(given) do
    if type(value) == "table" then return true end
  end
  return false
end

local function check_limits(call, given)
  if type(given) ~= "table" then
    errors.raise(("%s must be a table of limits, got %s"):format(call, errors.show(given)))
  end
  for name, value in pairs(given) do
    if not LIMITS[name] then suggest.unknown(call, name, { LIMITS }, {}) end
    local kind = types[LIMITS[name].type]
    if not kind[2](value) then
      errors.raise(("%s.%s must be %s, got %s"):format(call, name, kind[1], errors.show(value)))
    end
  end
end

--- Checks what was given; what is wrong is raised.
---@param call string for the error
---@param given table
function M.check(call, given)
  if not is_map(given) then return check_limits(call, given) end
  for name, limits in pairs(given) do
    if not types.text[2](name) or name == "" then
      errors.raise(("%s: a key must be an origin or a host, got %s"):format(call, errors.show(name)))
    end
    check_limits(("%s[%s]"):format(call, errors.show(name)), limits)
  end
end

local function fill_limits(target, given)
  for name, limit in pairs(LIMITS) do
    if given[name] == nil then target[name] = limit.default else target[name] = given[name] end
  end
end

--- Fills in rill_options.per_origin.
---@param options ffi.cdata* rill_options
---@param given table checked
---@return table anchor what must outlive the call
function M.fill(options, given)
  local named = {}
  if is_map(given) then
    for name in pairs(given) do named[#named + 1] = name end
    table.sort(named)
  end
  local count = is_map(given) and #named or 1
  local entries = ffi.new("rill_politeness[?]", math.max(count, 1))
  if #named == 0 then fill_limits(entries[0], given) end
  for i, name in ipairs(named) do
    entries[i - 1].origin = name
    fill_limits(entries[i - 1], given[name])
  end
  options.per_origin, options.per_origin_count = entries, count
  return { entries, named }
end

return M
