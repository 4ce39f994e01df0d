--- JSON as outputs, states and HAR files hold it: any string becomes valid UTF-8, names are in a fixed order, and
--- nothing else has to be installed for it. Scripts have rill.json, which takes a library.
local M = {}

local find, format, gsub, match, sub, byte = string.find, string.format, string.gsub, string.match, string.sub,
  string.byte

local MAX_LEVELS = 64 -- of values in values

local SHORT = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b",
  ["\f"] = "\\f" }

local function escape(char)
  return SHORT[char] or format("\\u%04x", byte(char))
end

local SECOND = { -- lead bytes whose second byte is bounded further (RFC 3629)
  [0xE0] = { 0xA0, 0xBF }, [0xED] = { 0x80, 0x9F }, [0xF0] = { 0x90, 0xBF }, [0xF4] = { 0x80, 0x8F },
}

local function is_utf8(text)
  local at = find(text, "[\128-\255]")
  while at do
    local lead = byte(text, at)
    local more = lead >= 0xF0 and 3 or lead >= 0xE0 and 2 or 1
    if lead < 0xC2 or lead > 0xF4 or not find(text, "^[\128-\191]", at + 1) then return false end
    local bounds, second = SECOND[lead], byte(text, at + 1)
    if bounds and (second < bounds[1] or second > bounds[2]) then return false end
    for i = 2, more do
      if not find(text, "^[\128-\191]", at + i) then return false end
    end
    at = find(text, "[\128-\255]", at + more + 1)
  end
  return true
end

local function string_of(text)
  if find(text, '[%c"\\\127]') then text = gsub(text, '[%c"\\\127]', escape) end
  if find(text, "[\128-\255]") and not is_utf8(text) then
    text = gsub(text, "[\128-\255]", escape) -- as Latin-1
  end
  return '"' .. text .. '"'
end
M.string = string_of

--- The text itself where it is UTF-8, else what it is as Latin-1.
---@param text string
---@return string
function M.utf8(text)
  if not find(text, "[\128-\255]") or is_utf8(text) then return text end
  return (gsub(text, "[\128-\255]", function(char)
    local code = byte(char)
    return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64)
  end))
end

local function number_of(value)
  if value ~= value or value == math.huge or value == -math.huge then return "null" end
  if value % 1 == 0 and value > -2 ^ 53 and value < 2 ^ 53 then return format("%d", value) end
  local short = format("%.14g", value)
  return tonumber(short) == value and short or format("%.17g", value)
end

local encode

local function is_list(value)
  local count = #value
  if count == 0 then return next(value) == nil end
  for key in pairs(value) do
    if type(key) ~= "number" or key < 1 or key > count or key % 1 ~= 0 then return false end
  end
  return true
end

