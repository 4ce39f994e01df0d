--- The options of a crawl, checked once, with all defaults in one table.
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local html = require("rill.html")
local frontiers = require("rill.crawl.frontiers")
local key = require("rill.crawl.key")
local lazy = require("rill.core.lazy")
local list_of = require("rill.core.list")
local option_types = require("rill.core.option_types")
local scope = require("rill.crawl.scope")
local shared_file = require("rill.crawl.shared_file")
local suggest = lazy.module("rill.core.suggest")
local traps = require("rill.crawl.traps")

local M = {}

local DEFAULTS = {
  concurrency = 64, follow = true, links = "pages", robots = true, robots_wait = 3600, nofollow = true,
  sitemaps = "robots", canonical = "follow", retries = 3, maxsize = 16 * 2 ^ 20, remember = true,
  durable = "process", expect = 1e6, unreachable = 300, lease = 120, drain = 30,
}

local PER_ORIGIN = {
  concurrency = 4, delay = 0, jitter = 0.5, adaptive = true, crawl_delay = true, retry_after_max = 3600,
}

local RETRY_STATUS = { 408, 429, 500, 502, 503, 504 }
local TYPES = { "text/html", "application/xhtml+xml" }
local TYPE_NAMES = { html = "text/html", xhtml = "application/xhtml+xml" }

local PAGE_TAGS = { "a", "area", "iframe", "frame", "link" }

local function one_of(...)
  local known, names = {}, {}
  for i, name in ipairs { ... } do known[name], names[i] = true, '"' .. name .. '"' end
  return { table.concat(names, ", "), function(value) return known[value] == true end }
end

local function is_number(value)
  return type(value) == "number" and value >= 0 and value == value
end

local function is_whole(value)
  return is_number(value) and (value % 1 == 0 or value == math.huge)
end

local SECONDS = { "a number of seconds, 0 or more", is_number }
-- What is taken has to end, or be renewed, before somebody else may have it: with none at all nothing ever would.
local LEASE = { "a number of seconds of at least 1", function(value) return is_number(value) and value >= 1 end }
local WHOLE = { "a whole number, 0 or more", is_whole }
local COUNT = { "a whole number of at least 1", function(value) return is_whole(value) and value >= 1 end }
local BOOLEAN = { "true or false", function(value) return type(value) == "boolean" end }
local HOOK = { "a function", arguments.is_callable }
local TEXT = { "a string", function(value) return type(value) == "string" and value ~= "" end }
local ANY = { "anything", function() return true end }
local LIST = { "a list, a string or a function", function(value)
  return list_of.is(value) or type(value) == "string" or arguments.is_callable(value)
end, list_of.shown }
local STARTS = { LIST[1], function(value) -- a list of links, as pages give it, may have fields
  return list_of.is(value, true) or LIST[2](value)
end, list_of.shown }

-- A list of which each one is right.
local function list_with(is_right)
  return function(value)
    if not list_of.is(value) then return false end
    for _, each in ipairs(value) do
      if not is_right(each) then return false end
    end
    return true
  end
end

local STATUSES = { "a list of statuses, from 100 to 599", list_with(function(value)
  return is_whole(value) and value >= 100 and value <= 599
end), list_of.shown }
local is_types = list_with(TEXT[2])

local function is_client(value)
  return type(value) == "table" or type(value) == "userdata"
end

local KNOWN = {
  start = STARTS, client = { "options of rill.client, or a client", is_client }, concurrency = COUNT,
  per_origin = { "a table or a function", function(v) return type(v) == "table" or arguments.is_callable(v) end },
  allow = LIST, deny = LIST, depth = WHOLE, max_pages = WHOLE, max_items = WHOLE, max_bytes = WHOLE,
  max_time = SECONDS, max_failed = WHOLE, stop = HOOK, follow = BOOLEAN,
  links = { '"pages", "all" or a list of tag names', function(value)
    return value == "pages" or value == "all" or list_of.is(value)
  end, list_of.shown },
  robots = BOOLEAN, robots_agent = TEXT, robots_wait = SECONDS, nofollow = BOOLEAN,
  sitemaps = { '"robots", "auto", a list of URLs or false', function(value)
    return value == "robots" or value == "auto" or value == false or list_of.is(value)
  end, list_of.shown },
  canonical = one_of("follow", "skip", "ignore"), key = ANY, traps = ANY, retries = WHOLE,
  retry_status = STATUSES,
  types = { '"all" or a list of media types', function(value) return value == "all" or is_types(value) end,
    list_of.shown },
  maxsize = option_types.bytes, page = HOOK, failed = HOOK, skipped = { "a function or a file name", function(value)
    return arguments.is_callable(value) or TEXT[2](value)
  end },
  finish = HOOK, out = ANY, state = frontiers.STATE,
  worker = { "letters, digits and _ . -", function(value)
    return TEXT[2](value) and not value:find "[^%w_.-]"
  end }, lease = LEASE, recrawl = { "true or a number of seconds", function(value)
    return type(value) == "boolean" or is_number(value)
  end },
  unchanged = one_of("deliver"), remember = BOOLEAN, durable = one_of("process", "power"), expect = COUNT,
  unreachable = SECONDS, save = TEXT, warc = TEXT, har = TEXT, waterfall = TEXT,
  progress = { "true, false or a function", function(value)
    return type(value) == "boolean" or arguments.is_callable(value)
  end },
  drain = SECONDS,
}

