--- Reads CSS selectors: those of Selectors Level 3 and 4 that ask about a document, with `::text`, `::attr(name)` and
--- `:contains("...")` as Scrapy's users know them. What is read is made into XPath by css_xpath.lua.
local M = {}

local MAX_LENGTH = 4096 -- bytes of a selector
local MAX_NESTING = 16 -- of :not(), :is() and :has() in each other
local MAX_PARTS = 200 -- simple selectors of a selector

---@class rill.CssCompound
---@field name string? of the element, as written; nil: any
---@field tests table[] { kind = "class" | "id" | "attribute" | "pseudo", ... }
---@field combinator string? to what stands left of it: " ", ">", "+", "~"
---@field left rill.CssCompound? what stands left of it

---@class rill.CssSelector
---@field last rill.CssCompound
---@field what "elements"|"texts"|"attribute"
---@field attribute string? of ::attr()
---@field leading string? the combinator it begins with: inside of :has()

local function fail(reader, at, what)
  error({ css = true, at = at or reader.at, message = what }, 0)
end

local function next_is(reader, text)
  return reader.text:sub(reader.at, reader.at + #text - 1) == text
end

local function skip_blanks(reader)
  local text, at = reader.text, reader.at
  repeat
    reader.at = at
    at = text:match("^[ \t\r\n\f]*()", at)
    if text:sub(at, at + 1) == "/*" then
      local _, last = text:find("*/", at + 2, true)
      if not last then fail(reader, at, "a comment that does not end") end
      at = last + 1
    end
  until at == reader.at
end

local function utf8(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xc0 + math.floor(code / 64), 0x80 + code % 64) end
  if code >= 0xd800 and code < 0xe000 or code > 0x10ffff then return "\239\191\189" end
  local last = string.char(0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
  if code < 0x10000 then return string.char(0xe0 + math.floor(code / 4096)) .. last end
  return string.char(0xf0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64) .. last
end

--- What an escape stands for; reader.at is behind its backslash.
local function read_escape(reader)
  local digits = reader.text:match("^%x%x?%x?%x?%x?%x?", reader.at)
  if digits then
    reader.at = reader.text:match("^[ \t\r\n\f]?()", reader.at + #digits)
    local code = tonumber(digits, 16)
    return utf8(code == 0 and 0xfffd or code)
  end
  local char = reader.text:match("^[^\r\n\f][\128-\191]*", reader.at)
  if not char then fail(reader, nil, "a backslash with nothing behind it") end
  reader.at = reader.at + #char
  return char
end

--- The characters of a name; nil where none begins.
local function read_word(reader, pattern)
  local parts = {}
  while true do
    local plain = reader.text:match(pattern, reader.at)
    if plain then
      parts[#parts + 1], reader.at = plain, reader.at + #plain
    elseif next_is(reader, "\\") then
      reader.at = reader.at + 1
      parts[#parts + 1] = read_escape(reader)
    else
      return parts[1] and table.concat(parts)
    end
  end
end

local NAME = "^[%w_\128-\255-]+"

local function read_name(reader, what)
  local at = reader.at
  if not reader.text:find("^%-?[%a_\128-\255\\]", at) and not reader.text:find("^%-%-", at) then
    fail(reader, at, "expected " .. what)
  end
  return read_word(reader, NAME)
end

local function read_string(reader)
  local quote, parts, from = reader.text:sub(reader.at, reader.at), {}, reader.at
  reader.at = reader.at + 1
  while not next_is(reader, quote) do
    local plain = reader.text:match("^[^\\\"'\r\n\f]+", reader.at) or reader.text:match("^[\"']", reader.at)
    if plain then
      parts[#parts + 1], reader.at = plain, reader.at + #plain
    elseif next_is(reader, "\\") then
      reader.at = reader.at + 1
      local line = reader.text:match("^\r?[\n\f]", reader.at)
      if line then reader.at = reader.at + #line else parts[#parts + 1] = read_escape(reader) end
    else
      fail(reader, from, "a string that does not end")
    end
  end
  reader.at = reader.at + 1
  return table.concat(parts)
end

local function read_value(reader, what)
  if reader.text:find("^[\"']", reader.at) then return read_string(reader) end
  return read_name(reader, what)
end

local function expect(reader, text, what)
  if not next_is(reader, text) then fail(reader, nil, ("expected %q%s"):format(text, what or "")) end
  reader.at = reader.at + #text
end

-- [name operator value flag]
local function read_attribute(reader)
  skip_blanks(reader)
  if next_is(reader, "*|") or next_is(reader, "|") and not next_is(reader, "|=") then
    reader.at = reader.text:match("^%*?|()", reader.at)
  end
  local test = { kind = "attribute", name = read_name(reader, "an attribute's name") }
  skip_blanks(reader)
  if next_is(reader, "]") then
    reader.at = reader.at + 1
    return test
  end
  test.operator = reader.text:match("^[~|^$*!]?=", reader.at)
  if not test.operator then fail(reader, nil, "expected an operator or \"]\"") end
  reader.at = reader.at + #test.operator
  skip_blanks(reader)
  local number = reader.text:match("^%-?%d+", reader.at) -- as cssselect, which takes those as well
  if number then
    test.value, reader.at = number, reader.at + #number
  else
    test.value = read_value(reader, "a value")
  end
  skip_blanks(reader)
  local flag = reader.text:match("^[iIsS]", reader.at)
  if flag then
    test.caseless, reader.at = flag:lower() == "i", reader.at + 1
    skip_blanks(reader)
  end
  expect(reader, "]")
  return test
end

-- What counts in :nth-child(): a and b of "an+b".
local function read_nth(reader)
  local from = reader.at
  local word = reader.text:match("^[^()]*", from)
  local text = word:lower():gsub("^%s+", ""):gsub("%s+$", "")
  reader.at = from + #word
  if text == "odd" then return 2, 1 end
  if text == "even" then return 2, 0 end
  local only = text:match "^[+-]?%d+$"
  if only then return 0, tonumber(only) end
  local a, rest = text:match "^([+-]?%d*)n(.*)$"
  local sign, b = (rest or ""):match "^%s*([+-])%s*(%d+)$"
  if not a or rest ~= "" and not b then fail(reader, from, "expected a number, \"odd\", \"even\" or \"an+b\"") end
  if a == "" or a == "+" or a == "-" then a = a .. "1" end
  return tonumber(a), b and tonumber(sign .. b) or 0
end

local read_group

local function nested(reader, relative)
  reader.depth = reader.depth + 1
  if reader.depth > MAX_NESTING then fail(reader, nil, "selectors nested too deep") end
  local list = read_group(reader, relative, true)
  reader.depth = reader.depth - 1
  return list
end

local NTH = { ["nth-child"] = true, ["nth-last-child"] = true, ["nth-of-type"] = true, ["nth-last-of-type"] = true }
local LISTS = { ["not"] = "not", is = "is", matches = "is", where = "is", has = "has" }

local function read_function(reader, test)
  local name = test.name
  skip_blanks(reader)
  if NTH[name] then
    test.a, test.b = read_nth(reader)
  elseif LISTS[name] then
    test.name, test.list = LISTS[name], nested(reader, name == "has")
  elseif name == "contains" or name == "lang" then
    test.value = read_value(reader, "a text")
  else
    fail(reader, test.at, ("there is no :%s()"):format(name))
  end
  skip_blanks(reader)
  expect(reader, ")")
  return test
end

M.PLAIN = {} -- pseudo-classes without arguments
for name in ([[first-child last-child only-child first-of-type last-of-type only-of-type root empty scope checked
  disabled enabled link any-link active focus hover target visited]]):gmatch "%S+" do
  M.PLAIN[name] = true
end

local function read_pseudo(reader)
  local test = { kind = "pseudo", at = reader.at }
  reader.at = reader.at + 1
  test.name = read_name(reader, "the name of a pseudo-class"):lower()
  if next_is(reader, "(") then
    reader.at = reader.at + 1
    return read_function(reader, test)
  end
  if not M.PLAIN[test.name] then fail(reader, test.at, ("there is no :%s"):format(test.name)) end
  return test
end

local function read_test(reader)
  reader.parts = reader.parts + 1
  if reader.parts > MAX_PARTS then fail(reader, nil, "too many parts") end
  if next_is(reader, "#") then
    reader.at = reader.at + 1
    return { kind = "id", value = read_word(reader, NAME) or fail(reader, nil, "expected an id") }
  end
  if next_is(reader, ".") then
    reader.at = reader.at + 1
    return { kind = "class", value = read_name(reader, "a class") }
  end
  if next_is(reader, "[") then
    reader.at = reader.at + 1
    return read_attribute(reader)
  end
  return read_pseudo(reader)
end

local function read_element(reader)
  if reader.text:find("^%*?|[^=]", reader.at) then reader.at = reader.text:match("^%*?|()", reader.at) end
  if next_is(reader, "*") then
    reader.at = reader.at + 1
    return nil, true
  end
  if not reader.text:find("^[%a_\128-\255\\-]", reader.at) then return nil, false end
  local at, name = reader.at, read_name(reader, "an element")
  if reader.text:find("^|[^=]", reader.at) then fail(reader, at, "HTML has no namespaces") end
  return name, true
end

---@return rill.CssCompound
local function read_compound(reader)
  local from = reader.at
  local name, written = read_element(reader)
  local compound = { name = name, tests = {} }
  while reader.text:find("^[#.[]", reader.at) or next_is(reader, ":") and not next_is(reader, "::") do
    compound.tests[#compound.tests + 1] = read_test(reader)
  end
  if not written and not compound.tests[1] and not next_is(reader, "::") then
    fail(reader, from, "expected a selector")
  end
  return compound
end

local function read_pseudo_element(reader, selector)
  local at = reader.at
  reader.at = at + 2
  local name = read_name(reader, "text or attr(name)"):lower()
  if name == "text" then
    selector.what = "texts"
  elseif name == "attr" then
    expect(reader, "(", " behind ::attr")
    skip_blanks(reader)
    selector.what, selector.attribute = "attribute", read_value(reader, "an attribute's name")
    skip_blanks(reader)
    expect(reader, ")")
  else
    fail(reader, at, ("there is no ::%s, but ::text and ::attr(name)"):format(name))
  end
end

-- The combinator that goes on with a selector; nil at its end.
local function read_combinator(reader)
  local from = reader.at
  skip_blanks(reader)
  local sign = reader.text:match("^[>+~]", reader.at)
  if sign then
    reader.at = reader.at + 1
    skip_blanks(reader)
    return sign
  end
  if reader.at == from or reader.at > #reader.text or reader.text:find("^[,)]", reader.at) then return nil end
  return " "
end

---@return rill.CssSelector
local function read_selector(reader, relative, inside)
  local selector = { what = "elements" }
  skip_blanks(reader)
  if relative then
    selector.leading = reader.text:match("^[>+~]", reader.at) or " "
    if selector.leading ~= " " then reader.at = reader.at + 1 end
    skip_blanks(reader)
  end
  local compound = read_compound(reader)
  while true do
    if next_is(reader, "::") then
      if inside then fail(reader, nil, "no ::text and ::attr() inside of a pseudo-class") end
      read_pseudo_element(reader, selector)
    end
    local combinator = read_combinator(reader)
    if not combinator then break end
    if selector.what ~= "elements" then fail(reader, nil, "nothing may follow ::text and ::attr()") end
    local right = read_compound(reader)
    right.combinator, right.left = combinator, compound
    compound = right
  end
  selector.last = compound
  return selector
end

function read_group(reader, relative, inside)
  local list = {}
  repeat
    list[#list + 1] = read_selector(reader, relative, inside)
    skip_blanks(reader)
    local comma = next_is(reader, ",")
    if comma then reader.at = reader.at + 1 end
  until not comma
  return list
end

--- Reads a selector.
---@param text string
---@return rill.CssSelector[]? list one for each part between commas
---@return string? why it is none
---@return integer? at where, from 1
function M.read(text)
  if #text > MAX_LENGTH then return nil, ("it is longer than %d bytes"):format(MAX_LENGTH), MAX_LENGTH + 1 end
  local reader = { text = text, at = 1, depth = 0, parts = 0 }
  local ok, list = pcall(read_group, reader)
  if ok and reader.at <= #text then
    ok, list = pcall(fail, reader, nil, "expected the end of the selector")
  end
  if ok then return list end
  if type(list) ~= "table" or not list.css then error(list, 0) end
  return nil, list.message, list.at
end

return M
