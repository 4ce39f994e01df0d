--- Cookies: what servers ask a client to send back (RFC 6265bis, with the public suffix list).
---
--- A jar may be shared by clients. It knows nothing of requests: `set` takes what a response's
--- Set-Cookie field says, `get` gives what a request's Cookie field is.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local file = require("rill.cookies.file")
local guard = require("rill.core.guard")
local hooks = require("rill.core.hooks")
local parse = require("rill.cookies.parse")
local runtime = require("rill.runtime")
local suffix = require("rill.core.suffix")
local url = require("rill.url")

local M = {}

local MAX_PER_HOST = 180 -- cookies of one domain
local MAX_IN_ALL = 3000
local FILE_MODE = 384 -- 0600: who reads it is logged in
local failure = ffi.new("rill_error[1]")
local ENOENT = 2
local FILE_MAX = 64 * 2 ^ 20 -- bytes of a jar's file that are read

---@class rill.Jar
---@field private _path string? where it came from
---@field private _domains table<string, table[]> cookies by domain, oldest first
---@field private _count integer
---@field private _made integer cookies made so far: gives each its number
---@field private _used integer how often cookies were sent: tells which ones have not been for longest
local Jar = {}
Jar.__index = Jar

function Jar:__tostring()
  return ("cookie jar: %d cookies%s"):format(self._count, self._path and " of " .. self._path or "")
end

local function is_address(host)
  return host:find ":" ~= nil or host:find "^[%d.]+$" ~= nil
end

