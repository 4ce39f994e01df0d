--- Which URLs belong to a crawl: `allow` and `deny`, compiled once. No I/O.
local address = require("rill.crawl.address")
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local url = require("rill.url")

local M = {}

local find, sub = string.find, string.sub

local OWN_PORT = { http = 80, https = 443 }

local function refuse(call, entry)
  errors.raise(("%s: an entry must be a host, host:port, .host, a URL prefix or a function, got %s")
    :format(call, errors.show(entry)))
end

-- The pieces between the stars of a prefix, and whether its end has to be the URL's.
local function pieces_of(prefix)
  local anchored, pieces = sub(prefix, -1) == "$", {}
  if anchored then prefix = sub(prefix, 1, -2) end
  for piece in (prefix .. "*"):gmatch "([^*]*)%*" do pieces[#pieces + 1] = piece end
  return pieces, anchored
end

-- Each piece at its first place behind the last one: time in proportion to the URL, whatever the stars are.
local function matches(link, pieces, anchored)
  local first, count = pieces[1], #pieces
  if sub(link, 1, #first) ~= first then return false end
  if count == 1 then return not anchored or #link == #first end
  local at = #first + 1
  for i = 2, anchored and count - 1 or count do
    local _, last = find(link, pieces[i], at, true)
    if not last then return false end
    at = last + 1
  end
  local from = #link - #pieces[count] + 1
  return not anchored or from >= at and sub(link, from) == pieces[count]
end

-- What stands before the first star is written as URLs are: host in lower case, no port that is the scheme's own.
local function normal_head(call, entry)
  local head, rest = entry:match "^([^*]*)(.*)$"
  local anchor = rest == "" and head:match "%$$" or ""
  if anchor ~= "" then head = sub(head, 1, -2) end
  if rest ~= "" and not find(head, "^%a[%w+.-]*://[^/?#]+/") then return head:lower() .. rest end
  local normal = url.normalize(head)
  if not normal or not find(normal, "^https?://") then refuse(call, entry) end
  return normal .. anchor .. rest
end

local function by_prefix(call, entry)
  local pieces, anchored = pieces_of(normal_head(call, entry))
  return function(link) return matches(link, pieces, anchored) end
end

-- A host; with a dot before it, also what is below it.
local function by_host(call, entry)
  local below = sub(entry, 1, 1) == "."
  local bare = below and sub(entry, 2) or entry
  local normal = url.normalize("http://" .. bare .. "/")
  if not normal or find(bare, "[/?#@%s*]") then refuse(call, entry) end
  local host = address.host(normal:match "^http://[^/]+")
  local port = tonumber(bare:match ":(%d+)$")
  local ending = "." .. host
  return function(_, at, number)
    if port and port ~= number then return false end
    return at == host or below and sub(at, -#ending) == ending
  end
end

--- One entry as a function of (url, host, port).
local function compile(call, entry)
  if arguments.is_callable(entry) then
    return function(link) return entry(link, url.parse(link)) end
  end
  if type(entry) ~= "string" or entry == "" then refuse(call, entry) end
  if find(entry, "^%a[%w+.-]*://") then return by_prefix(call, entry) end
  return by_host(call, entry)
end

local function compile_all(call, list)
  local tests = {}
  if type(list) ~= "table" or arguments.is_callable(list) then list = { list } end
  for i, entry in ipairs(list) do tests[i] = compile(call, entry) end
  return tests
end

local function has_function(list)
  if arguments.is_callable(list) then return true end
  if type(list) ~= "table" then return false end
  for _, entry in ipairs(list) do
    if arguments.is_callable(entry) then return true end
  end
  return false
end

local function any(tests, ...)
  for i = 1, #tests do
    if tests[i](...) then return true end
  end
  return false
end

---@class rill.CrawlScope
---@field size integer grows with the start URLs' hosts, also those of other workers
---@field is_fixed boolean what is out of it stays so until it grows: no function of a script's is asked
---@field private _allow function[]|false false: the start URLs' own hosts
---@field private _deny function[]
---@field private _own table<string, true> host:port of start URLs
---@field private _origin string? that was looked at last
---@field private _host string? its own
---@field private _port integer?
local Scope = {}
Scope.__index = Scope

--- A start URL's host and port belong to it; both schemes where the port is the scheme's own.
---@param origin string
function Scope:start(origin)
  local host, port, scheme = address.host(origin)
  local name = host .. ":" .. port
  if self._own[name] then return end
  self._own[name], self.size = true, self.size + 1
  if OWN_PORT[scheme] == port then self._own[host .. ":80"], self._own[host .. ":443"] = true, true end
end

-- Host and port; most links lead to the same origin.
local function parts_of(self, origin)
  if origin ~= self._origin then
    self._origin, self._host, self._port = origin, address.host(origin)
  end
  return self._host, self._port
end

--- Whether that host and port are a start URL's.
---@param origin string
---@return boolean
function Scope:is_start(origin)
  local host, port = parts_of(self, origin)
  return self._own[host .. ":" .. port] == true
end

---@param link string normalized
---@param origin string of it
---@return boolean
function Scope:holds(link, origin)
  local host, port = parts_of(self, origin)
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
  for _, name in ipairs(names) do
    if not self._own[name] then self._own[name], self.size = true, self.size + 1 end
  end
end

---@param allow any list of entries, or nil
---@param deny any list of entries, or nil
---@return rill.CrawlScope
function M.new(allow, deny)
  return setmetatable({
    _allow = allow ~= nil and compile_all("crawl: allow", allow), _deny = compile_all("crawl: deny", deny or {}),
    _own = {}, size = 0, is_fixed = not has_function(allow) and not has_function(deny),
  }, Scope)
end

return M
