--- Writes tables as JSON: lists (with an item 1, or empty) and maps with string keys, sorted.
local M = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(char)
    return ESCAPES[char] or ("\\u%04x"):format(char:byte())
  end) .. '"'
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

--- Strings, numbers, booleans and tables of these.
---@param value any
---@param indent string? of the line it stands on
---@return string
function M.encode(value, indent)
  if type(value) == "string" then return quoted(value) end
  if type(value) == "number" then return ("%.9g"):format(value) end
  if type(value) == "boolean" then return tostring(value) end
  assert(type(value) == "table", "no JSON for a " .. type(value))
  indent = indent or ""
  local inner, parts = indent .. "  ", {}
  if #value > 0 or next(value) == nil then
    for i, item in ipairs(value) do
      parts[i] = M.encode(item, inner)
    end
    local flat = "[" .. table.concat(parts, ", ") .. "]"
    if #flat <= 120 and not flat:find("\n") then return flat end
    return "[\n" .. inner .. table.concat(parts, ",\n" .. inner) .. "\n" .. indent .. "]"
  end
  for i, key in ipairs(sorted_keys(value)) do
    parts[i] = inner .. quoted(key) .. ": " .. M.encode(value[key], inner)
  end
  return "{\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "}"
end

return M
