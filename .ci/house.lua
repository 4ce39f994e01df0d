-- Draws the house, doc/pictures/house.svg: its rooms, and who needs whom, as the sources say.
-- luajit .ci/house.lua [FILE]
--
-- Rooms are the folders of src/ and groups of modules of lua/rill. An arrow is an #include, a require(), or a function
-- of rill.h that Lua calls; one that follows from others is left out. What leads up, or in a circle, fails.
package.path = ".ci/?.lua;" .. package.path
local layout = require("pictures.layout")
local svg = require("pictures.svg")

local M = {}

-- What a room is for, in two lines. Those of Lua have the words with which their modules' names begin.
local ROOMS = {
  { "bin/rill", "the command: get, crawl, links,", "robots, status, join", lua = { "cli" } },
  { "rill.crawl", "whole sites: frontier, politeness,", "commits, outputs, recrawls", lua = { "crawl" } },
  { "rill.html", "links of a page, documents,", "CSS and XPath", lua = { "html" } },
  { "rill.har", "what was asked for, as HAR", "and as a waterfall", lua = { "har" } },
  { "formats", "robots.txt, sitemaps, WARC", "",
    lua = { "robots", "sitemap", "warc", "core.robots_pattern", "core.sitemap_markup", "core.gunzip" } },
  { "stores", "SQLite and Redis, by the FFI", "", lua = { "sqlite", "redis" } },
  { "rill", "clients, streams, responses, tasks;", "standalone, nginx or luv", lua = { "" } },
  { "api", "the public calls; the loop that", "waits, steps and hands over" },
  { "doc", "documents: a page's tree,", "a library of its own" },
  { "html", "encodings, tags, links", "of a page" },
  { "pool", "origins, queues, connections,", "repeats, politeness" },
  { "h2", "HTTP/2: a session's frames", "" },
  { "h1", "HTTP/1.1: heads and chunks", "" },
  { "http", "streams and uploads; what", "a version of HTTP is" },
  { "http (messages)", "header fields, heads, bodies,", "content codings" },
  { "warc", "records of WARC files", "" },
  { "url", "URLs as browsers read them", "" },
  { "net", "names, sockets, TLS, proxies:", "from a host to a byte pipe" },
  { "base", "memory, errors, timers, marks", "" },
}

local LIBRARIES = {
  { "nghttp2/", "nghttp2" }, { "event2/", "libevent" }, { "openssl/", "OpenSSL" }, { "ares.h", "c-ares" },
  { "zlib.h", "zlib" }, { "brotli/", "brotli" }, { "zstd.h", "zstd" }, { "libxml/", "libxml2" },
  { "pcre2.h", "PCRE2" }, { "idn2.h", "libidn2" },
}

local function lines_of(command)
  local list, pipe = {}, assert(io.popen(command))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- The room of a module: the one with the longest word.
