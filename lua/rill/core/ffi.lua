--- LuaJIT's ffi, or one line that says what is needed: every module that uses it comes here, and before anything else.
local jit = rawget(_G, "jit")

if not (jit and jit.version_num >= 20100) then
  error("rill needs LuaJIT 2.1: this is " .. (jit and jit.version or _VERSION), 0)
end

local found, ffi = pcall(require, "ffi")
if not found then
  error("rill needs the ffi of LuaJIT 2.1: this LuaJIT was built without it", 0)
end

return ffi
