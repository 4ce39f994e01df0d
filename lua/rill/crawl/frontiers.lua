--- Which frontier a state names: each is loaded only where it is used.
local arguments = require("rill.core.arguments")
local conf = require("rill.crawl.conf")
local errors = require("rill.errors")
local list_of = require("rill.core.list")

local M = {}

local function settings(options, now)
  return { policy = options.policy, robots = options.robots, robots_wait = options.robots_wait,
    retries = options.retries, limits = options.limits, key_name = options.key_name, durable = options.durable,
    recrawl = options.recrawl, sitemaps = options.sitemaps ~= false, path = options.state, scope = options.scope,
    conf = conf.encode(options.given), now = now, worker = options.worker, lease = options.lease,
    expect = options.expect, remember = options.remember, unreachable = options.unreachable,
    max_pages = options.max_pages,
    policy_all = not arguments.is_callable(options.given.per_origin) and options.policy "" or nil }
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
    local given = settings(options, now)
    if type(state) == "table" and #state > 1 then return require("rill.crawl.frontier.nodes").open(given) end
    given.path = type(state) == "table" and state[1] or state
    return require("rill.crawl.frontier.redis").open(given)
  end
  return require("rill.crawl.frontier.sqlite").open(settings(options, now))
end

--- A state as it may be shown: without passwords.
---@param state string|string[]
---@return string
function M.shown(state)
  if type(state) ~= "table" then return M.is_shared(state) and (state:gsub("//[^/]*@", "//")) or state end
  local list = {}
  for i, each in ipairs(state) do list[i] = M.shown(tostring(each)) end
  return table.concat(list, " ")
end

local function is_state(state)
  local list = type(state) == "table" and state or { state }
  return list[1] ~= nil and list_of.is_of_texts(list)
end

--- What a state must be, and the check: of a list with a hole only the servers before it would be asked.
M.STATE = { "a file name, a Redis URL or a list of them", is_state }

--- Raises unless a state is one that can be looked for.
---@param call string
---@param state any
function M.check(call, state)
  if not is_state(state) then
    errors.raise(("%s: state must be %s, got %s"):format(call, M.STATE[1], errors.show(state)))
  end
end

--- Returns what a state has recorded of its crawl, also while it runs.
---@param state string|string[]
---@return { counters: table, conf: table, queued: integer, origins: integer }?
---@return rill.Error? err reason "state"
function M.read(state)
  if M.is_shared(state) then
    return require("rill.crawl.in_task")(require("rill.crawl.frontier.reading").read,
      type(state) == "table" and state or { state })
  end
  local file, why = io.open(state, "rb")
  if not file then
    return nil, errors.new { reason = "state", kind = "file", path = state, message = "cannot open " .. why }
  end
  file:close()
  return require("rill.crawl.frontier.sqlite").read(state)
end

return M
