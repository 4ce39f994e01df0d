--- Whether a text is JSON (RFC 8259), and where it is not. Whatever reads JSON here asks this first: each library lets
--- other things pass, commas too many, comments, numbers of C, line ends in strings.
local M = {}

local byte, find, match, sub = string.byte, string.find, string.match, string.sub

local QUOTE, BACKSLASH = 34, 92
local BLANKS = "^[ \t\r\n]*()"
local WORDS = { [102] = "false", [110] = "null", [116] = "true" } -- by their first byte
local CLOSES = { ["["] = "]", ["{"] = "}" }
local UNKNOWN = "\\ufffd" -- in place of half a character

-- Notes what is wrong, for a reader that then returns nil.
local function refuse(reading, what, at)
  reading.why = ("%s at byte %d"):format(what, at)
end

-- Each of these returns where the thing at `at` ends, or nil once that was refused. First: \uXXXX, which may be half a
-- character; the other half has to follow.
local function after_unit(reading, at, digits)
  local unit = tonumber(digits, 16)
  if unit < 0xD800 or unit > 0xDFFF then return at + 6 end
  if unit < 0xDC00 and match(reading.text, "^\\u[dD][c-fC-F]%x%x", at + 6) then return at + 12 end
  reading.alone[#reading.alone + 1] = at
  return at + 6
end

local function after_escape(reading, at)
  local digits = match(reading.text, "^u(%x%x%x%x)", at + 1)
  if digits then return after_unit(reading, at, digits) end
  if find(reading.text, '^["\\/bfnrt]', at + 1) then return at + 2 end
  refuse(reading, "an escape that JSON does not have", at)
end

local function after_string(reading, at)
  local text, start = reading.text, at
  at = at + 1
  while at do
    local char = byte(text, at)
    if char == QUOTE then return at + 1 end
    if not char then return refuse(reading, "no end of the string", start) end
    if char < 32 then return refuse(reading, "a control character in a string", at) end
    if char == BACKSLASH then at = after_escape(reading, at) else at = at + 1 end
  end
end

local function after_number(text, at)
  at = match(text, "^%-?0()", at) or match(text, "^%-?[1-9]%d*()", at)
  if not at then return nil end
  at = match(text, "^%.%d+()", at) or at
  return match(text, "^[eE][+-]?%d+()", at) or at
end

local function after_scalar(reading, at)
  local text, char = reading.text, byte(reading.text, at)
  if char == QUOTE then return after_string(reading, at) end
  local word = WORDS[char]
  local after = not word and after_number(text, at)
  if word and sub(text, at, at + #word - 1) == word then after = at + #word end
  if after and not find(text, "^[%w_.+-]", after) then return after end
  refuse(reading, "no value", at)
end

-- A member's name, its colon and the blanks around them.
local function after_name(reading, at)
  if byte(reading.text, at) ~= QUOTE then return refuse(reading, "no name", at) end
  at = after_string(reading, at)
  if not at then return nil end
  local after = match(reading.text, "^[ \t\r\n]*:[ \t\r\n]*()", at)
  return after or refuse(reading, "no colon", at)
end

-- What follows a value: the ends of lists and objects, or a comma and the next one. Returns where that begins, and
-- whether there is one.
local function after_value(reading, at)
  local text, open = reading.text, reading.open
  at = match(text, BLANKS, at)
  while #open > 0 and sub(text, at, at) == open[#open] do
    open[#open] = nil
    at = match(text, BLANKS, at + 1)
  end
  if #open == 0 then return at, false end
  local after = match(text, "^,[ \t\r\n]*()", at)
  if not after then return refuse(reading, "no comma", at) end
  if open[#open] == "}" then after = after_name(reading, after) end
  return after, true
end

-- A list or an object begins: returns where its first value does; where it ends, and true, where it has none.
local function enter(reading, at)
  local text, open = reading.text, reading.open
  if #open == reading.levels then return refuse(reading, "more than " .. #open .. " values in values", at) end
  local close = CLOSES[sub(text, at, at)]
  at = match(text, BLANKS, at + 1)
  if sub(text, at, at) == close then return at + 1, true end
  open[#open + 1] = close
  if close == "}" then at = after_name(reading, at) end
  return at, false
end

-- One value, or as much of it as begins with its first scalar.
local function after_first(reading, at)
  while at and CLOSES[sub(reading.text, at, at)] do
    local empty
    at, empty = enter(reading, at)
    if empty then return at end
  end
  return at and after_scalar(reading, at)
end

local function read(reading)
  local at, more = match(reading.text, BLANKS), true
  while at and more do
    at = after_first(reading, at)
    if at then at, more = after_value(reading, at) end
  end
  if at and at <= #reading.text then refuse(reading, "something behind the value", at) end
end

-- The text, with something else at these places.
local function replaced(text, places)
  local parts, from = {}, 1
  for _, at in ipairs(places) do
    parts[#parts + 1] = sub(text, from, at - 1) .. UNKNOWN
    from = at + #UNKNOWN
  end
  return table.concat(parts) .. sub(text, from)
end

--- Checks a text.
---@param text string
---@param levels integer so many lists and objects in one another, the outermost counted
---@return string? text where it is JSON; an escape of half a character has become one of U+FFFD
---@return string? why it is none
function M.checked(text, levels)
  local reading = { text = text, levels = levels, open = {}, alone = {}, why = nil }
  read(reading)
  if reading.why then return nil, reading.why end
  return reading.alone[1] and replaced(text, reading.alone) or text
end

return M
