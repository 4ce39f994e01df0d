--- The option `auth`: what it makes of a user or a token.
local base64 = require("rill.core.base64")

local M = {}

local KNOWN = { user = true, password = true, bearer = true }

local function is_text(value)
  return type(value) == "string" and not value:find("%c")
end

--- Whether a value may be the option.
---@param value any
---@return boolean
function M.is(value)
  if value == false then return true end
  if type(value) ~= "table" then return false end
  for key in pairs(value) do
    if not KNOWN[key] then return false end
  end
  if value.bearer ~= nil then
    return value.user == nil and value.password == nil and is_text(value.bearer) and value.bearer:find("^%S+$") ~= nil
  end
  return is_text(value.user) and not value.user:find(":", 1, true) -- RFC 7617 section 2
    and (value.password == nil or is_text(value.password))
end

--- The value of the authorization field.
---@param given { user: string, password: string? }|{ bearer: string }|false checked
---@return string|false value
function M.value(given)
  if not given then return false end
  if given.bearer then return "Bearer " .. given.bearer end
  return "Basic " .. base64(given.user .. ":" .. (given.password or ""))
end

return M
