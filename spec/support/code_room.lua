-- Crawls, then has more compiled than LuaJIT has room for by itself: for spec/crawl/code_room_spec.lua.
-- Prints how many KiB hold the first trace, and how often all that was compiled was thrown away.
jit.off() -- so that nothing is compiled before there is more room
local crawl = require "rill.crawl"

local LOOPS = 1500 -- each of which is a trace

-- KiB of what may be executed and belongs to no file.
local function executable()
  local bytes = 0
  for line in io.lines "/proc/self/maps" do
    local first, last = line:match "^(%x+)%-(%x+) r.xp 0+ 00:00 0%s*$"
    if first then bytes = bytes + tonumber(last, 16) - tonumber(first, 16) end
  end
  return bytes / 1024
end

-- Compiles one trace.
local function compile(i)
  assert(loadstring(("local sum = 0 for i = 1, 2000 do sum = sum + i * %d end return sum"):format(i)))()
end

assert(crawl { start = "http://127.0.0.1:1/", robots = false, retries = 0, progress = false, out = function() end })
jit.on()
local before, flushes = executable(), 0
compile(0)
print("area " .. executable() - before)
jit.attach(function(what)
  if what == "flush" then flushes = flushes + 1 end
end, "trace")
for i = 1, LOOPS do compile(i) end
print("flushes " .. flushes)
