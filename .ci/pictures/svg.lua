--- Pieces of SVG that is readable on light and on dark pages: what is drawn has a class, and the class a colour for
--- each of the two.
local M = {}

-- class -> light, dark; a name that begins with "stroke" is a line's.
local COLOURS = {
  { "page", "#ffffff", "#0d1117" }, { "ink", "#1f2328", "#e6edf3" }, { "soft", "#59636e", "#9198a1" },
  { "box", "#f6f8fa", "#151b23" }, { "first", "#0969da", "#58a6ff" }, { "second", "#bc4c00", "#f0883e" },
  { "third", "#1a7f37", "#3fb950" }, { "fourth", "#8250df", "#bc8cff" }, { "faint", "#d1d9e0", "#3d444d" },
  { "warm", "#fff4e5", "#2b2013" }, { "cool", "#e8f2fd", "#10233d" }, { "fresh", "#e9f7ec", "#12261a" },
}

local function rules(column)
  local lines = {}
  for _, colour in ipairs(COLOURS) do
    lines[#lines + 1] = (".%s{fill:%s}.line-%s{stroke:%s;fill:none}"):format(colour[1], colour[column], colour[1],
      colour[column])
  end
  return table.concat(lines, "\n")
end

---@param text string
---@return string
function M.escaped(text)
  return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

---@param class string one of the colours, and what else is wanted
---@param more string? attributes
---@return string
function M.text(x, y, text, class, more)
  return ('<text x="%g" y="%g" class="%s"%s>%s</text>'):format(x, y, class, more and " " .. more or "",
    M.escaped(text))
end

---@return string
function M.box(x, y, width, height, class, radius)
  return ('<rect x="%g" y="%g" width="%g" height="%g" rx="%g" class="%s"/>'):format(x, y, width, height,
    radius or 0, class)
end

---@param points string of the attribute d
---@param class string a colour's line
---@return string
function M.path(points, class, more)
  return ('<path d="%s" class="%s"%s/>'):format(points, class, more and " " .. more or "")
end

local SIZES = "text.middle{text-anchor:middle}text.end{text-anchor:end}.strong{font-weight:600}\n"
  .. ".small{font-size:11px}.tiny{font-size:10px}.large{font-size:16px}"

local ARROW = '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
  .. 'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z" class="soft"/></marker></defs>'

---@param title string for who does not see it
---@param elements string[]
---@return string svg
function M.picture(width, height, title, elements)
  return table.concat({
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" '
      .. 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="13">'):format(
      width, height, width, height),
    ("<title>%s</title>"):format(M.escaped(title)),
    "<style>", rules(2), SIZES, "@media (prefers-color-scheme: dark){", rules(3), "}</style>", ARROW,
    M.box(0, 0, width, height, "page", 8), table.concat(elements, "\n"), "</svg>\n",
  }, "\n")
end

return M
