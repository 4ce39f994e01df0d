-- Ten hosts, of which one refuses and one never answers: when the others are done, against when they are alone.
local crawl = require("rill.crawl")
local program = require("program")
local rill = require("rill")

local GOOD, DELAY = 8, 0.1 -- hosts, seconds

local port = tonumber(program.url:match(":(%d+)/"))
local free = 1 -- nothing listens there
local ports = { [GOOD + 1] = free, [GOOD + 2] = port + 1 }

-- Returns when the last page of a good host had come, and how many there were.
local function run(hosts)
  local resolve, starts, began, last, count = {}, {}, rill.now(), 0, 0
  for i = 1, hosts do
    local host = ("h%d.test:%d"):format(i, port)
    resolve[host], starts[i] = "127.0.0.1:" .. (ports[i] or port), ("http://%s/"):format(host)
  end
  assert(crawl {
    start = starts, robots = false, progress = false, retries = 1, per_origin = { delay = DELAY, jitter = 0 },
    client = { h2c = true, protocols = { "h2" }, resolve = resolve, deny_private = false, timeout = 3 },
    page = function() last, count = rill.now() - began, count + 1 end,
  })
  return last, count
end

local alone, pages = run(GOOD)
local among, same = run(GOOD + 2)
assert(pages == same and pages == GOOD * program.count, pages .. " and " .. same .. " pages")
program.done(program.count, { times_late = among / alone })
