--- Command lines: flags read by a table of them, and the help that the same table makes.
local M = {}

---@class rill.cli.Flag
---@field [1] string names, with commas: "--out", "-o, --out"
---@field [2] string|false name of its value in the help; false: it has none
---@field [3] string what it does
---@field key string|false|nil where the value goes, "a.b" for a field of a field; nil: the long name, with underscores
---@field kind "text"|"path"|"number"|"whole"|"size"|"list"|"numbers"|nil of the value; nil: "text"
---@field many boolean? may be given again: the values are a list
---@field optional any what a value may be left out for: it is given as --flag=VALUE, a number also as the next word
---@field negated boolean? there is --no-flag as well, which gives false
---@field off boolean? there is --no-flag alone

local SIZES = { k = 2 ^ 10, m = 2 ^ 20, g = 2 ^ 30 }

local function number_of(text)
  return (text:find "^%d+%.?%d*$" or text:find "^%.%d+$") and tonumber(text) or nil
end

local KINDS = {
  text = { "a value", function(text) return text end },
  path = { "a path", function(text) return text ~= "" and text or nil end },
  number = { "a number, 0 or more", number_of },
  whole = { "a whole number, 0 or more", function(text) return text:find "^%d+$" and tonumber(text) or nil end },
  size = { "bytes, as 1000, 64k, 16M or 1G", function(text)
    local digits, unit = text:match "^(%d+)([kKmMgG]?)$"
    return digits and tonumber(digits) * (SIZES[unit:lower()] or 1)
  end },
  list = { "a list with commas", function(text)
    local list = {}
    for word in text:gmatch "[^,%s]+" do list[#list + 1] = word end
    return list[1] and list or nil
  end },
  numbers = { "a list with commas", function(text)
    local list = {}
    for word in text:gmatch "[^,%s]+" do list[#list + 1] = number_of(word) or word end
    return list[1] and list or nil
  end },
}

--- Raised where a command line is wrong; `main` shows it.
---@class rill.cli.Usage
---@field message string
local Usage = {}
Usage.__index = Usage
M.Usage = Usage

--- Ends the command with status 2.
---@param message string
function M.fail(message, ...)
  error(setmetatable({ message = message:format(...) }, Usage), 0)
end

local function long_name(flag)
  return flag[1]:match "%-%-[^,%s]+" or flag[1]
end

local function key_of(flag)
  return flag.key or (long_name(flag):gsub("^%-%-", ""):gsub("%-", "_"))
end

-- Every word that is a flag -> its row, and the value that the word itself gives.
local function names_of(flags)
  local names = {}
  for _, flag in ipairs(flags) do
    for name in flag[1]:gmatch "[^,%s]+" do
      if not flag.off then names[name] = { flag = flag } end
      if (flag.negated or flag.off) and name:find "^%-%-" then
        names["--no-" .. name:sub(3)] = { flag = flag, gives = false }
      end
    end
  end
  return names
end

-- The nearest name, by edits.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local before = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and before or before + 1
      before = row[j]
      row[j] = math.min(cost, row[j] + 1, row[j - 1] + 1)
    end
  end
  return row[#b]
end

-- The first of those flags that begin with an unknown one: "--key.drop" for "--key".
local function longer(word, names)
  local best
  for name in pairs(names) do
    if name:sub(1, #word + 1) == word .. "." and not (best and best < name) then best = name end
  end
  return best
end

local function unknown(word, names)
  local best, least = longer(word, names), 3
  if best then least = 0 end
  for name in pairs(names) do
    local edits = #name > 2 and distance(word:sub(1, 64), name) or 9
    if edits < least or edits == least and best and name < best then best, least = name, edits end
  end
  M.fail("unknown option %s%s", word, best and ": did you mean " .. best .. "?" or "")
end

local function store(options, flag, value)
  local at = options
  local key = key_of(flag)
  for part, rest in key:gmatch "([^.]+)()" do
    if rest > #key then
      if flag.many then
        at[part] = at[part] or {}
        table.insert(at[part], value)
      else
        at[part] = value
      end
      return
    end
    if type(at[part]) ~= "table" then at[part] = {} end
    at = at[part]
  end
end

local function read_value(flag, word, text)
  local kind = KINDS[flag.kind or "text"]
  if text == nil then M.fail("%s takes %s: nothing follows it", word, kind[1]) end
  local value = kind[2](text)
  if value == nil then M.fail("%s takes %s, got %q", word, kind[1], text) end
  if flag.of and not flag.of[value] then
    M.fail("%s takes %s, got %q", word, flag[2]:gsub("|", " or "), text)
  end
  return value
end

-- Whether the next word is the value of a flag that needs none: no URL is a number.
local function is_value(flag, word)
  return flag.kind == "number" and word ~= nil and number_of(word) ~= nil
end

-- Reads the flag at `i`. Returns the index of the next word.
local function read_flag(names, words, i, options)
  local word, given = words[i]:match "^(%-%-[^=]+)=(.*)$"
  word = word or words[i]
  local row = names[word] or unknown(word, names)
  local flag = row.flag
  local gives = row.gives
  if gives == nil and not flag[2] then gives = true end
  if gives == nil and flag.optional ~= nil and not given and not is_value(flag, words[i + 1]) then
    gives = flag.optional
  end
  if gives ~= nil then
    if given then M.fail("%s takes no value, got %q", word, given) end
    store(options, flag, gives)
    return i + 1
  end
  local text = given or words[i + 1]
  store(options, flag, read_value(flag, word, text))
  return i + (given and 1 or 2)
end

-- Reads the short flags of one word, "-qv"; the last one's value is the rest of it, "-qoFILE", or the next word.
local function read_cluster(names, words, i, options)
  local word = words[i]
  if names["-" .. word:match "^[^=]*"] then unknown(word, names) end -- "-output", "-output=x": none of -o
  for at = 2, #word do
    local name = "-" .. word:sub(at, at)
    local flag = (names[name] or unknown(word, names)).flag
    if flag[2] then
      local rest = at < #word and word:sub(at + 1) or nil
      store(options, flag, read_value(flag, name, rest or words[i + 1]))
      return i + (rest and 1 or 2)
    end
    store(options, flag, true)
  end
  return i + 1
end

--- Reads the words of a command.
---@param words string[]
---@param flags rill.cli.Flag[]
---@param options table gets the values
---@return string[] rest the words that are no flags
function M.read(words, flags, options)
  local names, rest, i = names_of(flags), {}, 1
  while words[i] do
    local word = words[i]
    if word == "--" then
      for at = i + 1, #words do rest[#rest + 1] = words[at] end
      break
    elseif word:find "^%-[^-]." then
      i = read_cluster(names, words, i, options)
    elseif word:find "^%-." then
      i = read_flag(names, words, i, options)
    else
      rest[#rest + 1], i = word, i + 1
    end
  end
  return rest
end

local function shown(flag)
  local name = flag[1]
  if flag.off then name = name:gsub("^%-%-", "--no-") end
  if flag.negated then name = name:gsub("^%-%-", "--[no-]") end
  if not flag[2] then return name end
  return name .. (flag.optional ~= nil and "[=" .. flag[2] .. "]" or " " .. flag[2])
end

--- The help's lines of some flags.
---@param flags rill.cli.Flag[]
---@return string
function M.help(flags)
  local lines = {}
  for _, flag in ipairs(flags) do
    local name = shown(flag)
    local gap = #name < 26 and (" "):rep(26 - #name) or "\n" .. (" "):rep(28)
    lines[#lines + 1] = ("  %s%s%s%s"):format(name, gap, flag[3], flag.many and "; again for more" or "")
  end
  return table.concat(lines, "\n") .. "\n"
end

return M
