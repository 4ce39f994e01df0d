--- What makes two URLs one: a pure function from a normalized URL to its key.
local address = require("rill.crawl.address")
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local list_of = require("rill.core.list")
local url = require("rill.url")

local M = {}

local find, sub = string.find, string.sub

local DEFAULTS = {
  sort_query = true, slash = false, www = false, fragment = false,
  drop = { "utm_*", "gclid", "fbclid", "PHPSESSID", "jsessionid", "sid", "sessionid" },
}
local KNOWN = { sort_query = true, slash = true, www = true, fragment = true, drop = true }

-- Names are compared without case: `JSESSIONID` is what servers write, `jsessionid` what URLs hold.
local function dropper(names)
  local exact, prefixes = {}, {}
  if not list_of.is(names) then
    errors.raise("crawl: key.drop must be a list of names, got " .. list_of.shown(names))
  end
  for _, name in ipairs(names) do
    if type(name) ~= "string" then errors.raise("crawl: key.drop: names must be strings, got " .. errors.show(name)) end
    local prefix = name:match "^(.-)%*$"
    if prefix then
      prefixes[#prefixes + 1] = prefix:lower()
    else
      exact[name:lower()] = true
    end
  end
  return function(name)
    name = name:lower()
    if exact[name] then return true end
    for _, prefix in ipairs(prefixes) do
      if sub(name, 1, #prefix) == prefix then return true end
    end
    return false
  end
end

-- "/a;jsessionid=1/b" without what is dropped.
local function without_parameters(path, is_dropped)
  return (path:gsub(";([^;/=]+)=?[^;/]*", function(name)
    if is_dropped(name) then return "" end
  end))
end

local function clean_query(query, is_dropped, sorted)
  local pairs_of = {}
  for pair in query:gmatch "[^&]+" do
    if not is_dropped(pair:match "^[^=]*") then pairs_of[#pairs_of + 1] = pair end
  end
  if sorted then table.sort(pairs_of) end
  return pairs_of[1] and table.concat(pairs_of, "&")
end

local function without_www(origin)
  return (origin:gsub("^(%a+://)www%.", "%1"))
end

-- Most links: no pattern, which traces do not go on with.
local function is_plain(link)
  return not find(link, "?", 1, true) and not find(link, ";", 1, true) and not find(link, "@", 1, true)
end

local function function_of(options)
  local is_dropped, sorted = dropper(options.drop), options.sort_query
  local slash, www = options.slash, options.www
  return function(link)
    if not slash and not www and is_plain(link) then return link end
    local origin = address.origin(link)
    if not origin then return link end
    local path, query = address.path(link, origin)
    if find(path, ";", 1, true) then path = without_parameters(path, is_dropped) end
    if slash and #path > 1 then path = path:gsub("/+$", "") end
    if www then origin = without_www(origin) end
    query = query and clean_query(query, is_dropped, sorted)
    return origin .. path .. (query and "?" .. query or "")
  end
end

local function check(options)
  arguments.options("crawl: key", options, KNOWN)
  local all = {}
  for name, default in pairs(DEFAULTS) do
    all[name] = default
    if options[name] ~= nil then all[name] = options[name] end
    if type(all[name]) ~= type(default) then
      errors.raise(("crawl: key.%s must be a %s, got %s"):format(name, type(default), errors.show(all[name])))
    end
  end
  return all
end

-- The fragment of a link as it was written; normalizing drops it.
local function with_fragment(of)
  return function(link, raw)
    local parts = raw and url.parse(raw)
    local key = of(link)
    return parts and parts.fragment and parts.fragment ~= "" and key .. "#" .. parts.fragment or key
  end
end

--- Makes the function that returns the key of a URL, and a text that names how: a state made otherwise does not fit.
--- A user in front of a host does not count.
---@param given table|function|nil the option `key`
---@return fun(url: string, raw: string?): string
---@return string name
function M.new(given)
  if arguments.is_callable(given) then
    return function(link)
      local key = given(link)
      if type(key) ~= "string" then error("crawl: key must return a string, got " .. errors.show(key), 0) end
      return key
    end, "function"
  end
  local options = check(given or {})
  local names = {}
  for i, name in ipairs(options.drop) do names[i] = name:lower() end
  table.sort(names)
  local name = ("sort_query=%s slash=%s www=%s fragment=%s drop=%s"):format(tostring(options.sort_query),
    tostring(options.slash), tostring(options.www), tostring(options.fragment), table.concat(names, ","))
  local of = function_of(options)
  return options.fragment and with_fragment(of) or of, name
end

return M
