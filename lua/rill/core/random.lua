--- Text that nobody can guess.
local ffi = require("rill.core.ffi")

pcall(ffi.cdef, "int getentropy(void *buffer, size_t length);")

local ROOM = 32
local bytes = ffi.new("uint8_t[?]", ROOM)

--- Random bytes of the system, in hexadecimal.
---@param count integer bytes, 32 at most
---@return string
return function(count)
  assert(count <= ROOM)
  if ffi.C.getentropy(bytes, count) ~= 0 then error("rill: the system has no random bytes", 0) end
  local out = {}
  for i = 1, count do out[i] = ("%02x"):format(bytes[i - 1]) end
  return table.concat(out)
end
