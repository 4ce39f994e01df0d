--- From samples to figures: a median, its spread, and whether it is what it must be.
local statistics = require("statistics")

local M = {}

-- What each kind of figure makes of round i of the samples `a` of a contestant with `units`. scale: for people.
local KINDS = {
  cpu = { label = "CPU", unit = "us", scale = 1e6, value = function(a, i, units) return a.cpu[i] / units end },
  cpu_seconds = { label = "CPU", unit = "s", scale = 1, value = function(a, i) return a.cpu[i] end },
  seconds = { label = "time", unit = "s", scale = 1, value = function(a, i) return a.wall[i] end },
  speed = { label = "per second", unit = "/s", scale = 1, more = true,
    value = function(a, i, units) return units / a.wall[i] end },
  memory = { label = "peak memory", unit = "MB", scale = 1e-6, value = function(a, i) return a.peak[i] end },
  peak = { label = "peak memory", unit = "MB", scale = 1e-6, value = function(a, i) return a.peak[i] end },
  -- what is more than the peer's, not how many times as much
  memory_above = { label = "peak memory above", unit = "MB", scale = 1e-6, difference = true,
    value = function(a, i) return a.peak[i] end },
}

local UNITS = { kib = "KiB", mb = "MB", times = "" }

local function printed(name)
  local unit, of = name:match("^(%l+)_(.*)$")
  return {
    label = of:gsub("_", " "),
    unit = UNITS[unit],
    scale = 1,
    more = unit == "mb",
    value = function(a, i)
      return assert(a.values[name], "the program does not print " .. name)[i]
    end,
  }
end

-- What is held: the ratio of each round, the difference, or the value itself.
local function held(kind, rounds, own, peer)
  if not peer then
    return statistics.each(rounds, function(i) return own(i) * kind.scale end)
  end
  if kind.difference then
    return statistics.each(rounds, function(i) return (own(i) - peer(i)) * kind.scale end)
  end
  return statistics.each(rounds, function(i) return own(i) / peer(i) end)
end

local function reader(kind, samples, units)
  return function(i)
    return kind.value(samples, i, units)
  end
end

local function median_for_people(kind, rounds, read)
  return statistics.summary(statistics.each(rounds, read)).median * kind.scale
end

--- One figure of one line.
---@param line table
---@param figure table of `lines`
---@param samples table<string, bench.Samples> of this line
---@param rounds integer
---@return table figure all of it that is printed and written
function M.make(line, figure, samples, rounds)
  local kind = KINDS[figure[1]] or printed(figure[1])
  local subject = figure.of or "rill"
  local own = reader(kind, samples[subject], line.contestants[subject].units)
  local peer = figure.against and reader(kind, samples[figure.against], line.contestants[figure.against].units)
  local summary = statistics.summary(held(kind, rounds, own, peer))
  local function meets(bound)
    if kind.more then return summary.median >= bound end
    return summary.median <= bound
  end
  return {
    kind = figure[1],
    label = figure.of and ("%s, %s"):format(kind.label, figure.of) or kind.label,
    unit = kind.unit,
    ratio = peer ~= nil and not kind.difference,
    against = figure.against,
    own = median_for_people(kind, rounds, own),
    peer = peer and median_for_people(kind, rounds, peer),
    summary = summary,
    must = figure.must,
    aim = figure.aim,
    more_is_better = kind.more or false,
    met = figure.must and meets(figure.must),
    aim_met = figure.aim and meets(figure.aim),
  }
end

--- All figures of a line whose contestants could run.
---@return table[] figures
---@return { against: string, reason: string }[] absent figures that want a peer that could not run
function M.of_line(line, samples, rounds)
  local figures, absent = {}, {}
  for _, figure in ipairs(line.figures) do
    local peer = figure.against and line.contestants[figure.against]
    if peer and peer.absent then
      absent[#absent + 1] = { against = figure.against, reason = peer.absent }
    else
      figures[#figures + 1] = M.make(line, figure, samples, rounds)
    end
  end
  return figures, absent
end

return M