local function room_of(module)
  local best, length
  for _, room in ipairs(ROOMS) do
    for _, word in ipairs(room.lua or {}) do
      local whole = "rill" .. (word ~= "" and "." .. word or "")
      local inside = module == whole or module:sub(1, #whole + 1) == whole .. "."
      if inside and (not length or #whole > length) then best, length = room[1], #whole end
    end
  end
  return best
end

local UPPER_FLOOR = 3 -- of doc/architecture.md, from which on a file of src/http is about streams

-- The room of a file of src/, by "room/name". http is two: streams stand above net, messages below it.
local function c_room(floors, folder, name)
  if folder ~= "http" then return folder end
  return (floors[folder .. "/" .. name] or 0) >= UPPER_FLOOR and "http" or "http (messages)"
end

local function read_floors()
  local floors = {}
  for floor, rooms in read "doc/architecture.md":gmatch "\n| (%d) | ([^|]*) |" do
    for name in rooms:gmatch "`src/(%w+/[%w_]+)%.%w`" do floors[name] = tonumber(floor) end
  end
  return floors
end

-- Rooms of C that arrows of Lua lead to are called "src/NAME", as the others are.
local function c_arrows(add, uses, defined)
  local floors = read_floors()
  for _, path in ipairs(lines_of "find src -mindepth 2 -name '*.[ch]' | sort") do
    local folder, name = path:match "^src/(%w+)/([%w_]+)"
    local room, text = c_room(floors, folder, name), read(path)
    for other, file in text:gmatch '#include "(%w+)/([%w_]+)' do add(room, c_room(floors, other, file)) end
    for _, library in ipairs(LIBRARIES) do
      if text:find("#include <" .. library[1], 1, true) then uses(room, library[2]) end
    end
    if path:find "%.c$" then
      for symbol in text:gmatch "\n[%w_][%w_ *]-[ *](rill_[%w_]+)%b()\n{" do defined[symbol] = room end
    end
  end
end

local function lua_arrows(add, defined)
  for _, path in ipairs(lines_of "find lua/rill -name '*.lua' ! -name meta.lua ! -name cdef.lua | sort") do
    local module = path:sub(5, -5):gsub("/init$", ""):gsub("/", ".")
    local room, text = room_of(module), read(path)
    for other in text:gmatch 'require%("(rill[%w_.]*)"%)' do add(room, room_of(other)) end
    for name in text:gmatch "%f[%w_]%u[%w]*%.(rill_[%w_]+)%(" do
      if defined[name] then add(room, defined[name]) end
    end
  end
end

--- Who needs whom: room -> room -> true. And which libraries a room includes.
---@return table<string, table<string, boolean>> arrows
---@return table<string, string[]> libraries
function M.arrows()
  local arrows, libraries, defined, known = {}, {}, {}, {}
  for _, room in ipairs(ROOMS) do known[room[1]], arrows[room[1]], libraries[room[1]] = true, {}, {} end
  local function add(from, to)
    assert(known[from], "no room " .. from)
    assert(known[to], "no room " .. to)
    if from ~= to then arrows[from][to] = true end
  end
  local function uses(room, library)
    local list = libraries[room]
    if not list[library] then list[#list + 1], list[library] = library, true end
  end
  c_arrows(add, uses, defined)
  lua_arrows(add, defined)
  for _, list in pairs(libraries) do table.sort(list) end
  return arrows, libraries
end

--- The way from a room back to itself, if there is one.
---@return string?
function M.circle(arrows)
  local state = {}
  local function visit(name, way)
    if state[name] == "open" then return way .. name end
    if state[name] then return nil end
    state[name] = "open"
    for _, other in ipairs(layout.sorted(arrows[name])) do
      local found = visit(other, way .. name .. " > ")
      if found then return found end
    end
    state[name] = "done"
  end
  for _, name in ipairs(layout.sorted(arrows)) do
    local found = visit(name, "")
    if found then return found end
  end
end

local MARGIN, BOX, HEIGHT, FLOOR, TOP, GAP = 36, 208, 70, 112, 78, 26
local GROUND = { doc = 4 } -- no room of C needs it: it stands on the highest floor below Lua
local PASSING = 14 -- the width of an arrow that goes past a floor

local function place_y(floor)
  return TOP + floor * FLOOR
end

local function draw_room(add, room, node, libraries)
  local x, y = MARGIN + node.x - BOX / 2, place_y(node.floor)
  local middle = x + BOX / 2
  add(svg.box(x, y, BOX, HEIGHT, (room.lua and "cool" or "fresh") .. (room.lua and " line-first" or " line-third"), 6))
  local two = room[3] ~= "" and 1 or 0
  local lines = 2 + two + (libraries[1] and 1 or 0)
  local at = y + HEIGHT / 2 - lines * 8 + 12
  add(svg.text(middle, at, (room.lua and "" or "src/") .. room[1], "ink strong middle"))
  for i = 2, 2 + two do add(svg.text(middle, at + 16 * (i - 1), room[i], "soft small middle")) end
  if libraries[1] then
    add(svg.text(middle, at + 16 * (1 + two) + 16, table.concat(libraries, ", "), "second small middle"))
  end
end

local function draw_arrow(add, node, first)
  local x, y = MARGIN + node.x, place_y(node.floor) + HEIGHT
  local points = { ("M%g %g"):format(x, y) }
  local last, at = node, first
  while true do
    local top, to_x = place_y(at.floor), MARGIN + at.x
    local half = (top - y) / 2
    local ending = at.name and 2 or 0
    points[#points + 1] = ("C%g %g %g %g %g %g"):format(x, y + half, to_x, top - half, to_x, top - ending)
    if at.name then break end
    points[#points + 1] = ("L%g %g"):format(to_x, top + HEIGHT)
    x, y, last, at = to_x, top + HEIGHT, at, at.down[1]
  end
  add(svg.path(table.concat(points), "line-soft", 'stroke-width="1.4" marker-end="url(#arrow)"'))
  return last
end

--- The picture.
---@return string
function M.draw()
  local arrows, libraries = M.arrows()
  local circle = M.circle(arrows)
  assert(not circle, "rooms need each other: " .. tostring(circle))
  local names = {}
  for i, room in ipairs(ROOMS) do names[i] = room[1] end
  local rows, nodes, width = layout.place(names, layout.reduced(arrows), function(node)
    return node.name and BOX or PASSING
  end, GAP, GROUND)
  width = width + 2 * MARGIN
  local elements = {}
  local function add(element) elements[#elements + 1] = element end
  add(svg.text(MARGIN, 34, "The house of rill", "ink large strong"))
  add(svg.text(MARGIN, 54, "An arrow is what a room needs; one that follows from others is left out. None leads up.",
    "soft"))
  local ground = place_y(nodes.api.floor) - (FLOOR - HEIGHT) / 2
  add(svg.path(("M%d %gH%d"):format(MARGIN, ground, width - MARGIN), "line-faint",
    'stroke-width="1.4" stroke-dasharray="5 5"'))
  add(svg.text(MARGIN, ground - 8, "Lua", "first small strong"))
  add(svg.text(MARGIN, ground + 15, "C", "third small strong"))
  add(svg.text(width - MARGIN, ground - 8, "src/rill.h: ids, structs, no callbacks", "soft small end"))
  for _, name in ipairs(names) do
    for _, lower in ipairs(nodes[name].down) do draw_arrow(add, nodes[name], lower) end
  end
  for _, room in ipairs(ROOMS) do draw_room(add, room, nodes[room[1]], libraries[room[1]]) end
  local height = place_y(#rows - 1) + HEIGHT + 28
  return svg.picture(width, height, "The house of rill: its rooms and who needs whom", elements)
end

if arg and arg[0] and arg[0]:find "house%.lua$" then
  local file = assert(io.open(arg[1] or "doc/pictures/house.svg", "wb"))
  file:write(M.draw())
  file:close()
end

return M
