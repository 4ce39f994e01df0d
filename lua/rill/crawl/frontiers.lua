--- Which frontier a state names: each is loaded only where it is used.
local conf = require("rill.crawl.conf")
local errors = require("rill.errors")

local M = {}

local function settings(options, now)
  return { policy = options.policy, robots = options.robots, robots_wait = options.robots_wait,
    retries = options.retries, limits = options.limits, key_name = options.key_name, durable = options.durable,
    recrawl = options.recrawl, sitemaps = options.sitemaps ~= false, path = options.state, scope = options.scope,
    conf = conf.encode(options.given), now = now, worker = options.worker, lease = options.lease,
    expect = options.expect, remember = options.remember, unreachable = options.unreachable,
    max_pages = options.max_pages,
    policy_all = type(options.given.per_origin) ~= "function" and options.policy "" or nil }
end

---@param state any
---@return boolean
function M.is_shared(state)
  return type(state) == "table" or type(state) == "string" and state:find "^rediss?[:+]" ~= nil
end

--- Opens what `state` names.
---@param options table checked
---@param now number
---@return rill.CrawlFrontier?
---@return rill.Error? err reason "state"
function M.open(options, now)
  local state = options.state
  if state == nil then return require("rill.crawl.frontier.memory").open(settings(options, now)) end
  if M.is_shared(state) then
    if type(state) == "table" then errors.raise "crawl: state: a list of Redis URLs is not supported yet" end
    return require("rill.crawl.frontier.redis").open(settings(options, now))
  end
  return require("rill.crawl.frontier.sqlite").open(settings(options, now))
end

--- Returns what a state has recorded of its crawl, also while it runs.
---@param state string
---@return { counters: table, conf: table, queued: integer, origins: integer }?
---@return rill.Error? err reason "state"
function M.read(state)
  if M.is_shared(state) then
    return require("rill.crawl.in_task")(require("rill.crawl.frontier.joining").read, state)
  end
  local file = io.open(state, "rb")
  if not file then
    return nil, errors.new { reason = "state", kind = "file", path = state, message = "cannot open " .. state }
  end
  file:close()
  return require("rill.crawl.frontier.sqlite").read(state)
end

return M
