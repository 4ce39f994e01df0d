--- The place of a URL among those of its origin: smaller is earlier; the priority, then the depth.
local MAX_DEPTH = 2 ^ 20 - 1

---@param entry rill.CrawlEntry
---@return integer
return function(entry)
  return -(entry.priority or 0) * (MAX_DEPTH + 1) + math.min(entry.depth, MAX_DEPTH)
end
