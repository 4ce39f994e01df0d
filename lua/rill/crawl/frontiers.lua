--- Which frontier a state names: each is loaded only where it is used.
local errors = require("rill.errors")

local M = {}

local function settings(options)
  return { policy = options.policy, robots = options.robots, robots_wait = options.robots_wait,
    retries = options.retries, limits = options.limits, key_name = options.key_name, durable = options.durable,
    recrawl = options.recrawl, path = options.state, scope = options.scope }
end

--- Opens what `state` names.
---@param options table checked
---@param crawl table
---@return rill.CrawlFrontier?
---@return rill.Error? err reason "state"
function M.open(options, crawl)
  local state = options.state
  if state == nil then return require("rill.crawl.frontier.memory").open(settings(options)) end
  if type(state) == "table" or state:find "^redis" then
    errors.raise("crawl: state: Redis is not supported yet, got " .. errors.show(state))
  end
  return require("rill.crawl.frontier.sqlite").open(settings(options), crawl)
end

return M
