--- Request bodies that bring their content-type: what rill.json, rill.form and rill.multipart return.
---@class rill.BodyValue
---@field content_type string
---@field text string? the body
---@field parts (string|{file: string})[]? else: what it is made of, in order
local BodyValue = {}
BodyValue.__index = BodyValue

function BodyValue:__tostring()
  return "request body: " .. self.content_type
end

local M = {}

---@return rill.BodyValue
function M.new(content_type, text, parts)
  return setmetatable({ content_type = content_type, text = text, parts = parts }, BodyValue)
end

---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == BodyValue
end

return M
