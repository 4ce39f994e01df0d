--- The counters of several nodes: each has the sums of what was counted there.
local totals = require("rill.crawl.frontier.totals")

local M = {}

---@class rill.CrawlSums
---@field private _of table<any, table<string, number>> by node
---@field private _all table<string, number>
local Sums = {}
Sums.__index = Sums

--- What a node has answered.
---@param node any
---@param sums table<string, number>
function Sums:set(node, sums)
  self._of[node] = sums
end

--- The sums over all nodes, as of the last add_up().
---@return table<string, number>
function Sums:all()
  return self._all
end

--- Brings the counters to what the nodes have, and what was counted here since.
---@param counters table
---@param sent table<string, number> flat: what of it the nodes know
function Sums:add_up(counters, sent)
  local more = totals.since(totals.flat(counters), sent)
  self._all = {}
  for _, sums in pairs(self._of) do
    for name, value in pairs(sums) do self._all[name] = (self._all[name] or 0) + value end
  end
  totals.apply(counters, self._all, more)
end

---@return rill.CrawlSums
function M.new()
  return setmetatable({ _of = {}, _all = {} }, Sums)
end

return M
