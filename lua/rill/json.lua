--- JSON, by the cjson or dkjson that is installed: loaded on first use.
local body_value = require("rill.core.body_value")
local errors = require("rill.errors")

local M = {}

local codec -- { encode, decode }: each raises, or returns nil and why

local function find()
  local loaded, cjson = pcall(require, "cjson.safe")
  if loaded then return cjson end
  local found, dkjson = pcall(require, "dkjson")
  if not found then
    errors.raise("rill.json needs a JSON library: luarocks install lua-cjson, or luarocks install dkjson "
      .. "(Debian: lua-cjson, lua-dkjson)")
  end
  return {
    encode = dkjson.encode,
    decode = function(text)
      local value, position, why = dkjson.decode(text, 1, dkjson.null)
      if why then return nil, why end
      if text:find("%S", position) then return nil, "something follows the value at byte " .. position end
      return value
    end,
  }
end

local function library()
  codec = codec or find()
  return codec
end

--- A body of application/json.
---@param value any what the library can encode
---@return rill.BodyValue
function M.body(value)
  local ok, text, why = pcall(library().encode, value)
  if not ok or not text then
    errors.raise(("rill.json: %s cannot be encoded: %s"):format(errors.show(value), tostring(ok and why or text)))
  end
  return body_value.new("application/json", text)
end

--- Reads a text.
---@param text string
---@return any value null is the library's own `null`
---@return string? why it is none
function M.decode(text)
  local ok, value, why = pcall(library().decode, text)
  if not ok then return nil, tostring(value) end -- it is nested too deep
  if value == nil then return nil, why or "it is empty" end
  return value
end

return M
