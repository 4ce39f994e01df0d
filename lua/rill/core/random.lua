--- Text that nobody can guess.
local ffi = require("rill.core.ffi")
local bit = require("bit")

pcall(ffi.cdef, "int getentropy(void *buffer, size_t length);")

local ROOM = 32
local DIGITS = ffi.new("const char[17]", "0123456789abcdef")
local bytes, text = ffi.new("uint8_t[?]", ROOM), ffi.new("uint8_t[?]", 2 * ROOM)

--- Random bytes of the system, in hexadecimal.
---@param count integer bytes, 32 at most
---@return string
return function(count)
  assert(count <= ROOM)
  if ffi.C.getentropy(bytes, count) ~= 0 then error("rill: the system has no random bytes", 0) end
  for i = 0, count - 1 do
    local byte = bytes[i]
    text[2 * i], text[2 * i + 1] = DIGITS[bit.rshift(byte, 4)], DIGITS[bit.band(byte, 15)]
  end
  return ffi.string(text, 2 * count)
end
