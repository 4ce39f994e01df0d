--- Draws figures as SVG: points over two logarithmic axes, and bars.
local svg = require("pictures.svg")

local M = {}

local WIDTH, HEIGHT = 760, 400
local LEFT, RIGHT, TOP, BOTTOM = 72, 170, 64, 58
local COLOURS = { "first", "second", "third", "fourth" }

-- A logarithmic axis: ends at the steps of 1, 2 and 5 next to the least and the greatest value.
local function axis(values, from, to)
  local low, high = math.huge, -math.huge
  for _, value in ipairs(values) do low, high = math.min(low, value), math.max(high, value) end
  local steps = {}
  for exponent = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) do
    for _, step in ipairs { 1, 2, 5 } do steps[#steps + 1] = step * 10 ^ exponent end
  end
  local first, last = 1, #steps
  while steps[first + 1] <= low do first = first + 1 end
  while steps[last - 1] >= high do last = last - 1 end
  local span = math.log(steps[last] / steps[first])
  local shown = {}
  for i = first, last do shown[#shown + 1] = steps[i] end
  return {
    steps = shown,
    place = function(value) return from + (to - from) * math.log(value / steps[first]) / span end,
  }
end

-- Compiled by LuaJIT 2.1.0-beta3, one in some 25 runs of the spec of pictures ended an axis a step too late.
jit.off(axis)

local SUFFIXES = { { 1e6, "M" }, { 1e3, "k" } }

local function short(number)
  for _, suffix in ipairs(SUFFIXES) do
    if number >= suffix[1] then return ("%g%s"):format(number / suffix[1], suffix[2]) end
  end
  return ("%g"):format(number)
end

local function microseconds(number)
  if number >= 1e6 then return ("%g s"):format(number / 1e6) end
  if number >= 1e3 then return ("%g ms"):format(number / 1e3) end
  return ("%g µs"):format(number)
end

local function collect(series, index)
  local values = {}
  for _, one in ipairs(series) do
    for _, point in ipairs(one.points) do values[#values + 1] = point[index] end
  end
  return values
end

local MOST_STEPS = 9 -- of an axis; with more only the powers of ten have words

local function scale(add, x, y, ticks)
  local right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
  for _, step in ipairs(y.steps) do
    local at, is_power = y.place(step), math.abs(math.log10(step) % 1) < 1e-9
    if is_power or #y.steps <= MOST_STEPS then
      add(svg.path(("M%.1f %.1fH%.1f"):format(LEFT, at, right), "line-faint"))
      add(svg.text(LEFT - 8, at + 4, microseconds(step), "soft small end"))
    end
  end
  for _, tick in ipairs(ticks) do
    local at = x.place(tick[1])
    add(svg.path(("M%.1f %.1fV%.1f"):format(at, TOP, bottom), "line-faint"))
    add(svg.text(at, bottom + 18, tick[2], "soft small middle"))
  end
end

-- Names at the ends of their lines, one below the other where these end together.
local function name_lines(add, series, x, y)
  local ends = {}
  for i, one in ipairs(series) do
    local last = one.points[#one.points]
    ends[i] = { x = x.place(last[1]), y = y.place(last[2]) + 4, name = one.name, colour = COLOURS[i] }
  end
  table.sort(ends, function(a, b) return a.y < b.y end)
  for i, each in ipairs(ends) do
    if i > 1 then each.y = math.max(each.y, ends[i - 1].y + 16) end
    add(svg.text(each.x + 12, each.y, each.name, each.colour .. " strong"))
  end
end

---@class bench.Series
---@field name string
---@field points { [1]: number, [2]: number }[] x and microseconds, both above 0

--- Lines over logarithmic axes.
---@param title string
---@param x_label string
---@param y_label string
---@param series bench.Series[]
---@param ticks { [1]: number, [2]: string }[]? of the x axis; the points' unless given
---@return string svg
function M.lines(title, x_label, y_label, series, ticks)
  local elements = {}
  local function add(element) elements[#elements + 1] = element end
  local x = axis(collect(series, 1), LEFT + 10, WIDTH - RIGHT - 10)
  local y = axis(collect(series, 2), HEIGHT - BOTTOM, TOP)
  if not ticks then
    ticks = {}
    for i, point in ipairs(series[1].points) do ticks[i] = { point[1], short(point[1]) } end
  end
  add(svg.text(24, 30, title, "ink large strong"))
  add(svg.text(24, 48, y_label, "soft small"))
  scale(add, x, y, ticks)
  for i, one in ipairs(series) do
    local places = {}
    for k, point in ipairs(one.points) do
      places[k] = ("%.1f %.1f"):format(x.place(point[1]), y.place(point[2]))
    end
    add(svg.path("M" .. table.concat(places, "L"), "line-" .. COLOURS[i], 'stroke-width="2.5"'))
    for k, point in ipairs(one.points) do
      add(('<circle cx="%s" cy="%s" r="4" class="%s"><title>%s: %s</title></circle>'):format(
        places[k]:match "^%S+", places[k]:match "%S+$", COLOURS[i], svg.escaped(one.name), microseconds(point[2])))
    end
  end
  name_lines(add, series, x, y)
  add(svg.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, x_label, "soft small middle"))
  return svg.picture(WIDTH, HEIGHT, title, elements)
end

local NAMES, ROW = 150, 30

--- Groups of bars, each with a title, a unit and a bar for each name.
---@param title string
---@param groups { title: string, unit: string, bars: { [1]: string, [2]: number }[] }[]
---@return string svg
function M.bars(title, groups)
  local elements, y = {}, 24
  local function add(element) elements[#elements + 1] = element end
  for _, group in ipairs(groups) do
    local most = 0
    for _, bar in ipairs(group.bars) do most = math.max(most, bar[2]) end
    add(svg.text(24, y + 8, group.title, "ink strong"))
    y = y + 22
    for _, bar in ipairs(group.bars) do
      local width = math.max(2, (WIDTH - NAMES - 110) * bar[2] / most)
      local words, colour, number = "ink end", "soft", "soft"
      if bar[1] == "rill" then words, colour, number = "ink strong end", "first", "first strong" end
      add(svg.text(NAMES - 10, y + 16, bar[1], words))
      add(svg.box(NAMES, y + 2, width, 20, colour, 3))
      add(svg.text(NAMES + width + 8, y + 16, ("%.3g %s"):format(bar[2], group.unit), number))
      y = y + ROW
    end
    y = y + 16
  end
  return svg.picture(WIDTH, y + 4, title, elements)
end

return M
