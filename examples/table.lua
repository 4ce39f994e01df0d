--- The first table of a page as JSON: a list of its rows, each by the names in its head.
--- usage: luajit table.lua https://example.com/table [CSS selector of the table]
local rill = require("rill")

local url, selector = arg[1], arg[2] or "table"
local client = rill.client()

local function texts_of(cells)
  local list = {}
  for i, cell in ipairs(cells) do list[i] = cell:text() end
  return list
end

-- Rows of this table, and not of those in its cells.
local ROWS = "tr | thead/tr | tbody/tr | tfoot/tr"

local function read(element)
  local names, rows = nil, {}
  for _, row in ipairs(element:xpath(ROWS)) do
    local cells = texts_of(row:xpath "th | td")
    if not names then
      names = cells
    else
      local values = {}
      for i, text in ipairs(cells) do values[names[i] or ("column " .. i)] = text end
      rows[#rows + 1] = values
    end
  end
  return rows
end

rill.run(function()
  local res, err = client:get(url)
  if not res then error(tostring(err)) end
  local page = rill.html.document(res.body, res.url, res.headers["content-type"])
  local found, why = page:css(selector)
  if not found then error(tostring(why)) end
  if not found[1] then error("no table on " .. res.url) end
  print(rill.json(read(found[1])).text)
end)
client:close()
