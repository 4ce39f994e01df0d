--- Errors of a batch that Redis has not taken: it has to be made again.
local errors = require("rill.errors")
local joining = require("rill.crawl.frontier.joining")

local M = {}

--- Leases are lost: others have what they stand for.
---@param shown string the Redis
---@param ids string[]
---@return rill.Error
function M.lost(shown, ids)
  local lost = {}
  for _, id in ipairs(ids) do lost[id] = true end
  return errors.new { reason = "state", kind = "lost", path = shown, message = "leases were lost", lost = lost }
end

--- Redis has gone back in time: it restarted, or a replica took over.
---@param shown string the Redis
---@param hash table<string, string> what it knows of the worker
---@param outcomes table[] of the batch: all are lost
---@return rill.Error
function M.rewound(shown, hash, outcomes)
  local ids = {}
  for i, outcome in ipairs(outcomes) do ids[i] = outcome.entry.lease end
  local err = M.lost(shown, ids)
  err.kind, err.message, err.offsets = "rewound", "Redis went back in time", joining.offsets(hash)
  return err
end

return M
