--- What waits, in memory: per origin and rank a line of URLs. Nothing survives the process.
local rank_of = require("rill.crawl.frontier.rank")
local schedule = require("rill.crawl.frontier.schedule")

local M = {}

---@class rill.CrawlMemory: rill.CrawlStore
---@field private _lines table<string, table> per origin
---@field private _ids integer
---@field private _waiting integer
---@field private _depths integer[]
---@field private _urls table<integer, string> of pages whose body came first
local Memory = {}
Memory.__index = Memory

local function new_line()
  return { head = 1, tail = 0, urls = {}, froms = {}, ids = {}, more = {} }
end

-- The line of that rank; ranks are few and sorted.
local function line_of(lines, rank)
  local line = lines.by_rank[rank]
  if line then return line end
  line = new_line()
  lines.by_rank[rank] = line
  local at = 1
  while lines.ranks[at] and lines.ranks[at] < rank do at = at + 1 end
  table.insert(lines.ranks, at, rank)
  return line
end

---@return integer id
function Memory:new_id()
  self._ids = self._ids + 1
  return self._ids
end

--- How deep a URL was found.
---@param id integer
---@return integer?
function Memory:depth_of(id)
  return self._depths[id]
end

---@param entry rill.CrawlEntry
function Memory:push(entry)
  self._depths[entry.id] = entry.depth
  local lines = self._lines[entry.origin]
  if not lines then
    lines = { by_rank = {}, ranks = {}, count = 0 }
    self._lines[entry.origin] = lines
  end
  local line = line_of(lines, rank_of(entry))
  local tail = line.tail + 1
  line.tail, lines.count, self._waiting = tail, lines.count + 1, self._waiting + 1
  line.urls[tail], line.froms[tail], line.ids[tail] = entry.url, entry.from, entry.id
  if entry.meta ~= nil or entry.kind or entry.hops > 0 or entry.again then line.more[tail] = entry end
  line.depth, line.priority = entry.depth, entry.priority
end

local function entry_at(line, at, origin)
  local entry = line.more[at] or {
    id = line.ids[at], url = line.urls[at], from = line.froms[at], origin = origin, depth = line.depth,
    priority = line.priority, hops = 0, attempts = 0, free = 0,
  }
  line.urls[at], line.froms[at], line.ids[at], line.more[at] = nil, nil, nil, nil
  return entry
end

--- The best that waits for an origin; it is handed out.
---@param origin string
---@return rill.CrawlEntry?
function Memory:shift(origin)
  local lines = self._lines[origin]
  if not lines or lines.count == 0 then return nil end
  local rank = lines.ranks[1]
  local line = lines.by_rank[rank]
  local entry = entry_at(line, line.head, origin)
  line.head, lines.count, self._waiting = line.head + 1, lines.count - 1, self._waiting - 1
  if line.head > line.tail then
    table.remove(lines.ranks, 1)
    lines.by_rank[rank] = nil
  end
  return entry
end

---@param origin string
---@return integer
function Memory:count(origin)
  local lines = self._lines[origin]
  return lines and lines.count or 0
end

---@return integer
function Memory:waiting()
  return self._waiting
end

--- Which page had a body first.
---@param id integer
---@return string?
function Memory:url_of(id)
  return self._urls[id]
end

---@param entry rill.CrawlEntry
function Memory:keep_url(entry)
  self._urls[entry.id] = entry.url
end

function Memory.commit()
  return true
end

function Memory.close() end

---@param options table of the schedule
---@return rill.CrawlFrontier
function M.open(options)
  local store = setmetatable({ _lines = {}, _ids = 0, _waiting = 0, _urls = {}, _depths = {} }, Memory)
  return schedule.new(store, options)
end

return M
