--- Whether a worker's name, and the files that have it, are still its own: one that stands still for longer than its
--- lease may be replaced by another, which writes to the same files.

local STILL = 0.5 -- of a lease without a step: then Redis is asked before anything is written

---@param node rill.CrawlRedis
---@param wire rill.CrawlWire
---@param held rill.CrawlHolding
---@param lease number seconds
---@return boolean? ok
---@return rill.Error? err kind "worker"
return function(node, wire, held, lease)
  if wire:silence() < STILL * lease then return true end
  local answer, err = node:call("renew", held:renewal(lease, false))
  return answer and true, err
end
