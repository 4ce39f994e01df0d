--- The numbers of a crawl as people read them.
local json = require("rill.core.plain_json")

local M = {}

local function counts(map)
  local names, parts = {}, {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = ("%s %d"):format(name, map[name]) end
  return table.concat(parts, ", ")
end

local LINES = {
  { "statuses", counts }, { "failures", counts }, { "skipped", counts },
}

--- Several lines.
---@param stats table
---@return string
function M.text(stats)
  local lines = {
    ("pages:     %d (ok %d, redirects %d, errors %d, failed %d)"):format(stats.pages, stats.ok, stats.redirects,
      stats.errors, stats.failed),
  }
  if stats.unchanged + stats.gone > 0 then
    lines[#lines + 1] = ("recrawl:   unchanged %d, changed %d, gone %d"):format(stats.unchanged, stats.changed,
      stats.gone)
  end
  for _, line in ipairs(LINES) do
    if next(stats[line[1]] or {}) then
      lines[#lines + 1] = ("%-10s %s"):format(line[1] .. ":", line[2](stats[line[1]]))
    end
  end
  lines[#lines + 1] = ("queued:    %d, %shosts %d"):format(stats.queued,
    stats.in_flight and ("in flight %d, "):format(stats.in_flight) or "", stats.origins)
  lines[#lines + 1] = ("items:     %d"):format(stats.items)
  lines[#lines + 1] = ("bytes:     %.0f"):format(stats.bytes)
  if stats.elapsed and stats.elapsed > 0 then
    lines[#lines + 1] = ("seconds:   %.1f (%.1f pages/s)"):format(stats.elapsed, stats.rate)
  end
  return table.concat(lines, "\n") .. "\n"
end

--- The same as JSON.
---@param stats table
---@return string
function M.json(stats)
  return (json.encode(stats):gsub('("%l+"):%[%]', "%1:{}")) -- a map without entries is no list
end

return M
