--- From a URL that was found to a link that may be taken in: normalized, judged, with its fingerprints. No I/O.
local address = require("rill.crawl.address")
local digest = require("rill.crawl.digest")
local traps = require("rill.crawl.traps")
local url = require("rill.url")

local M = {}

-- What is no place to go to: an action, a person, or what it names itself. ftp: and the like are places.
local SILENT = { mailto = true, javascript = true, data = true, tel = true, about = true, blob = true, sms = true,
  magnet = true, whatsapp = true, skype = true, callto = true, facetime = true, geo = true, intent = true, cid = true,
  vbscript = true }

---@class rill.CrawlLinks
---@field private _options table
---@field private _robots fun(origin: string, url: string): boolean?
local Links = {}
Links.__index = Links

local function counter(name, text)
  local high, low = digest(name .. " " .. text)
  return { name = name, high = high, low = low }
end

--- The counter of the row of known bodies that the shape of a URL has had.
---@param link string
---@param origin string
---@return table
function M.run_counter(link, origin)
  return counter("same_run", traps.shape(link, origin))
end

-- What of `limits` counts this URL.
local function counters_of(link, origin, limits)
  local list = {}
  if limits.per_host < math.huge then list[1] = counter("per_host", origin) end
  if limits.per_path < math.huge then
    local path, query = address.path(link, origin)
    if query then list[#list + 1] = counter("per_path", origin .. path) end
  end
  if limits.per_shape < math.huge then list[#list + 1] = counter("per_shape", traps.shape(link, origin)) end
  return list
end

-- Why an address that is written so is no link.
local function refusal(text, reason)
  local scheme = text:gsub("[\t\r\n]", ""):match "^[%z\1-\32]*(%a[%w+.-]*):"
  return scheme and SILENT[scheme:lower()] and "silent" or reason
end

--- The reason of what a page's links have refused.
---@param link rill.HtmlRefused
---@return string reason "silent": nobody wants to know
function Links:refused(link)
  if link.reason ~= "long" then return refusal(link.url, link.reason) end
  return refusal(link.url, self._options.limits.url_length < math.huge and "url_length" or "invalid")
end

--- Normalizes what was found and finds its fingerprint.
---@param found string absolute URL
---@param normal boolean? it is normalized already
---@return table? link { url, origin, high, low }
---@return string? reason "invalid", "scheme", or "silent": nobody wants to know
function Links:identify(found, normal)
  local clean = normal and found or url.normalize(found)
  if not clean then return nil, refusal(found, "invalid") end
  local origin = address.origin(clean)
  if not origin then return nil, refusal(clean, "scheme") end
  local high, low = digest(self._options.key(clean, found))
  return { url = clean, origin = origin, high = high, low = low }
end

--- The fingerprint of an entry.
---@param entry rill.CrawlEntry
---@return number high
---@return number low
function Links:fingerprint(entry)
  return digest((entry.kind and entry.kind .. " " or "") .. self._options.key(entry.url, entry.url))
end

--- Has a link count against the traps.
---@param link table of identify
function Links:count(link)
  link.counters = counters_of(link.url, link.origin, self._options.limits)
end

--- Judges a link by itself: scope, depth, traps, robots where they are known.
---@param link table of identify, with depth and hops
---@return string? reason nil: it may be taken in
function Links:judge(link)
  local options = self._options
  if not options.scope:holds(link.url, link.origin) then return "scope" end
  if options.depth and link.depth > options.depth then return "depth" end
  local limits = options.limits
  if (link.hops or 0) > limits.redirects then return "redirects" end
  local trap = traps.judge(link.url, link.origin, limits)
  if trap then return trap end
  if self._robots(link.origin, link.url) == false then return "robots" end
  self:count(link)
  return nil
end

---@param options table
---@param robots fun(origin: string, url: string): boolean? nil: not known yet
---@return rill.CrawlLinks
function M.new(options, robots)
  return setmetatable({ _options = options, _robots = robots }, Links)
end

return M
