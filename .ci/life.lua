-- Draws the life of a request, doc/pictures/request.svg: who does what, from client:get to its return. What is said
-- stands here; doc/architecture.md says more. luajit .ci/life.lua [FILE]
package.path = ".ci/?.lua;" .. package.path
local svg = require("pictures.svg")

local M = {}

local LANES = {
  { "your task", "first" }, { "rill", "first", "lua/rill" }, { "pool", "third", "src/api, src/pool" },
  { "dial", "third", "src/net" }, { "session", "third", "src/h2, src/h1" }, { "server", "second" },
}

-- { from, to, what, where }: an arrow between two lanes. { at, at, what, where }: something in one lane.
-- { turn = what }: from here on the loop turns.
local STEPS = {
  { 1, 2, "client:get(url)", "lua/rill/client.lua" },
  { 2, 3, "URL, fields, body, limits", "lua/rill/core/request.lua" },
  { 3, 3, "a call, last in its origin's queue", "src/pool/origin.c" },
  { 2, 2, "the task is parked; others go on", "lua/rill/runtime/coroutines.lua" },
  { turn = "rill_poll: the loop turns, what is marked acts" },
  { 3, 4, "no connection is open: dial", "src/pool/conn.c" },
  { 4, 6, "look the name up, race the addresses, TLS, ALPN", "src/net/dial.c" },
  { 4, 5, "a session opens", "src/h2/session.c" },
  { 3, 5, "calls that have room become streams", "src/http/stream.c" },
  { 5, 6, "many HEADERS, one send()", "src/h2/frames_out.c" },
  { turn = "the socket is readable" },
  { 6, 5, "HEADERS and DATA", "src/h2/frames_in.c" },
  { 5, 5, "decoded; memory, pieces or a file", "src/http/inlet.c" },
  { 5, 3, "the stream has closed: repeat it, or is it done?", "src/pool/retry.c" },
  { 3, 2, "up to 64 events at once", "src/api/loop.c" },
  { 2, 1, "res: the task goes on", "lua/rill/response.lua" },
}

local MARGIN, LANE, TOP, STEP, HEAD = 80, 160, 78, 46, 46
local WIDTH = 2 * MARGIN + LANE * (#LANES - 1)

local function x_of(lane)
  return MARGIN + (lane - 1) * LANE
end

-- Words on an arrow, with the page's colour behind them where a line would run through.
local function words(add, x, y, step, anchor)
  local half = math.max(#step[3] * 3.1, #step[4] * 3) + 4
  local left = anchor == "middle" and x - half or x - 4
  add(svg.box(left, y - 15, 2 * half, 13, "page"))
  add(svg.text(x, y - 5, step[3], "ink small " .. anchor))
  add(svg.box(left, y + 3, 2 * half, 12, "page"))
  add(svg.text(x, y + 13, step[4], "soft tiny " .. anchor))
end

local function draw_step(add, step, y)
  local from, to = x_of(step[1]), x_of(step[2])
  local class = "line-" .. LANES[step[1]][2]
  if from ~= to then
    words(add, (from + to) / 2, y, step, "middle")
    add(svg.path(("M%g %gH%g"):format(from, y, to), class, 'stroke-width="1.6" marker-end="url(#arrow)"'))
    add(('<circle cx="%g" cy="%g" r="3.2" class="%s"/>'):format(from, y, LANES[step[1]][2]))
  else
    add(svg.box(from - 4, y - 15, 8, 30, LANES[step[1]][2], 3))
    words(add, from + 12, y, step, "start")
  end
end

local function draw_lane(add, i, bottom)
  local lane, x = LANES[i], x_of(i)
  add(svg.path(("M%g %gV%g"):format(x, TOP + HEAD, bottom), "line-faint", 'stroke-width="1.4"'))
  add(svg.box(x - 62, TOP, 124, HEAD, ("box line-%s"):format(lane[2]), 6))
  add(svg.text(x, TOP + (lane[3] and 20 or 28), lane[1], "ink strong middle"))
  if lane[3] then add(svg.text(x, TOP + 36, lane[3], "soft small middle")) end
end

--- The picture.
---@return string
function M.draw()
  local elements = {}
  local function add(element) elements[#elements + 1] = element end
  local bottom = TOP + HEAD + STEP * #STEPS + 30
  add(svg.text(MARGIN - 62, 34, "The life of a request", "ink large strong"))
  add(svg.text(MARGIN - 62, 54, "Commands go down, events come up; nothing calls back into Lua.", "soft"))
  for i = 1, #LANES do draw_lane(add, i, bottom) end
  for i, step in ipairs(STEPS) do
    local y = TOP + HEAD + STEP * i - 6
    if step.turn then
      add(svg.box(MARGIN - 62, y - 14, WIDTH - 2 * MARGIN + 124, 24, "warm", 4))
      add(svg.text(WIDTH / 2, y + 3, step.turn, "second small strong middle"))
    else
      draw_step(add, step, y)
    end
  end
  return svg.picture(WIDTH, bottom + 20, "The life of a request", elements)
end

if arg and arg[0] and arg[0]:find "life%.lua$" then
  local file = assert(io.open(arg[1] or "doc/pictures/request.svg", "wb"))
  file:write(M.draw())
  file:close()
end

return M
