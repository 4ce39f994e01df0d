--- Counters that many workers add to: each sends what it has counted since, and gets the sums.
require("rill.core.ffi") -- raises a clear error where there is no LuaJIT
local jit = require("jit")

-- Two dozen counters a batch: compiling this takes longer than all that it saves.
jit.off(true, true)

local M = {}

local TABLES = { "statuses", "skipped", "failures" }

--- All counters by flat names, "statuses:200" among them.
---@param counters table
---@return table<string, number>
function M.flat(counters)
  local all = {}
  for name, value in pairs(counters) do
    if type(value) == "number" then all[name] = value end
  end
  for _, name in ipairs(TABLES) do
    for key, value in pairs(counters[name] or {}) do all[name .. ":" .. key] = value end
  end
  return all
end

--- What has been counted since.
---@param now table<string, number> flat
---@param before table<string, number>
---@return table<string, number>
function M.since(now, before)
  local more = {}
  for name, value in pairs(now) do
    local difference = value - (before[name] or 0)
    if difference ~= 0 then more[name] = difference end
  end
  return more
end

--- A hash of Redis, a flat list, as numbers; what begins with "_" is not a counter.
---@param list string[]
---@return table<string, number>
function M.read(list)
  local all = {}
  for i = 1, #list, 2 do
    if list[i]:sub(1, 1) ~= "_" then all[list[i]] = tonumber(list[i + 1]) end
  end
  return all
end

--- Brings the counters to the sums, in place.
---@param counters table
---@param sums table<string, number>
---@param more table<string, number> counted here since those were taken
function M.apply(counters, sums, more)
  for _, name in ipairs(TABLES) do counters[name] = counters[name] or {} end
  local function put(name, value)
    local map, key = name:match "^(%l+):(.*)$"
    if map then counters[map][key] = value else counters[name] = value end
  end
  for name, value in pairs(sums) do put(name, value + (more[name] or 0)) end
  for name, value in pairs(more) do
    if not sums[name] then put(name, value) end
  end
end

return M
