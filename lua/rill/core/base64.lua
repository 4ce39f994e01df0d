--- base64 (RFC 4648 section 4).
require("rill.core.ffi") -- raises a clear error outside of LuaJIT
local bit = require("bit")

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local band, rshift, lshift, bor = bit.band, bit.rshift, bit.lshift, bit.bor

local function digit(number)
  return ALPHABET:sub(number + 1, number + 1)
end

---@param bytes string
---@return string
return function(bytes)
  local out = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local word = bor(lshift(a, 16), lshift(b or 0, 8), c or 0)
    out[#out + 1] = digit(rshift(word, 18)) .. digit(band(rshift(word, 12), 63))
      .. (b and digit(band(rshift(word, 6), 63)) or "=") .. (c and digit(band(word, 63)) or "=")
  end
  return table.concat(out)
end
