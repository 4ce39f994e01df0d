--- URLs that are recognized as they are written: most links of a page are on many others.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local html_reader = require("rill.core.html_reader")

local M = {}

local KNOWN_URLS = 32768 -- 512 KiB of hashes; then it begins anew

---@class rill.CrawlWritten
---@field private _crawl table
---@field private _known ffi.cdata* rill_known
---@field private _times integer how often the frontier had forgotten what it knew, then
---@field private _size integer of the scope, then
local Written = {}
Written.__index = Written

-- Where the frontier can lose URLs (a Redis that is promoted or restarted), all is forgotten as soon as it has; and
-- where the scope has grown, for what was out of it.
local function known(self)
  local frontier, size = self._crawl.frontier, self._crawl.options.scope.size
  local times = frontier.may_lose and frontier:times_forgotten() or 0
  if times ~= self._times or size ~= self._size then
    self._times, self._size = times, size
    self:forget()
  end
  return self._known
end

function Written:forget()
  C.rill_known_clear(self._known)
end

---@param url string
---@return boolean
function Written:has(url)
  return C.rill_known_has(known(self), url, #url)
end

---@param url string
function Written:add(url)
  C.rill_known_add(known(self), url, #url)
end

--- What a page was found to have is without what is known.
---@param reader ffi.cdata* rill_html
function Written:leave_out(reader)
  html_reader.leave_out(reader, known(self))
end

---@param crawl table
---@return rill.CrawlWritten
function M.new(crawl)
  local set = C.rill_known_new(KNOWN_URLS)
  if set == nil then error("rill.crawl: out of memory", 0) end
  return setmetatable({ _crawl = crawl, _known = ffi.gc(set, C.rill_known_free), _times = 0, _size = 0 }, Written)
end

return M
