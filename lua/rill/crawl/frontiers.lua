--- Which frontier a state names: each is loaded only where it is used.
local conf = require("rill.crawl.conf")
local errors = require("rill.errors")

local M = {}

local function settings(options, now)
  return { policy = options.policy, robots = options.robots, robots_wait = options.robots_wait,
    retries = options.retries, limits = options.limits, key_name = options.key_name, durable = options.durable,
    recrawl = options.recrawl, path = options.state, scope = options.scope, conf = conf.encode(options.given),
    now = now }
end

--- Opens what `state` names.
---@param options table checked
---@param now number
---@return rill.CrawlFrontier?
---@return rill.Error? err reason "state"
function M.open(options, now)
  local state = options.state
  if state == nil then return require("rill.crawl.frontier.memory").open(settings(options, now)) end
  if type(state) == "table" or state:find "^rediss?[:+]" then
    errors.raise("crawl: state: Redis is not supported yet, got " .. errors.show(state))
  end
  return require("rill.crawl.frontier.sqlite").open(settings(options, now))
end

--- Returns what a state has recorded of its crawl, also while it runs.
---@param state string
---@return { counters: table, conf: table, queued: integer, origins: integer }?
---@return rill.Error? err reason "state"
function M.read(state)
  local file = io.open(state, "rb")
  if not file then
    return nil, errors.new { reason = "state", kind = "file", path = state, message = "cannot open " .. state }
  end
  file:close()
  return require("rill.crawl.frontier.sqlite").read(state)
end

return M
