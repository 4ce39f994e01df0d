--- Where a crawl begins: a URL, a list of them, or an iterator that is read as there is room.
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")

local M = {}

---@class rill.CrawlStarts
---@field private _next fun(): string?
---@field private _done boolean
---@field count integer URLs that were read
---@field valid integer
---@field waiting integer those that were taken in and not yet asked for, as far as this process knows
local Starts = {}
Starts.__index = Starts

---@return boolean
function Starts:more()
  return not self._done
end

--- Reads one, and adds it.
---@param crawl table
function Starts:read(crawl)
  local ok, line = crawl:guarded("start", self._next)
  if not ok or line == nil then
    self._done = true
    return
  end
  self.count = self.count + 1
  local read, valid = crawl:guarded("start", crawl.add_start, crawl, line)
  if read and valid then self.valid = self.valid + 1 end
end

--- One was taken in: it waits.
function Starts:wait()
  self.waiting = self.waiting + 1
end

--- An entry's turn has come.
---@param entry rill.CrawlEntry
function Starts:take(entry)
  if entry.depth == 0 and entry.hops == 0 and not entry.kind then self.waiting = math.max(0, self.waiting - 1) end
end

local function iterate(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

--- The start URLs that can be looked at before the crawl begins: their hosts are its scope.
---@param start any
---@return string[]
function M.known(start)
  if type(start) == "string" then return { start } end
  return type(start) == "table" and not arguments.is_callable(start) and start or {}
end

---@param start any the option
---@return rill.CrawlStarts
function M.new(start)
  if start == nil then start = {} end
  if type(start) == "string" then start = { start } end
  if not arguments.is_callable(start) then
    for i, url in ipairs(start) do
      if type(url) ~= "string" then
        errors.raise(("crawl: start: entry %d must be a URL, got %s"):format(i, errors.show(url)))
      end
    end
    start = iterate(start)
  end
  return setmetatable({ _next = start, _done = false, count = 0, valid = 0, waiting = 0 }, Starts)
end

return M
