--- URLs that are recognized as they are written: most links of a page are on many others.
local M = {}

-- What is kept of them; then it begins anew.
local KNOWN_URLS = 10000
local KNOWN_BYTES = 2 * 2 ^ 20 -- so many of 200 bytes

---@class rill.CrawlWritten
---@field private _urls table<string, true>
---@field private _count integer
---@field private _bytes integer
local Written = {}
Written.__index = Written

---@param url string
---@return true?
function Written:has(url)
  return self._urls[url]
end

---@param url string
function Written:add(url)
  if self._urls[url] then return end
  if self._count >= KNOWN_URLS or self._bytes + #url > KNOWN_BYTES then
    self._urls, self._count, self._bytes = {}, 0, 0
  end
  self._urls[url], self._count, self._bytes = true, self._count + 1, self._bytes + #url
end

---@return rill.CrawlWritten
function M.new()
  return setmetatable({ _urls = {}, _count = 0, _bytes = 0 }, Written)
end

return M