local function check_all(given)
  if type(given) ~= "table" then errors.raise("crawl: options must be a table, got " .. errors.show(given)) end
  for name, value in pairs(given) do
    local kind = KNOWN[name]
    if not kind then suggest.unknown("crawl", name, { KNOWN }, suggest.tasks) end
    if not kind[2](value) then
      errors.raise(("crawl: %s must be %s, got %s"):format(name, kind[1], (kind[3] or errors.show)(value)))
    end
  end
end

local KINDS = {
  concurrency = COUNT, delay = SECONDS, jitter = { "a number from 0 to 1", function(value)
    return is_number(value) and value <= 1
  end }, adaptive = BOOLEAN, crawl_delay = BOOLEAN, retry_after_max = SECONDS,
}

local function policy_of(given)
  arguments.options("crawl: per_origin", given, PER_ORIGIN)
  local policy = {}
  for name, default in pairs(PER_ORIGIN) do
    local value = given and given[name]
    if value == nil then value = default end
    if not KINDS[name][2](value) then
      errors.raise(("crawl: per_origin.%s must be %s, got %s"):format(name, KINDS[name][1], errors.show(value)))
    end
    policy[name] = value
  end
  return policy
end

--- How an origin is treated of which nothing is said.
---@return table
function M.policy()
  return policy_of(nil)
end

-- fn(origin) -> policy
local function policies(given)
  if arguments.is_callable(given) then
    return function(origin) return policy_of(given(origin)) end
  end
  local policy = policy_of(given)
  return function() return policy end
end

local function set_of(list, names)
  local set = {}
  for _, value in ipairs(list) do
    value = names and type(value) == "string" and value:lower() or value
    set[names and names[value] or value] = true
  end
  return set
end

local function tags_of(links)
  if links == "all" then return "all" end
  if links == "pages" then return PAGE_TAGS end
  for _, name in ipairs(links) do
    if not pcall(html.scan, "", "http://h/", { tags = { name } }) then
      errors.raise("crawl: links: no links are read from the tag " .. errors.show(name))
    end
  end
  return links
end

-- What memory has nothing of: nothing is known of an earlier visit, nothing outlives the power.
local function check_state(given)
  local without = given.recrawl and "recrawl" or given.unchanged and "unchanged"
    or given.durable == "power" and 'durable = "power"'
  if without and given.state == nil then
    errors.raise(("crawl: %s needs a state, which is missing"):format(without))
  end
end

--- Checks what was given and fills in the rest.
---@param given table
---@return table options
function M.check(given)
  check_all(given)
  check_state(given)
  shared_file.check(given)
  local options = { given = given }
  for name, default in pairs(DEFAULTS) do options[name] = default end
  for name, value in pairs(given) do options[name] = value end
  if given.remember == nil then options.remember = not frontiers.is_shared(given.state) end
  if options.max_time == 0 then options.max_time = nil end -- none, as with a client's timeouts
  options.policy = policies(given.per_origin)
  options.scope = scope.new(given.allow, given.deny)
  options.key, options.key_name = key.new(given.key)
  options.fragments = type(given.key) == "table" and given.key.fragment == true
  options.limits = traps.limits(given.traps)
  options.tags = tags_of(options.links)
  options.retry_status = set_of(given.retry_status or RETRY_STATUS)
  options.types = given.types ~= "all" and set_of(given.types or TYPES, TYPE_NAMES) or nil
  return options
end

return M