local function list_of(value, level)
  local parts = {}
  for i = 1, #value do parts[i] = encode(value[i], nil, level) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function names_of(value)
  local names = {}
  for name in pairs(value) do
    if type(name) ~= "string" and type(name) ~= "number" then
      error("a " .. type(name) .. " cannot be a name in JSON", 0)
    end
    names[#names + 1] = name
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  return names
end

local function map_of(value, order, level)
  local parts = {}
  for _, name in ipairs(order or names_of(value)) do
    if value[name] ~= nil then
      parts[#parts + 1] = string_of(tostring(name)) .. ":" .. encode(value[name], nil, level)
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value, order, level)
  local kind = type(value)
  if kind == "string" then return string_of(value) end
  if kind == "number" then return number_of(value) end
  if kind == "boolean" then return tostring(value) end
  if kind == "table" then
    if level >= MAX_LEVELS then error("it is nested too deep for JSON", 0) end
    local meta = getmetatable(value)
    local is_map = order or type(meta) == "table" and meta.__jsontype == "object"
    if not is_map and is_list(value) then return list_of(value, level + 1) end
    return map_of(value, order, level + 1)
  end
  if value == nil or kind == "userdata" then return "null" end -- what libraries have for null
  error(("a %s cannot be written as JSON"):format(kind), 0)
end

--- Raises what is wrong, without a place, when a value has no JSON.
---@param value any tables, strings, numbers, booleans
---@param order string[]? names of the outer table, in this order, those alone
---@return string
function M.encode(value, order)
  return encode(value, order, 0)
end

local PLAIN = { n = "\n", r = "\r", t = "\t", b = "\b", f = "\f" }

local function utf8_of(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
  return string.char(0xE0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

-- What two escapes of UTF-16 have made of a character beyond U+FFFF, each by itself.
local SURROGATES = "\237([\160-\175])([\128-\191])\237([\176-\191])([\128-\191])"

local function join_surrogates(high, low_of_high, low, low_of_low)
  local code = 0x10000 + ((byte(high) - 160) * 64 + byte(low_of_high) - 128) * 1024 + (byte(low) - 176) * 64
    + byte(low_of_low) - 128
  return string.char(0xF0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64,
    0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

local function decode_string(text, at)
  local stop = at
  repeat
    stop = find(text, '["\\]', stop + 1)
    if not stop then error("a string does not end", 0) end
    local escaped = sub(text, stop, stop) == "\\"
    if escaped then stop = stop + 1 end
  until not escaped
  local inner = sub(text, at + 1, stop - 1)
  if find(inner, "\\", 1, true) then
    inner = gsub(inner, "\\(u?)(.)(%x?%x?%x?)", function(u, first, rest)
      if u == "u" then return utf8_of(tonumber(first .. rest, 16) or 0xFFFD) end
      return (PLAIN[first] or first) .. rest
    end)
    if find(inner, "\237[\160-\175]") then inner = gsub(inner, SURROGATES, join_surrogates) end
  end
  return inner, stop + 1
end

local decode

local function decode_many(text, at, level, close, read)
  at = match(text, "^%s*()", at + 1)
  if sub(text, at, at) == close then return at + 1 end
  while true do
    at = match(text, "^%s*()", read(at, level))
    local char = sub(text, at, at)
    if char == close then return at + 1 end
    if char ~= "," then error("a comma is missing at byte " .. at, 0) end
    at = match(text, "^%s*()", at + 1)
  end
end

local function decode_list(text, at, level)
  local list = {}
  local after = decode_many(text, at, level, "]", function(from)
    local value, next_at = decode(text, from, level + 1)
    list[#list + 1] = value
    return next_at
  end)
  return list, after
end

local function decode_map(text, at, level)
  local map = {}
  local after = decode_many(text, at, level, "}", function(from)
    if sub(text, from, from) ~= '"' then error("a name is missing at byte " .. from, 0) end
    local name, colon = decode_string(text, from)
    colon = match(text, "^%s*:%s*()", colon) or error("a colon is missing at byte " .. colon, 0)
    local value, next_at = decode(text, colon, level + 1)
    map[name] = value
    return next_at
  end)
  return map, after
end

local WORDS = { { "^true()", true }, { "^false()", false }, { "^null()", nil } }

function decode(text, at, level)
  if level > MAX_LEVELS then error("it is nested too deep", 0) end
  local char = sub(text, at, at)
  if char == '"' then return decode_string(text, at) end
  if char == "{" then return decode_map(text, at, level) end
  if char == "[" then return decode_list(text, at, level) end
  local number, after = match(text, "^(-?%d[%d.eE+-]*)()", at)
  if number then return tonumber(number), after end
  for i = 1, 3 do
    after = match(text, WORDS[i][1], at)
    if after then return WORDS[i][2], after end
  end
  error("no value at byte " .. at, 0)
end

--- Reads what encode has written, and what other programs have.
---@param text string
---@return any value null is nil
---@return string? why it is none
function M.decode(text)
  local ok, value = pcall(decode, text, match(text, "^%s*()"), 0)
  if ok then return value end
  return nil, value
end

return M
