-- COUNT hosts of five pages with a delay of 2 s, against what is possible: four delays, or the time without any.
local crawl = require("rill.crawl")
local program = require("program")
local rill = require("rill")

local DELAY, PAGES = 2, 5 -- seconds, pages of a host
local TOLERANCE = 0.2 -- seconds: a server that has no CPU takes one request late and the next in time

local base = program.url:gsub("^https", "http")
local port = base:match(":(%d+)/")
local resolve, starts = {}, {}
for i = 1, program.count do
  local host = ("h%d.test:%s"):format(i, port)
  resolve[host], starts[i] = "127.0.0.1:" .. port, ("http://%s/"):format(host)
end

-- Returns seconds, and the shortest time between two requests to one host.
local function run(delay)
  local began = rill.now()
  local done = assert(crawl {
    start = starts, robots = false, progress = false, per_origin = { delay = delay, jitter = 0 }, page = function() end,
    client = { h2c = true, protocols = { "h2" }, resolve = resolve },
  })
  local seconds = rill.now() - began
  assert(done.ok == PAGES * program.count, require("rill.core.plain_json").encode(done))
  local least = rill.run(function()
    local client = rill.client { h2c = true, protocols = { "h2" } }
    local response = assert(client:get(base .. "least"))
    client:close()
    return tonumber(response.body) / 1000
  end)
  return seconds, least
end

local without = run(0)
local with, least = run(DELAY)
assert(least >= DELAY - TOLERANCE, ("two requests after %.3f s"):format(least))
program.done(program.count, { times_late = with / math.max((PAGES - 1) * DELAY, without) })
