--- Draws figures as SVG: points over two logarithmic axes, and bars.
local M = {}

local WIDTH, HEIGHT = 720, 400
local LEFT, RIGHT, TOP, BOTTOM = 70, 24, 56, 52
local COLOURS = { "#1f6fb4", "#d9822b", "#3a9a5b", "#8a5bb0", "#666666" }
local GRID, INK = "#dddddd", "#222222"

local function escaped(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local function text_at(x, y, text, anchor, more)
  return ('<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>'):format(x, y, anchor or "start", more or "",
    escaped(text))
end

local function stroke(x1, y1, x2, y2, colour)
  return ('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>'):format(x1, y1, x2, y2, colour)
end

local function framed(title, height, elements)
  local head = {
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
      .. 'font-family="sans-serif" font-size="12" fill="%s">'):format(WIDTH, height, WIDTH, height, INK),
    ('<rect width="%d" height="%d" fill="#ffffff"/>'):format(WIDTH, height),
    text_at(LEFT, 22, title, "start", ' font-size="15"'),
  }
  return table.concat(head, "\n") .. "\n" .. table.concat(elements, "\n") .. "\n</svg>\n"
end

-- An axis from the power of ten below the least to the one above the greatest value.
local function axis(values, from, to)
  local low, high = math.huge, -math.huge
  for _, value in ipairs(values) do
    local exponent = math.log10(value)
    low, high = math.min(low, math.floor(exponent + 1e-9)), math.max(high, math.ceil(exponent - 1e-9))
  end
  if high == low then high = low + 1 end
  return {
    low = low, high = high,
    place = function(value) return from + (to - from) * (math.log10(value) - low) / (high - low) end,
  }
end

local SUFFIXES = { { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } }

local function short(number)
  for _, suffix in ipairs(SUFFIXES) do
    if number >= suffix[1] then return ("%g%s"):format(number / suffix[1], suffix[2]) end
  end
  return ("%g"):format(number)
end

local function collect(series, index)
  local values = {}
  for _, one in ipairs(series) do
    for _, point in ipairs(one.points) do
      values[#values + 1] = point[index]
    end
  end
  return values
end

-- Grid lines and numbers at powers of ten, or where `ticks` says.
local function scale(add, x, y, ticks)
  local right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
  for exponent = y.low, y.high do
    local at = y.place(10 ^ exponent)
    add(stroke(LEFT, at, right, at, GRID))
    add(text_at(LEFT - 8, at + 4, short(10 ^ exponent), "end"))
  end
  if not ticks then
    ticks = {}
    for exponent = x.low, x.high do
      ticks[#ticks + 1] = { 10 ^ exponent, short(10 ^ exponent) }
    end
  end
  for _, tick in ipairs(ticks) do
    local at = x.place(tick[1])
    add(stroke(at, TOP, at, bottom, GRID))
    add(text_at(at, bottom + 18, tick[2], "middle"))
  end
end

---@class bench.Series
---@field name string
---@field points { [1]: number, [2]: number }[] x and y, both above 0

--- Lines over logarithmic axes.
---@param title string
---@param x_label string
---@param y_label string
---@param series bench.Series[]
---@param ticks { [1]: number, [2]: string }[]? of the x axis; powers of ten unless given
---@return string svg
function M.lines(title, x_label, y_label, series, ticks)
  local elements = {}
  local function add(element) elements[#elements + 1] = element end
  local x = axis(collect(series, 1), LEFT, WIDTH - RIGHT)
  local y = axis(collect(series, 2), HEIGHT - BOTTOM, TOP)
  scale(add, x, y, ticks)
  local legend = LEFT
  for i, one in ipairs(series) do
    local colour, places = COLOURS[i], {}
    for k, point in ipairs(one.points) do
      places[k] = ("%.1f,%.1f"):format(x.place(point[1]), y.place(point[2]))
      add(('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s: %s</title></circle>'):format(
        x.place(point[1]), y.place(point[2]), colour, escaped(one.name), ("%.4g"):format(point[2])))
    end
    add(('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>'):format(table.concat(places, " "), colour))
    add(('<rect x="%d" y="34" width="12" height="12" fill="%s"/>'):format(legend, colour))
    add(text_at(legend + 17, 44, one.name))
    legend = legend + 40 + 7 * #one.name
  end
  add(text_at((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label, "middle"))
  add(text_at(18, (TOP + HEIGHT - BOTTOM) / 2, y_label, "middle",
    (' transform="rotate(-90 18 %.0f)"'):format((TOP + HEIGHT - BOTTOM) / 2)))
  return framed(title, HEIGHT, elements)
end

--- One bar for each name, with its number.
---@param title string
---@param unit string
---@param bars { [1]: string, [2]: number }[]
---@return string svg
function M.bars(title, unit, bars)
  local elements, most, step, left = {}, 0, 34, 170
  for _, bar in ipairs(bars) do
    most = math.max(most, bar[2])
  end
  for i, bar in ipairs(bars) do
    local top, width = 12 + step * i, (WIDTH - left - 110) * bar[2] / most
    elements[#elements + 1] = text_at(left - 10, top + 16, bar[1], "end")
    elements[#elements + 1] = ('<rect x="%d" y="%d" width="%.1f" height="22" fill="%s"/>'):format(left, top, width,
      COLOURS[bar[1] == "rill" and 1 or 2])
    elements[#elements + 1] = text_at(left + width + 8, top + 16, ("%.3g %s"):format(bar[2], unit))
  end
  return framed(title, 24 + step * (#bars + 1), elements)
end

return M
