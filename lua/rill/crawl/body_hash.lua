--- A hash of 64 bits of a body: two pages with the same hash have the same body. It is made with a secret key, new in
--- each process, so no state can keep it; states keep SHA-256, which takes five times as long.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")

local out = ffi.new("uint32_t[2]")
local hasher -- made once it is needed

local function new_hasher()
  local made = C.rill_hasher_new()
  if made == nil then error("rill.crawl: no hash of a body can be made", 0) end
  return ffi.gc(made, C.rill_hasher_free)
end

---@param data ffi.cdata* const uint8_t *
---@param length integer
---@return number high
---@return number low
return function(data, length)
  hasher = hasher or new_hasher()
  if C.rill_hasher_hash(hasher, data, length, out) ~= 0 then error("rill.crawl: out of memory", 0) end
  return out[0], out[1]
end
