--- The place of a URL among those of its origin: smaller is earlier; the priority, then the depth.
local MAX_DEPTH = 2 ^ 20 - 1

---@class rill.CrawlEntry
---@field id integer
---@field url string
---@field origin string
---@field depth integer
---@field priority integer?
---@field from string? the page that named it
---@field hops integer redirects that led here
---@field via string[]? their URLs
---@field meta any
---@field kind "robots"|"sitemap"|nil nil: a page
---@field level integer? of a sitemap
---@field attempts integer that counted
---@field free integer repeats that did not
---@field counted boolean? against max_pages
---@field again boolean? asked for though it was seen
---@field lease string? of a shared state
---@field at_work boolean? there: its request has not ended
---@field high integer? halves of its fingerprint there
---@field low integer?
---@field due number? of a retry
---@field dead table? its origin is given up
---@field known table? of a recrawl: { etag=, modified=, hash=, gone=, archived= }

---@param entry rill.CrawlEntry
---@return integer
return function(entry)
  return -(entry.priority or 0) * (MAX_DEPTH + 1) + math.min(entry.depth, MAX_DEPTH)
end
