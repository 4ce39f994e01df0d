--- Which URLs belong to a crawl: `allow` and `deny`, compiled once. No I/O.
local address = require("rill.crawl.address")
local errors = require("rill.errors")
local url = require("rill.url")

local M = {}

local OWN_PORT = { http = 80, https = 443 }

-- A pattern of Lua for a prefix in which * is any run and $ at the end anchors.
local function pattern_of(prefix)
  local anchored = prefix:sub(-1) == "$"
  if anchored then prefix = prefix:sub(1, -2) end
  local pattern = prefix:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*")
  return "^" .. pattern .. (anchored and "$" or "")
end

local function by_prefix(entry)
  if not entry:find "[*$]" then
    local normal = url.normalize(entry) or entry
    return function(link) return link:sub(1, #normal) == normal end
  end
  local pattern = pattern_of(entry)
  return function(link) return link:find(pattern) ~= nil end
end

local function by_suffix(entry)
  local bare = entry:sub(2):lower()
  local dotted = "." .. bare
  return function(_, host) return host == bare or host:sub(-#dotted) == dotted end
end

local function by_host(call, entry)
  local normal = url.normalize("http://" .. entry .. "/")
  if not normal or entry:find "[/?#@%s]" then
    errors.raise(("%s: an entry must be a host, host:port, .host, a URL prefix or a function, got %s")
      :format(call, errors.show(entry)))
  end
  local host = address.host(normal:match "^http://[^/]+")
  local port = tonumber(entry:match ":(%d+)$")
  return function(_, at, number) return at == host and (not port or port == number) end
end

--- One entry as a function of (url, host, port).
local function compile(call, entry)
  if type(entry) == "function" then
    return function(link) return entry(link, url.parse(link)) end
  end
  if type(entry) ~= "string" or entry == "" then
    errors.raise(("%s: an entry must be a host, host:port, .host, a URL prefix or a function, got %s")
      :format(call, errors.show(entry)))
  end
  if entry:find "^%a[%w+.-]*://" then return by_prefix(entry) end
  if entry:sub(1, 1) == "." then return by_suffix(entry) end
  return by_host(call, entry)
end

local function compile_all(call, list)
  local tests = {}
  if type(list) ~= "table" then list = { list } end
  for i, entry in ipairs(list) do tests[i] = compile(call, entry) end
  return tests
end

local function any(tests, ...)
  for i = 1, #tests do
    if tests[i](...) then return true end
  end
  return false
end

---@class rill.CrawlScope
---@field private _allow function[]|false false: the start URLs' own hosts
---@field private _deny function[]
---@field private _own table<string, true> host:port of start URLs
local Scope = {}
Scope.__index = Scope

--- A start URL's host and port belong to it; both schemes where the port is the scheme's own.
---@param origin string
function Scope:start(origin)
  local host, port, scheme = address.host(origin)
  self._own[host .. ":" .. port] = true
  if OWN_PORT[scheme] == port then self._own[host .. ":80"], self._own[host .. ":443"] = true, true end
end

--- Whether that host and port are a start URL's.
---@param origin string
---@return boolean
function Scope:is_start(origin)
  local host, port = address.host(origin)
  return self._own[host .. ":" .. port] == true
end

---@param link string normalized
---@param origin string of it
---@return boolean
function Scope:holds(link, origin)
  local host, port = address.host(origin)
  if self._deny[1] and any(self._deny, link, host, port) then return false end
  if self._allow then return any(self._allow, link, host, port) end
  return self._own[host .. ":" .. port] == true
end

--- The origins of the start URLs: kept in the state.
---@return string[]
function Scope:list()
  local list = {}
  for name in pairs(self._own) do list[#list + 1] = name end
  table.sort(list)
  return list
end

---@param names string[] what list gave
function Scope:restore(names)
  for _, name in ipairs(names) do self._own[name] = true end
end

---@param allow any list of entries, or nil
---@param deny any list of entries, or nil
---@return rill.CrawlScope
function M.new(allow, deny)
  return setmetatable({
    _allow = allow ~= nil and compile_all("crawl: allow", allow), _deny = compile_all("crawl: deny", deny or {}),
    _own = {},
  }, Scope)
end

return M
