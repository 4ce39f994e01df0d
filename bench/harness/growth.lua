--- The command bench/growth.
local plot = require("plot")
local plots = require("plots")
local rounds = require("rounds")
local scratch = require("scratch")
local statistics = require("statistics")
local system = require("system")

local M = {}

local ROUNDS = 3

-- The plots that are meant: all, or that of one file.
local function chosen(only)
  if not only then return plots end
  for _, one in ipairs(plots) do
    if one.file == only then return { one } end
  end
  error("there is no plot " .. only, 0)
end

-- All points as lines for `rounds`; those that miss their server or rill itself end the run.
local function lines_of(root, meant)
  local lines = {}
  for _, one in ipairs(meant) do
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

local FIGURES = "/doc/pictures/growth.txt"

-- What was measured of one contestant, and when.
local function line_of(one, single)
  local words = {}
  for i, point in ipairs(single.points) do
    words[i] = ("%.10g: %.4g us"):format(point[1], point[2])
  end
  return ("%s, %s: %s; %s"):format(one.file, single.name, table.concat(words, ", "), os.date("!%Y-%m-%d"))
end

-- The lines of FIGURES that are not about one of these plots.
local function others(root, meant)
  local files, kept = {}, {}
  for _, one in ipairs(meant) do files[one.file] = true end
  for line in io.lines(root .. FIGURES) do
    if not files[line:match("^[^,]*")] then kept[#kept + 1] = line end
  end
  return kept
end

local function measure(root, only)
  system.prepare(root)
  local meant = chosen(only)
  local samples = rounds.measure(root, lines_of(root, meant), ROUNDS, system.cpus())
  local text = others(root, meant)
  for _, one in ipairs(meant) do
    for _, single in ipairs(series_of(one, samples)) do text[#text + 1] = line_of(one, single) end
  end
  scratch.write(root .. FIGURES, table.concat(text, "\n") .. "\n")
end

-- The series of a plot, as FIGURES has them.
local function figures_of(root, one)
  local series = {}
  for line in io.lines(root .. FIGURES) do
    local file, name, words = line:match("^([%w.-]+), (.-): (%d.*)$")
    if file == one.file then
      local points = {}
      for x, y in words:gmatch("([%d.e+]+): ([%d.e+]+) us") do points[#points + 1] = { tonumber(x), tonumber(y) } end
      series[#series + 1] = { name = name, points = points }
    end
  end
  return series
end

--- The pictures, by name of the file: drawn of the figures in doc/pictures/growth.txt.
---@param root string
---@return table<string, string>
function M.pictures(root)
  local found = {}
  for _, one in ipairs(plots) do
    local series = figures_of(root, one)
    local label = ("CPU of a %s; both axes are logarithmic"):format(one.unit or "request")
    found[one.file] = plot.lines(one.title, one.x, label, series, one.ticks)
  end
  return found
end

local function run(root, word, only)
  if word ~= "--draw" then measure(root, only) end
  for file, picture in pairs(M.pictures(root)) do scratch.write(root .. "/doc/pictures/" .. file, picture) end
end

--- Measures `plots` and draws them: doc/pictures.
---@param here string the directory of bench/growth
---@param word string? "--draw": measures nothing; "--only": what follows
---@param only string? file of the one plot that is measured
---@return integer status
function M.main(here, word, only)
  return system.attempt("bench/growth", run, here, word, only)
end

return M
