--- What README and doc/performance.md say of rill beside others: made of one table of the bench.
local plot = require("plot")
local scratch = require("scratch")

local M = {}

--- The lines of the bench it is made of.
M.LINES = { "peers", "scrapy" }
M.ROUNDS = 5

local PEERS = { curl = "CPU / libcurl multi", go = "CPU / Go net/http", lua = "CPU / lua-http",
  scrapy = "time / Scrapy", scrapy_cpu = "CPU / Scrapy" }

-- "3.28 us" with two digits that count.
local function rounded(cell)
  local number = assert(tonumber(cell:match "^[%d.]+"), cell)
  return (number >= 10 and "%.0f" or "%.2g"):format(number)
end

--- The figures of a table as the bench prints it: { own, peer } for each peer.
---@param text string Markdown
---@return table<string, { own: string, peer: string }>
function M.figures(text)
  local found = {}
  for name, title in pairs(PEERS) do
    for line in text:gmatch "[^\n]+" do
      local figure, own, peer = line:match "^| [^|]* | ([^|]*) | ([^|]*) | ([^|]*) |"
      if figure == title then found[name] = { own = rounded(own), peer = rounded(peer) } end
    end
    if not found[name] then error("no figure " .. title, 0) end
  end
  return found
end

local BULLET = [[
- **Fast.** A GET of 1 KiB costs %s µs of CPU; with libcurl's multi interface %s, Go's net/http %s, lua-http %s.
  A documentation site of 1,100 pages is crawled in %s s (%s s of CPU), by Scrapy in %s s (%s s):
  [one table](doc/performance.md#beside-others).
]]

--- README's sentences.
---@param text string Markdown with the table
---@return string
function M.bullet(text)
  local f = M.figures(text)
  return BULLET:format(f.curl.own, f.curl.peer, f.go.peer, f.lua.peer, f.scrapy.own, f.scrapy_cpu.own, f.scrapy.peer,
    f.scrapy_cpu.peer)
end

--- The same as a picture.
---@param text string Markdown with the table
---@return string svg
function M.picture(text)
  local f = M.figures(text)
  local function number(cell) return tonumber(cell) end
  return plot.bars("rill beside others", {
    { title = "A GET of 1 KiB: microseconds of CPU", unit = "µs", bars = {
      { "rill", number(f.curl.own) }, { "libcurl multi", number(f.curl.peer) }, { "Go net/http", number(f.go.peer) },
      { "lua-http", number(f.lua.peer) },
    } },
    { title = "A site of 1,170 pages: seconds", unit = "s", bars = {
      { "rill", number(f.scrapy.own) }, { "Scrapy", number(f.scrapy.peer) },
    } },
  })
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- Puts a text between two others, in the place of what stands there.
local function put(path, from, to, new)
  local text = read(path)
  local first = text:find(from, 1, true)
  local last = first and text:find(to, first + #from, true)
  if not last then error(("%s: there is no %q before %q"):format(path, from, to), 0) end
  scratch.write(path, text:sub(1, first - 1) .. new .. text:sub(last))
end

local HEAD = [[
## Beside others

What README says: `make beside` measures it again and writes it here and there.

]]

--- Puts a table and what README makes of it into their places.
---@param root string of the tree
---@param text string Markdown, as the bench has left it
function M.put(root, text)
  local bullet = M.bullet(text)
  scratch.write(root .. "/doc/pictures/peers.svg", M.picture(text))
  put(root .. "/doc/performance.md", "## Beside others\n", "\n![The same as bars]", HEAD .. text)
  put(root .. "/README.md", "- **Fast.**", "- **Hard to hurt.**", bullet)
end

return M
