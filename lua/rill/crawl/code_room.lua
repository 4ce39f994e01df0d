--- The room that LuaJIT has for what it compiles, and what it compiles: for all of the process, once the first crawl
--- begins.
require("rill.core.ffi") -- raises a clear error where there is no LuaJIT
local jit = require("jit")

-- LuaJIT's default is 512 KiB of machine code and 1,000 traces. A crawl with its state in Redis and CSS selectors
-- compiles some 700 traces, which take more than 512 KiB. When the room is used up, LuaJIT discards all traces and
-- compiles them again. Compiling a trace calls mprotect() several times, which interrupts every processor that runs the
-- process. These values are OpenResty's defaults, no lower than those of any LuaJIT. Memory is allocated as needed.
local ROOM = { "maxmcode=40960", "maxtrace=8000" }

-- LuaJIT compiles a loop when it has run 56 times, and a way out of compiled code when it was taken 10 times. A page's
-- way through a crawl has many short loops and as many ways out of them. What is taken once in a hundred pages is not
-- worth that: with these values 2,768 pages make 300 traces in place of 410. LuaJIT counts the ways out in a byte: with
-- 255 or more it would not go on.
local PATIENCE = { "hotloop=200", "hotexit=60" }

-- LuaJIT maps machine code by the area, 64 KiB by default, and changes what may be done with a whole area before and
-- after each trace that it writes there, which the system does page by page: some 900 such calls were 12 % of the CPU
-- of a crawl of 2,768 pages. A trace longer than an area is not compiled; the longest of that crawl has 15 KiB.
local AREA = "sizemcode=24" -- KiB

local is_made = false

--- Makes it larger, once.
return function()
  if is_made or not jit.opt then return end
  is_made = true
  jit.opt.start(unpack(ROOM))
  jit.opt.start(unpack(PATIENCE))
  jit.opt.start(AREA)
end
