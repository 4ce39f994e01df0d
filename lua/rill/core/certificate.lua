--- A peer's certificate as people read it.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")

local M = {}

---@class rill.Certificate
---@field subject string RFC 2253 form
---@field issuer string
---@field names string[] subject alternative names
---@field not_before number Unix time
---@field not_after number Unix time
---@field sha256 string of the DER, hex
---@field pem string

--- Reads a certificate.
---@param der string
---@return rill.Certificate? certificate nil when it cannot be read
function M.parse(der)
  local handle = C.rill_certificate_new(der, #der)
  if handle == nil then return nil end
  local names = {}
  for name in ffi.string(handle.names):gmatch("[^\n]+") do
    names[#names + 1] = name
  end
  local certificate = {
    subject = ffi.string(handle.subject),
    issuer = ffi.string(handle.issuer),
    names = names,
    not_before = handle.not_before,
    not_after = handle.not_after,
    sha256 = ffi.string(handle.sha256),
    pem = ffi.string(handle.pem),
  }
  C.rill_certificate_free(handle)
  return certificate
end

return M
