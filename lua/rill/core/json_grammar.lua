--- Whether a text is JSON (RFC 8259): what dkjson does not ask. It reads missing commas, commas too many, comments.
local M = {}

local find, match, sub = string.find, string.match, string.sub

local BLANKS = "^[ \t\r\n]*()"
local WORDS = { t = "true", f = "false", n = "null" }
local CLOSES = { ["["] = "]", ["{"] = "}" }

-- Each of these returns where the thing at `at` ends, or nil.
local function after_string(text, at)
  while true do
    at = find(text, '["\\%z\1-\31]', at + 1)
    local char = at and sub(text, at, at)
    if char == '"' then return at + 1 end
    if char ~= "\\" then return nil end
    local escaped = match(text, '^["\\/bfnrt]()', at + 1) or match(text, "^u%x%x%x%x()", at + 1)
    if not escaped then return nil end
    at = escaped - 1
  end
end

local function after_number(text, at)
  at = match(text, "^%-?0()", at) or match(text, "^%-?[1-9]%d*()", at)
  if not at then return nil end
  at = match(text, "^%.%d+()", at) or at
  return match(text, "^[eE][+-]?%d+()", at) or at
end

local function after_scalar(text, at)
  local char = sub(text, at, at)
  if char == '"' then return after_string(text, at) end
  local word = WORDS[char]
  if word then return sub(text, at, at + #word - 1) == word and at + #word or nil end
  return after_number(text, at)
end

-- A member's name, its colon and the blanks around them.
local function after_name(text, at)
  at = sub(text, at, at) == '"' and after_string(text, at)
  return at and match(text, "^[ \t\r\n]*:[ \t\r\n]*()", at)
end

-- What follows a value: the ends of lists and objects, or a comma and the next one. Returns where that begins, and
-- false where nothing is open any more; nil where it is none of these.
local function after_value(text, at, open)
  at = match(text, BLANKS, at)
  while #open > 0 and sub(text, at, at) == open[#open] do
    open[#open] = nil
    at = match(text, BLANKS, at + 1)
  end
  if #open == 0 then return at, false end
  at = match(text, "^,[ \t\r\n]*()", at)
  if at and open[#open] == "}" then at = after_name(text, at) end
  return at, true
end

-- A list or an object begins: where its first value does; its end, where it has none.
local function enter(text, at, open)
  local close = CLOSES[sub(text, at, at)]
  at = match(text, BLANKS, at + 1)
  if sub(text, at, at) == close then return at + 1, true end
  open[#open + 1] = close
  if close == "}" then at = after_name(text, at) end
  return at, false
end

-- One value, or as much of it as begins with its first scalar.
local function read(text, at, open)
  while at and CLOSES[sub(text, at, at)] do
    local empty
    at, empty = enter(text, at, open)
    if empty then return at end
  end
  return at and after_scalar(text, at)
end

---@param text string
---@return boolean
function M.is(text)
  local open, at, more = {}, match(text, BLANKS), true
  while more do
    at = read(text, at, open)
    if not at then return false end
    at, more = after_value(text, at, open)
    if not at then return false end
  end
  return at == #text + 1
end

return M
