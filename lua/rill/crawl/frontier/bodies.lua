--- Bodies that pages have had, in one process: which page was the first of those that are equal.
local map64 = require("rill.crawl.map64")

local M = {}

---@class rill.CrawlBodies
---@field private _first rill.Map64 hash to id
---@field private _store table where URLs are, and which pages were archived
local Bodies = {}
Bodies.__index = Bodies

--- The page that had this body first: its URL, or true where that is not known. From now on the body is known.
---@param high number
---@param low number
---@param entry rill.CrawlEntry
---@return string|true|nil
function Bodies:duplicate(high, low, entry)
  local id = self._first:get(high, low)
  if id and id ~= entry.id then return self._store:url_of(id) or true end
  if not id then
    self._first:set(high, low, entry.id)
    if self._store.keep_url then self._store:keep_url(entry) end
  end
end

--- The page whose record an archive has of a body.
---@param hash string 16 hex digits
---@return { url: string, archived: integer }? original nil: that is not known
function Bodies:original(hash)
  local high, low = tonumber(hash:sub(1, 8), 16), tonumber(hash:sub(9), 16)
  local id = self._first:get(high, low)
  return id and self._store:archived(id, high, low)
end

--- Takes in a page of an earlier run, in the order of ids: the first that has a body, or the first that is archived
--- with it.
---@param id integer
---@param archived integer? when
---@param high number
---@param low number
function Bodies:restore(id, archived, high, low)
  local first = self._first:get(high, low)
  if not first or archived and not self._store:archived(first, high, low) then self._first:set(high, low, id) end
end

---@param store table rill.CrawlStore
---@return rill.CrawlBodies
function M.new(store)
  return setmetatable({ _first = map64(), _store = store }, Bodies)
end

return M
