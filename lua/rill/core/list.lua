--- Lists that scripts give: a set, a map or a list with a hole would be read as less than it holds.
local M = {}

--- Whether a value is a list without holes, and nothing else.
---@param value any
---@param may_have_fields boolean? beside its entries, if it has any
---@return boolean
function M.is(value, may_have_fields)
  if type(value) ~= "table" then return false end
  local length, count = #value, 0
  for key in pairs(value) do
    if type(key) == "number" then
      if key < 1 or key > length or key % 1 ~= 0 then return false end
      count = count + 1
    elseif not may_have_fields or length == 0 then
      return false
    end
  end
  return count == length
end

--- Whether a table has entries, and none of them is of a list. A list may have fields beside its entries.
---@param value table
---@return boolean
function M.is_map(value)
  return #value == 0 and next(value) ~= nil
end

return M
