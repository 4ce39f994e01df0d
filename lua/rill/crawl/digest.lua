--- The first eight bytes of a SHA-256, as two numbers: fingerprints of URLs, shapes and bodies.
local ffi = require("rill.core.ffi")

pcall(ffi.cdef, "unsigned char *SHA256(const unsigned char *data, size_t length, unsigned char *digest);")

local crypto -- rill itself needs libcrypto, so it is in the process by the time a crawl starts
for _, name in ipairs { "libcrypto.so.3", "libcrypto.so.1.1", "crypto" } do
  local loaded, library = pcall(ffi.load, name)
  if loaded then
    crypto = library
    break
  end
end
if not crypto then error("rill.crawl needs libcrypto (Debian: libssl3)", 0) end

local out = ffi.new("union { unsigned char bytes[32]; uint32_t words[8]; }")

--- A number of 64 bits in two halves: no cdata is made for it.
---@param text string|ffi.cdata* const uint8_t *
---@param length integer? where it is no string
---@return number high
---@return number low
return function(text, length)
  crypto.SHA256(text, length or #text, out.bytes)
  return out.words[0], out.words[1]
end
