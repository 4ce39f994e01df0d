--- Lists that scripts give: a set, a map or a list with a hole would be read as less than it holds.
local errors = require("rill.errors")

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

--- Whether a value is a list of strings that are not empty, without holes.
---@param value any
---@return boolean
function M.is_of_texts(value)
  if not M.is(value) then return false end
  for _, each in ipairs(value) do
    if type(each) ~= "string" or each == "" then return false end
  end
  return true
end

-- Fields of lists that may be empty: of table.pack, and of a rill.HtmlScan, which most pages without links have.
local BESIDE = {
  n = true, base = true, canonical = true, robots = true, refresh = true, title = true, refused = true, cut = true,
}

--- Whether a table has entries, and none of them is of a list. A list may have fields beside its entries.
---@param value table
---@return boolean
function M.is_map(value)
  if #value > 0 then return false end
  for key in pairs(value) do
    if not BESIDE[key] then return true end
  end
  return false
end

--- Where a list holds nothing, and something behind that.
---@param value table
---@return integer?
function M.hole(value)
  local last = 0 -- not the length, which may be that of all, or of what stands before any hole
  for i in ipairs(value) do last = i end
  for key in pairs(value) do
    if type(key) == "number" and key > last then return last + 1 end
  end
end

--- What is no list, as an error names it: by the field or the hole that makes it none.
---@param value any
---@return string
function M.shown(value)
  if type(value) ~= "table" then return errors.show(value) end
  for key in pairs(value) do
    if type(key) ~= "number" then return "a table with the field " .. errors.show(key) end
  end
  local hole = M.hole(value)
  return hole and ("a table without entry %d"):format(hole) or errors.show(value)
end

return M
