--- The command bench/growth.
local json = require("rill.core.plain_json")
local plot = require("plot")
local plots = require("plots")
local rounds = require("rounds")
local scratch = require("scratch")
local statistics = require("statistics")
local system = require("system")

local M = {}

local ROUNDS = 3

-- All points as lines for `rounds`; those that miss their server or rill itself end the run.
local function lines_of(root)
  local lines = {}
  for _, one in ipairs(plots) do
    for _, point in ipairs(one.points) do
      point.name, point.title = ("%s at %g"):format(one.file, point.x), one.title
      lines[#lines + 1] = point
    end
  end
  local runnable, left_out = rounds.sort_out(lines, root)
  assert(#left_out == 0, left_out[1] and left_out[1].reason)
  return runnable
end

-- Microseconds of CPU for one unit, the median of the rounds.
local function cost(contestant, samples)
  return statistics.summary(samples.cpu).median / contestant.units * 1e6
end

local function names_of(points)
  local names = {}
  for name, contestant in pairs(points[1].contestants) do
    if not contestant.absent then names[#names + 1] = name end
  end
  table.sort(names, function(a, b) return a > b end) -- rill comes first
  return names
end

local function series_of(one, samples)
  local series = {}
  for _, name in ipairs(names_of(one.points)) do
    local points = {}
    for i, point in ipairs(one.points) do
      points[i] = { point.x, cost(point.contestants[name], samples[point.name][name]) }
    end
    series[#series + 1] = { name = name, points = points }
  end
  return series
end

local function drawn(one, series)
  if not one.bars then
    return plot.lines(one.title, one.x, "CPU of a request, microseconds", series, one.ticks)
  end
  local bars = {}
  for i, single in ipairs(series) do
    bars[i] = { single.name, single.points[1][2] }
  end
  table.sort(bars, function(a, b) return a[2] < b[2] end)
  return plot.bars(one.title, "us", bars)
end

local function run(root)
  system.prepare(root)
  local lines = lines_of(root)
  local samples = rounds.measure(root, lines, ROUNDS, system.cpus())
  local all = {}
  for _, one in ipairs(plots) do
    local series = series_of(one, samples)
    scratch.write(root .. "/doc/" .. one.file, drawn(one, series))
    all[#all + 1] = { file = one.file, title = one.title, x = one.x, series = series }
    for _, single in ipairs(series) do
      local words = {}
      for i, point in ipairs(single.points) do
        words[i] = ("%g: %.4g us"):format(point[1], point[2])
      end
      print(("%s, %s: %s"):format(one.file, single.name, table.concat(words, ", ")))
    end
  end
  local result = { date = os.date("!%Y-%m-%d"), rounds = ROUNDS, plots = all }
  scratch.write(root .. "/build/growth.json", json.encode(result) .. "\n")
end

--- Measures and draws all of `plots`: doc/*.svg, build/growth.json.
---@param here string the directory of bench/growth
---@return integer status
function M.main(here)
  return system.attempt("bench/growth", run, here)
end

return M
