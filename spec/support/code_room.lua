-- Crawls, then has more compiled than LuaJIT has room for by itself: for spec/crawl/code_room_spec.lua.
-- Prints how many KiB hold the first trace, how many traces are made of what is done once a batch, and how often all
-- that was compiled was thrown away.
jit.off() -- so that nothing is compiled before there is more room
local crawl = require "rill.crawl"

local LOOPS = 1500 -- each of which is a trace
local BATCHES = 3000

-- KiB of what may be executed and belongs to no file.
local function executable()
  local bytes = 0
  for line in io.lines "/proc/self/maps" do
    local first, last = line:match "^(%x+)%-(%x+) r.xp 0+ 00:00 0%s*$"
    if first then bytes = bytes + tonumber(last, 16) - tonumber(first, 16) end
  end
  return bytes / 1024
end

-- What a shared crawl does with its counters, so many times.
local function count_batches()
  local numbers, totals = require "rill.crawl.frontier.numbers", require "rill.crawl.frontier.totals"
  local counters = { pages = 1, bytes = 2, statuses = { ["200"] = 1 } }
  for _ = 1, BATCHES do
    local now = totals.flat(counters)
    totals.apply(counters, totals.read { "pages", "1", "statuses:200", "1" }, totals.since(now, {}))
    numbers.read { 1, 2, 3, "", 4, 5, 6, 7 }
  end
end

-- Compiles one trace.
local function compile(i)
  assert(loadstring(("local sum = 0 for i = 1, 2000 do sum = sum + i * %d end return sum"):format(i)))()
end

assert(crawl { start = "http://127.0.0.1:1/", robots = false, retries = 0, progress = false, out = function() end })
jit.on()
local before, flushes, traces = executable(), 0, 0
compile(0)
print("area " .. executable() - before)
jit.attach(function(what)
  if what == "flush" then flushes = flushes + 1 end
  if what == "stop" then traces = traces + 1 end
end, "trace")
count_batches()
print("batches " .. traces)
for i = 1, LOOPS do compile(i) end
print("flushes " .. flushes)