--- Section 5.1.3.
local function domain_matches(host, domain)
  return host == domain or (host:sub(-#domain - 1) == "." .. domain and not is_address(host))
end

--- Section 5.1.4.
local function path_matches(path, prefix)
  return path:sub(1, #prefix) == prefix
    and (#path == #prefix or prefix:sub(-1) == "/" or path:sub(#prefix + 1, #prefix + 1) == "/")
end

local function default_path(path)
  return path:match "^(/.*)/" or "/"
end

--- The names under which a host's cookies may stand: its own, then its parents'.
local function domains_of(host)
  local next_dot, first = 0, true
  return function()
    if first then
      first = false
      return host
    end
    if not next_dot or is_address(host) then return nil end
    next_dot = host:find(".", next_dot + 1, true)
    return next_dot and host:sub(next_dot + 1)
  end
end

local function remove(jar, domain, index)
  local list = jar._domains[domain]
  table.remove(list, index)
  jar._count = jar._count - 1
  if #list == 0 then jar._domains[domain] = nil end
end

local function drop_expired(jar, domain, now)
  local list = jar._domains[domain] or {}
  for i = #list, 1, -1 do
    if list[i].expires and list[i].expires <= now then remove(jar, domain, i) end
  end
end

--- Which of two cookies goes first when there are too many: one that is not secure, then the one that was not used
--- for longer (section 5.7).
local function goes_before(a, b)
  if a.secure ~= b.secure then return not a.secure end
  return a.used < b.used
end

local function evict_from(jar, domain)
  local list, worst = jar._domains[domain], 1
  for i = 2, #list do
    if goes_before(list[i], list[worst]) then worst = i end
  end
  remove(jar, domain, worst)
end

local function domains(jar)
  local names = {}
  for domain in pairs(jar._domains) do names[#names + 1] = domain end
  return names
end

local function evict(jar, domain, now)
  if #jar._domains[domain] > MAX_PER_HOST then drop_expired(jar, domain, now) end
  while jar._domains[domain] and #jar._domains[domain] > MAX_PER_HOST do evict_from(jar, domain) end
  if jar._count <= MAX_IN_ALL then return end
  for _, name in ipairs(domains(jar)) do drop_expired(jar, name, now) end
  if jar._count <= MAX_IN_ALL then return end
  local victim, oldest
  for name, list in pairs(jar._domains) do
    for _, cookie in ipairs(list) do
      if not oldest or goes_before(cookie, oldest) then victim, oldest = name, cookie end
    end
  end
  evict_from(jar, victim)
end

local function find(list, cookie)
  for i, other in ipairs(list) do
    if other.name == cookie.name and other.path == cookie.path and other.host_only == cookie.host_only then return i end
  end
end

--- Puts a cookie into the jar, in place of one with its name, domain and path.
local function store(jar, cookie, now)
  local list = jar._domains[cookie.domain] or {}
  local index = find(list, cookie)
  jar._used = jar._used + 1
  cookie.used = jar._used
  if cookie.expires and cookie.expires <= now then
    if index then remove(jar, cookie.domain, index) end
  elseif index then
    cookie.number = list[index].number
    list[index] = cookie
  else
    jar._made = jar._made + 1
    cookie.number = jar._made
    jar._domains[cookie.domain] = list
    list[#list + 1] = cookie
    jar._count = jar._count + 1
    evict(jar, cookie.domain, now)
  end
end

--- Whose cookie it is: the host's alone, or also that of hosts below the domain that it names. Returns why it is
--- nobody's.
local function settle_domain(cookie, host)
  local domain = cookie.domain or ""
  if domain:find "[\128-\255]" then return "its Domain is not ASCII" end
  if domain ~= "" and not is_address(domain) and suffix.is_public(domain) then
    if domain ~= host then return ("anybody may register names below its Domain %s"):format(domain) end
    domain = ""
  end
  if domain ~= "" and not domain_matches(host, domain) then
    return ("its Domain %s is not that of %s"):format(domain, host)
  end
  cookie.host_only = domain == "" or (domain == host and is_address(host))
  cookie.domain = domain == "" and host or domain
end

--- Section 4.1.3: what a name promises must be so.
local function broken_promise(cookie)
  local name = cookie.name:lower()
  local secure, host = name:find "^__secure%-", name:find "^__host%-"
  if not (secure or host) then return nil end
  if not cookie.secure then return "its name says that it is Secure, which it is not" end
  if host and not (cookie.host_only and cookie.has_path and cookie.path == "/") then
    return "its name says that it is the host's alone, with Path=/, which it is not"
  end
end

--- Whether a page without TLS would replace, or hide, a secure cookie (section 5.7).
local function hides_secure(jar, cookie)
  for domain, list in pairs(jar._domains) do
    if domain_matches(domain, cookie.domain) or domain_matches(cookie.domain, domain) then
      for _, other in ipairs(list) do
        if other.secure and other.name == cookie.name and path_matches(cookie.path, other.path) then return true end
      end
    end
  end
end

--- The parts of a request's URL.
local function read_url(call, address)
  if type(address) ~= "string" then
    errors.raise(("%s: url must be a string, got %s"):format(call, errors.show(address)))
  end
  ---@type table
  local parts, err = url.parse(address)
  if not parts then return nil, err end
  if not parts.host then
    return nil, errors.new { reason = "invalid_url", message = "a cookie needs a URL with a host", url = address }
  end
  parts.secure = parts.scheme == "https"
  return parts
end

local function complete(jar, cookie, parts)
  local why = settle_domain(cookie, parts.host)
  if why then return why end
  if cookie.secure and not parts.secure then return "it is Secure, and its page is not" end
  cookie.path = cookie.path or default_path(parts.path)
  why = broken_promise(cookie)
  if why then return why end
  if not cookie.secure and not parts.secure and hides_secure(jar, cookie) then
    return "a Secure cookie of that name is there"
  end
  cookie.has_path = nil
end

--- Keeps what a response's Set-Cookie field says.
---@param address string the URL of the request
---@param set_cookie string the field's value
---@return boolean|nil kept false: it was not, and the second result says why; nil: the URL cannot be used
---@return string|rill.Error? why
function Jar:set(address, set_cookie)
  if type(set_cookie) ~= "string" then
    errors.raise("jar:set: set_cookie must be a string, got " .. errors.show(set_cookie))
  end
  local parts, err = read_url("jar:set", address)
  if not parts then return nil, err end
  local now = os.time()
  local cookie, why = parse.set_cookie(set_cookie, now)
  why = why or complete(self, cookie, parts)
  if why then return false, why end
  store(self, cookie, now)
  return true
end

--- Longer paths first, then older cookies (section 5.8.3).
local function sent_before(a, b)
  if #a.path ~= #b.path then return #a.path > #b.path end
  return a.number < b.number
end

local function collect(jar, parts, now)
  local found, path = {}, parts.path == "" and "/" or parts.path
  for domain in domains_of(parts.host) do
    for _, cookie in ipairs(jar._domains[domain] or {}) do
      if (domain == parts.host or not cookie.host_only) and (parts.secure or not cookie.secure)
        and not (cookie.expires and cookie.expires <= now) and path_matches(path, cookie.path) then
        found[#found + 1] = cookie
      end
    end
  end
  table.sort(found, sent_before)
  return found
end

--- What a request sends as its Cookie field.
---@param address string its URL
---@return string? cookie nil where there is none
---@return rill.Error? err reason "invalid_url"
function Jar:get(address)
  local parts, err = read_url("jar:get", address)
  if not parts then return nil, err end
  local found, pairs_of = collect(self, parts, os.time()), {}
  self._used = self._used + 1
  for i, cookie in ipairs(found) do
    cookie.used = self._used
    pairs_of[i] = cookie.name .. "=" .. cookie.value
  end
  return found[1] and table.concat(pairs_of, "; ") or nil
end

local function made_before(a, b)
  return a.number < b.number
end

--- All cookies that have not expired, the oldest first. They are copies.
---@return fun(): table? iterator of { name, value, domain, path, expires, secure, http_only, same_site, host_only }
function Jar:each()
  local list, now, i = {}, os.time(), 0
  for _, cookies in pairs(self._domains) do
    for _, cookie in ipairs(cookies) do
      if not (cookie.expires and cookie.expires <= now) then list[#list + 1] = cookie end
    end
  end
  table.sort(list, made_before)
  return function()
    i = i + 1
    local cookie = list[i]
    return cookie and { name = cookie.name, value = cookie.value, domain = cookie.domain, path = cookie.path,
      expires = cookie.expires, secure = cookie.secure, http_only = cookie.http_only, same_site = cookie.same_site,
      host_only = cookie.host_only }
  end
end

--- Throws cookies away: all, or those of one host and of hosts below it.
---@param host string?
function Jar:clear(host)
  if type(host) == "nil" then
    self._domains, self._count = {}, 0
    return
  end
  if type(host) ~= "string" then errors.raise("jar:clear: host must be a string, got " .. errors.show(host)) end
  host = host:lower()
  for _, domain in ipairs(domains(self)) do
    if domain_matches(domain, host) then
      self._count = self._count - #self._domains[domain]
      self._domains[domain] = nil
    end
  end
end

local function check_path(call, path)
  if type(path) ~= "string" or path == "" or path:find("%z") then
    errors.raise(("%s: path must be a string without NUL, got %s"):format(call, errors.show(path)))
  end
end

--- Writes the jar as a Netscape cookie file, mode 0600, whole or not at all.
---@param path string? the file it was read from
---@param options { session: boolean? }? whether cookies of the session are written too (false)
---@return true? saved
---@return rill.Error? err reason "file_error"
function Jar:save(path, options)
  path = path or self._path
  check_path("jar:save", path)
  file.check_options(options)
  local lines = { file.HEADER }
  for cookie in self:each() do
    if cookie.expires or options and options.session then lines[#lines + 1] = file.line(cookie) end
  end
  local text = table.concat(lines)
  local code = C.rill_file_save(runtime.loop(), path, text, #text, FILE_MODE, failure)
  if code == 0 then return true end
  return nil, errors.new { reason = errors.reasons[-code], message = ffi.string(failure[0].message) }
end

-- A line of a file. Nobody's cookie is that of all hosts below an address or a public suffix.
local function load_line(jar, line, path, number)
  local cookie, why = file.read_line(line)
  if cookie then
    local domain = cookie.domain
    cookie.host_only = cookie.host_only or is_address(domain) or suffix.is_public(domain)
    why = broken_promise(cookie)
  end
  if cookie and not why then
    local now = os.time()
    cookie.expires = cookie.expires and math.min(cookie.expires, now + parse.MAX_AGE)
    store(jar, cookie, now)
  elseif why then
    hooks.warn(("%s: line %d is no cookie: %s"):format(path, number, why), { path = path, line = number })
  end
end

-- What stands in a file; nil where there is none, or with why it cannot be read.
local function read_file(path)
  if not C.rill_file_repeats(path) then return nil, path .. ": not a regular file" end -- a pipe would hold us up
  local handle, message, code = io.open(path, "rb")
  if not handle and code == ENOENT then return nil end
  if not handle then return nil, message end
  local text, why = handle:read(FILE_MAX)
  handle:close()
  return text or not why and "" or nil, why and path .. ": " .. why
end

--- Makes a jar. What stands in the file is read forgivingly: a bad line is passed over, and warned of through
--- rill.on_warning with `path` and `line`.
---@param path string? a Netscape cookie file; one that is not there is an empty jar
---@return rill.Jar?
---@return rill.Error? err reason "file_error": it is there and cannot be read
function M.jar(path)
  suffix.load()
  local jar = setmetatable({ _path = path, _domains = {}, _count = 0, _made = 0, _used = 0 }, Jar)
  if type(path) == "nil" then return jar end
  check_path("rill.cookies.jar", path)
  local text, why = read_file(path)
  if why then return nil, errors.new { reason = "file_error", message = why } end
  if not text then return jar end
  local number = 0
  for line in (text:gsub("^\239\187\191", "") .. "\n"):gmatch "([^\n]*)\n" do -- without a byte order mark
    number = number + 1
    load_line(jar, line, path, number)
  end
  return jar
end

guard("jar", Jar, Jar)

---@param value any
---@return boolean
function M.is_jar(value)
  return getmetatable(value) == Jar
end

return M
