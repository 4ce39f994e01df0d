--- Which line of a script has called, two calls above. The core's own function is one for Lua: debug.getinfo makes a
--- table of 460 bytes each time, and 100,000 of them cost as much as the tasks that are started.
local library = require("rill.core.library")

local getinfo = debug.getinfo

-- The same by debug.getinfo, one call deeper.
local function by_debug()
  local info = getinfo(4, "lf")
  if info then return info.func, info.currentline end
end

local of_core = package.loadlib and package.loadlib(library.core(), "rill_lua_caller")

-- Where the program does not export LuaJIT's functions, the core's finds nothing.
local function works()
  local function called() return (of_core()) end
  local function calls() return (called()) end
  return (calls()) ~= nil
end

---@type fun(): function?, integer? what has called, nil where nobody has, and its line; -1 in C
return of_core and works() and of_core or by_debug
