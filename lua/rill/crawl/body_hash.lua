--- A number of 64 bits for a body, which says whether it is another page's. From a secret, so it means nothing outside
--- of this process: for crawls without a state. SHA-256, which states keep, takes five times as long.
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
