--- What waits, in Redis, for workers in many processes and on many machines. Each step is one script inside Redis:
--- atomic, one round trip. Which origin may be asked is decided there, by its clock, so all workers together keep an
--- origin's limits. What is handed out is leased; a lease that is not renewed goes back to the head of its queue.
local again = require("rill.crawl.frontier.again")
local joining = require("rill.crawl.frontier.joining")
local node = require("rill.crawl.frontier.node")
local wire = require("rill.crawl.frontier.wire")

local M = {}

local function join(self, opened, settings)
  local joined, err = joining.join(opened, settings, self.worker)
  if not joined then return nil, err end
  self:enter(joined)
  local sums
  sums, err = again(function(name, words) return self:call(name, words) end, opened, settings, joined.buckets)
  if not sums then return nil, err end
  self:begin(sums)
  return true
end

--- Joins the crawl of that name, or begins it. In a task.
---@param settings table of the schedule, and path, worker, lease, expect, remember, unreachable, key_name, conf, scope,
---  monotonic (rill.now);
---  where there are several nodes: node (which it is), old (it must be there), known
---@return rill.CrawlRedis?
---@return rill.Error? err reason "state"; kind "url", "missing", "unreachable", "auth", "tls", "key", "version",
---  "corrupt", "worker", "full", "nodes"
function M.open(settings)
  local opened, err = wire.open(settings.path, settings.monotonic)
  if not opened then return nil, err end
  local self = node.new(opened, settings)
  local ok
  ok, err = join(self, opened, settings)
  if not ok then
    opened:close()
    return nil, err
  end
  opened:be_patient(settings.unreachable)
  return self
end

return M
