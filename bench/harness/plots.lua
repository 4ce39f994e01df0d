--- What the plots show. Each is a file, its words, and points: { x, contestants, server, ... }, which are lines of
--- the bench like those of `lines`. A cost is the CPU time of the client process for one `unit`, a request.
local contestants = require("contestants")
local h2load, rill = contestants.h2load, contestants.rill

local KIB, MIB = 2 ^ 10, 2 ^ 20
local PER_CONNECTION = 10
local TRAFFIC = 256 * MIB -- that a point of the body sizes moves

local function always(word)
  return function() return tostring(word) end
end

local function options(connections, per_connection)
  return function() return { "-c" .. connections, "-m" .. per_connection } end
end

local function point(x, server, runners, more)
  local line = { x = x, server = server, contestants = runners, figures = {} }
  for name, value in pairs(more or {}) do
    line[name] = value
  end
  return line
end

local function streams()
  local points = {}
  for exponent = 0, 4 do
    local count, requests = 10 ^ exponent, exponent == 0 and 10000 or 50000
    points[#points + 1] = point(count, "nghttpd_wide", {
      rill = rill("get_1k", requests, "/1k-0", always(count)),
      h2load = h2load(requests, "/1k-0", options(1, count)),
    })
  end
  return points
end

local function connections()
  local points = {}
  for exponent = 0, 3 do
    local count = 10 ^ exponent
    points[#points + 1] = point(count, "nghttpd", {
      rill = rill("many_connections", 50000, "/1k-0", always(count)),
      h2load = h2load(50000, "/1k-0", options(count, PER_CONNECTION)),
    })
  end
  return points
end

local function queue()
  local points = {}
  for exponent = 2, 6 do
    local count = 10 ^ exponent
    local requests = math.max(count, 50000)
    local large = count == 1e6
    points[#points + 1] = point(count, "nghttpd", {
      ["rill, a task for each"] = rill("queued", requests, "/1k-", always(count)),
      ["rill, 100 tasks"] = rill("get_distinct", requests, "/1k-"),
    }, large and { rounds = 1, within = 150 } or nil)
  end
  return points
end

local SIZES = {
  { 0, "0" }, { KIB, "1 KiB" }, { 16 * KIB, "16 KiB" }, { 256 * KIB, "256 KiB" }, { 4 * MIB, "4 MiB" },
  { 64 * MIB, "" }, { 256 * MIB, "256 MiB" },
}
local NO_BODY = 64 -- where 0 stands on the axis, and so does what a head weighs

local function size_ticks()
  local ticks = {}
  for i, size in ipairs(SIZES) do
    ticks[i] = { math.max(size[1], NO_BODY), size[2] }
  end
  return ticks
end

local function sizes()
  local points = {}
  for _, size in ipairs(SIZES) do
    local bytes = size[1]
    local requests = math.min(15000, math.max(1, TRAFFIC / math.max(bytes, 1)))
    local at_once = bytes > MIB and 1 or 10
    local name = "body-" .. bytes
    points[#points + 1] = point(math.max(bytes, NO_BODY), "nghttpd", {
      rill = rill("body_size", requests, "/" .. name, always(at_once)),
      h2load = h2load(requests, "/" .. name, options(1, at_once)),
    }, { prepare = function(scratch) scratch:large(name, bytes) end })
  end
  return points
end

local function pages()
  local points = {}
  for exponent = 3, 6 do
    local count = 10 ^ exponent
    local large = count > 1e5
    points[#points + 1] = point(count, "site_" .. count, {
      ["rill, state in memory"] = rill("crawl_pages", count, "/", always "-"),
      ["rill, state in SQLite"] = rill("crawl_pages", count, "/", function(place)
        return place.scratch:file "pages.crawl"
      end),
    }, large and { rounds = 1, within = 1800 } or nil)
  end
  return points
end

return {
  { file = "streams.svg", title = "GET 1 KiB on one connection", x = "streams at a time", points = streams() },
  { file = "connections.svg", title = "GET 1 KiB, 10 streams on each connection", x = "connections",
    points = connections() },
  { file = "queue.svg", title = "GET 1 KiB, 100 streams, the others wait", x = "requests issued at once",
    points = queue() },
  { file = "body-size.svg", title = "GET, bodies kept outside of Lua", x = "size of the body", points = sizes(),
    ticks = size_ticks() },
  { file = "pages.svg", title = "A generated site, crawled", x = "pages", unit = "page", points = pages() },
}
