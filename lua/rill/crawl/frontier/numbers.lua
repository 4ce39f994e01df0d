--- What Redis answers beside what it was asked for: numbers() of inside/common.lua.
require("rill.core.ffi") -- raises a clear error where there is no LuaJIT
local jit = require("jit")

jit.off(true, true) -- as totals.lua: a few names a batch

local M = {}

local NAMES = { "queued", "in_flight", "origins", "stop", "scope", "workers", "leases", "taken" }

---@class rill.CrawlNumbers
---@field queued integer
---@field in_flight integer leases of all workers
---@field origins integer
---@field stop string? why all workers stop
---@field scope integer how many hosts redirects have led to
---@field workers integer that there have ever been
---@field leases integer that there have ever been: what was idle twice, with as many, was idle between
---@field taken integer pages that count against max_pages

---@param list any[]
---@return rill.CrawlNumbers
function M.read(list)
  local all = {}
  for i, name in ipairs(NAMES) do all[name] = list[i] end
  if all.stop == "" then all.stop = nil end
  return all
end

--- As a frontier's stats() has it.
---@param numbers rill.CrawlNumbers
---@return table
function M.stats(numbers)
  return { queued = numbers.queued, in_flight = numbers.in_flight, origins = numbers.origins, retrying = 0 }
end

return M
