--- The counters of a crawl, over all its runs.
local M = {}

local NAMES = {
  "pages", "ok", "redirects", "errors", "failed", "retried", "unchanged", "changed", "gone", "items", "bytes",
  "robots", "sitemaps", "invalid",
}
local TABLES = { "statuses", "skipped", "failures" }

---@class rill.CrawlStats
---@field counters table<string, any> what is kept in the state
---@field private _began number
---@field private _pages number at the start of this run
local Stats = {}
Stats.__index = Stats

local function add(map, name, more)
  map[name] = (map[name] or 0) + (more or 1)
end

---@param name string
---@param more number?
function Stats:add(name, more)
  add(self.counters, name, more)
end

---@param reason string
function Stats:skip(reason)
  add(self.counters.skipped, reason)
end

local function count_done(counters, outcome)
  local status = outcome.status
  add(counters.statuses, tostring(status))
  if outcome.unchanged then
    add(counters, "unchanged")
  elseif status < 300 then
    add(counters, "ok")
  elseif status < 400 then
    add(counters, "redirects")
  else
    add(counters, "errors")
  end
  if outcome.changed then add(counters, "changed") end
end

--- Counts what came of one entry.
---@param outcome table
function Stats:count(outcome)
  local counters = self.counters
  add(counters, "bytes", outcome.bytes)
  if outcome.gone then add(counters, "gone") end
  if outcome.kind == "done" then
    add(counters, "pages")
    count_done(counters, outcome)
  elseif outcome.kind == "failed" then
    add(counters, "pages")
    add(counters, "failed")
    add(counters.failures, outcome.reason)
    if outcome.status then add(counters.statuses, tostring(outcome.status)) end
  elseif outcome.kind == "retry" then
    add(counters, "retried")
  elseif outcome.kind == "robots" then
    add(counters, "robots")
  elseif outcome.kind == "sitemap" then
    add(counters, "sitemaps")
  end
end

-- An empty one is no list for JSON; a status may be asked for as a number.
local OBJECT = { __jsontype = "object" }
function OBJECT:__index(name)
  return type(name) == "number" and rawget(self, tostring(name)) or nil
end

local function copy(map)
  local new = setmetatable({}, OBJECT)
  for name, value in pairs(map) do new[name] = value end
  return new
end

--- All numbers as a script sees them.
---@param frontier { queued: integer, in_flight: integer, origins: integer }
---@param now number monotonic
---@return table
function Stats:snapshot(frontier, now)
  local all = {}
  for _, name in ipairs(NAMES) do all[name] = self.counters[name] end
  for _, name in ipairs(TABLES) do all[name] = copy(self.counters[name]) end
  all.queued, all.in_flight, all.origins = frontier.queued, frontier.in_flight, frontier.origins
  all.elapsed = now - self._began
  all.rate = all.elapsed > 0 and (all.pages - self._pages) / all.elapsed or 0
  return all
end

---@param kept table? counters of earlier runs
---@param now number monotonic
---@return rill.CrawlStats
function M.new(kept, now)
  local counters = kept or {}
  for _, name in ipairs(NAMES) do counters[name] = counters[name] or 0 end
  for _, name in ipairs(TABLES) do counters[name] = counters[name] or {} end
  return setmetatable({ counters = counters, _began = now, _pages = counters.pages }, Stats)
end

return M
