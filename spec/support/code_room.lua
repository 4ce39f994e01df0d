-- Crawls, then has more compiled than LuaJIT has room for by itself: for spec/crawl/code_room_spec.lua.
-- Prints how often all that was compiled was thrown away.
local crawl = require "rill.crawl"

local LOOPS = 1500 -- each of which is a trace

assert(crawl { start = "http://127.0.0.1:1/", robots = false, retries = 0, progress = false, out = function() end })
local flushes = 0
jit.attach(function(what)
  if what == "flush" then flushes = flushes + 1 end
end, "trace")
for i = 1, LOOPS do
  assert(loadstring(("local sum = 0 for i = 1, 2000 do sum = sum + i * %d end return sum"):format(i)))()
end
print("flushes " .. flushes)
