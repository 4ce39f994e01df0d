--- The room that LuaJIT has for what it compiles: for all of the process, once the first crawl begins.
require("rill.core.ffi") -- says what is missing where there is no LuaJIT
local jit = require("jit")

-- LuaJIT's own, until it is told otherwise, is 512 KiB, and 1,000 traces. A crawl whose state is in Redis, and whose
-- pages are asked by selectors, compiles some 700 traces, which are more. Where there is no room all are thrown away
-- and compiled again; and each of them changes several times which memory may be executed, for which the kernel stops
-- the process on all processors. These numbers are OpenResty's, so they are never less than what a LuaJIT begins with.
-- Nothing is taken before it is needed.
local ROOM = { "maxmcode=40960", "maxtrace=8000" }

local is_made = false

--- Makes it larger, once.
return function()
  if is_made or not jit.opt then return end
  is_made = true
  jit.opt.start(unpack(ROOM))
end
