--- Names and values, as a script gives them for a query, a form or a multipart body: a map, whose names are
--- taken in their order, or a list of pairs.
local errors = require("rill.errors")
local list_of = require("rill.core.list")

local M = {}

-- A number in decimal, so that it is the same one when it is read.
local function number_text(value)
  if value % 1 == 0 and math.abs(value) <= 2 ^ 53 then return ("%.0f"):format(value) end
  local short = ("%.14g"):format(value)
  return tonumber(short) == value and short or ("%.17g"):format(value)
end

--- A value as text.
local function text_of(call, name, value)
  local kind = type(value)
  if kind == "number" and value == value and math.abs(value) < math.huge then return number_text(value) end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "string" then
    errors.raise(("%s: the value of %s must be a string, a number or a boolean, got %s")
      :format(call, errors.show(name), errors.show(value)))
  end
  return value
end

local function check_name(call, name)
  if type(name) ~= "string" then
    errors.raise(("%s: a name must be a string, got %s"):format(call, errors.show(name)))
  end
  return name
end

local function from_list(call, given)
  local list = {}
  for key in pairs(given) do
    if type(key) ~= "number" or key < 1 or key > #given or key % 1 ~= 0 then
      errors.raise(("%s: a list of pairs has no key %s"):format(call, errors.show(key)))
    end
  end
  for i = 1, #given do
    local pair = given[i]
    if type(pair) ~= "table" or #pair ~= 2 then
      errors.raise(("%s: [%d] must be a pair { name, value }, got %s"):format(call, i, errors.show(pair)))
    end
    list[i] = { check_name(call, pair[1]), text_of(call, pair[1], pair[2]) }
  end
  return list
end

local function from_map(call, given)
  local names, list = {}, {}
  for name in pairs(given) do names[#names + 1] = check_name(call, name) end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = given[name]
    if type(value) == "table" then -- several of one name
      if not list_of.is(value) then
        errors.raise(("%s: several values of %s are a list without holes, got %s"):format(call, errors.show(name),
          list_of.shown(value)))
      end
      for _, each in ipairs(value) do list[#list + 1] = { name, text_of(call, name, each) } end
    else
      list[#list + 1] = { name, text_of(call, name, value) }
    end
  end
  return list
end

--- Makes a list of pairs of strings.
---@param call string for errors
---@param given table<string, any>|{[1]: string, [2]: any}[] of a map's values, lists stand for several
---@return {[1]: string, [2]: string}[]
function M.pairs(call, given)
  if type(given) ~= "table" then
    errors.raise(("%s: a map or a list of pairs is needed, got %s"):format(call, errors.show(given)))
  end
  return given[1] ~= nil and from_list(call, given) or from_map(call, given)
end

M.text = text_of

local function escape(text, safe, blank)
  return (text:gsub("[^" .. safe .. "]", function(char)
    return char == " " and blank or ("%%%02X"):format(char:byte())
  end))
end

local function encode(list, safe, blank)
  local parts = {}
  for i, pair in ipairs(list) do
    parts[i] = escape(pair[1], safe, blank) .. "=" .. escape(pair[2], safe, blank)
  end
  return table.concat(parts, "&")
end

--- application/x-www-form-urlencoded, as the URL Standard has it.
---@param list {[1]: string, [2]: string}[]
---@return string
function M.form(list)
  return encode(list, "%w*%-._", "+")
end

--- Appends pairs to a URL's query.
---@param url string
---@param list {[1]: string, [2]: string}[]
---@return string
function M.append(url, list)
  if #list == 0 then return url end
  local before, fragment = url:match("^([^#]*)(.*)$")
  local joint = not before:find("?", 1, true) and "?" or before:find("[?&]$") and "" or "&"
  return before .. joint .. M.query(list) .. fragment
end

--- The pairs of two lists; those of the second replace all of their name in the first.
---@param below {[1]: string, [2]: string}[]?
---@param above {[1]: string, [2]: string}[]
---@return {[1]: string, [2]: string}[]
function M.over(below, above)
  local named, all = {}, {}
  for _, pair in ipairs(above) do named[pair[1]] = true end
  for _, pair in ipairs(below or {}) do
    if not named[pair[1]] then all[#all + 1] = pair end
  end
  for _, pair in ipairs(above) do all[#all + 1] = pair end
  return all
end

--- For a URL's query: every byte that is not unreserved (RFC 3986 section 2.3) is escaped.
---@param list {[1]: string, [2]: string}[]
---@return string
function M.query(list)
  return encode(list, "%w%-._~", "%20")
end

return M
