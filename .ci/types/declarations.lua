--- What lua/rill/meta.lua declares: classes with their fields, and aliases.
---
--- A type is a table with a `kind`: "name" (name), "literal" (value), "list" (of), "map" (key, value), "record"
--- (fields), "fun" (parameters, returns), "union" (members), "any".
local M = {}

local ANY = { kind = "any" }
M.ANY = ANY

-- What is left of an annotation, eaten from the left.
local Reader = {}
Reader.__index = Reader

function Reader:take(pattern)
  local first, last, found = self.text:find("^%s*(" .. pattern .. ")", self.at)
  if not first then return nil end
  self.at = last + 1
  return found
end

local read_type

-- `name?: type` up to a bracket that closes; the name may stand alone.
local function read_fields(reader, closing)
  local list = {}
  while not reader:take(closing) do
    local name = reader:take "[%w_.]+" or assert(reader:take "%[[^]]*%]", reader.text)
    local optional = reader:take "%?" ~= nil
    list[#list + 1] = { name = name, optional = optional, type = reader:take ":" and read_type(reader) or ANY }
    reader:take ","
  end
  return list
end

local function read_function(reader)
  local parameters = read_fields(reader, "%)")
  local returns = {}
  if reader:take ":" then
    returns[1] = read_type(reader)
    while reader.depth == 0 and reader:take "," do returns[#returns + 1] = read_type(reader) end
  end
  return { kind = "fun", parameters = parameters, returns = returns }
end

local function inner(reader, read, ...)
  reader.depth = reader.depth + 1
  local found = read(reader, ...)
  reader.depth = reader.depth - 1
  return found
end

local function read_record(reader)
  local fields = {}
  for _, field in ipairs(inner(reader, read_fields, "}")) do fields[field.name] = field end
  return { kind = "record", fields = fields }
end

local function read_map(reader)
  local key = inner(reader, read_type)
  assert(reader:take ",", reader.text)
  local value = inner(reader, read_type)
  assert(reader:take ">", reader.text)
  return { kind = "map", key = key, value = value }
end

local function read_primary(reader)
  if reader:take "%(" then
    local found = inner(reader, read_type)
    assert(reader:take "%)", reader.text)
    return found
  end
  if reader:take "{" then return read_record(reader) end
  if reader:take "fun%f[(]%(" then return read_function(reader) end
  if reader:take "table%f[<]<" then return read_map(reader) end
  local text = reader:take '"[^"]*"'
  if text then return { kind = "literal", value = text:sub(2, -2) } end
  local name = assert(reader:take "[%w_.*]+", "no type: " .. reader.text)
  if name == "any" then return ANY end
  if tonumber(name) or name == "true" or name == "false" then return { kind = "literal", value = name } end
  return { kind = "name", name = name }
end

local function read_suffixed(reader)
  local found = read_primary(reader)
  while true do
    if reader:take "%[%]" then
      found = { kind = "list", of = found }
    elseif not reader:take "%?" then -- what may be nil is not told from what may not
      return found
    end
  end
end

function read_type(reader)
  local members = { read_suffixed(reader) }
  while reader:take "|" do members[#members + 1] = read_suffixed(reader) end
  return members[2] and { kind = "union", members = members } or members[1]
end

--- Reads a type as annotations write it.
---@param text string
---@return table
function M.type_of(text)
  return read_type(setmetatable({ text = text, at = 1, depth = 0 }, Reader))
end

local function add_field(class, text)
  local key, optional, rest = text:match "^([%w_]+)(%??) (.*)$"
  if key then
    class.fields[key] = { name = key, optional = optional == "?", type = M.type_of(rest) }
  else
    class.index = M.type_of(text:match "^%[%w+%] (.*)$")
  end
end

local function read_line(declared, line, state)
  local name, parent = line:match "^%-%-%-@class ([%w_.]+):? ?([%w_.]*)"
  if name then
    state.class = { name = name, parent = parent ~= "" and parent or nil, fields = {} }
    declared.classes[name] = state.class
  elseif line:find "^%-%-%-@field private" then
    return
  elseif line:find "^%-%-%-@field " then
    add_field(state.class, line:sub(11))
  elseif line:find "^%-%-%-@overload " then
    state.class.call = M.type_of(line:sub(14))
  elseif line:find "^%-%-%-@alias " then
    local alias, text = line:match "^%-%-%-@alias ([%w_.]+) ?(.*)$"
    state.alias, declared.aliases[alias] = alias, text
  elseif line:find "^%-%-%-|" then
    local before = declared.aliases[state.alias]
    declared.aliases[state.alias] = before .. (before == "" and "" or "|") .. line:sub(5)
  end
end

--- Reads a file of declarations.
---@param path string
---@return table declared
function M.read(path)
  local declared, state = { classes = {}, aliases = {} }, {}
  for line in io.lines(path) do read_line(declared, line, state) end
  for name, text in pairs(declared.aliases) do declared.aliases[name] = M.type_of(text) end
  return declared
end

-- What a module says of its classes beyond the declarations, private fields too. A type that cannot be read is any.
local function read_module_line(declared, line, state)
  local name, parent = line:match "^%-%-%-@class ([%w_.]+):? ?([%w_.]*)"
  if name then
    local class = declared.classes[name] or { name = name, parent = parent ~= "" and parent or nil, fields = {} }
    declared.classes[name], state.class = class, class
    class.parent = class.parent or parent ~= "" and parent or nil
  elseif line:find "^%-%-%-@field " and state.class then
    local text = line:sub(11):gsub("^private ", "")
    local key = text:match "^[%w_]+"
    if not pcall(add_field, state.class, text) and key then
      state.class.fields[key] = { name = key, type = ANY }
    end
  elseif state.class then
    local object = line:match "^local (%w+) = "
    if object and not state.objects[object] then state.objects[object] = state.class end
    local owner, method = line:match "^function (%w+)[:.]([%w_]+)%("
    local class = owner and state.objects[owner]
    if class and not class.fields[method] then class.fields[method] = { name = method, type = ANY } end
  end
end

--- Adds what modules say of their classes. What is public of a module is not all that is in it: those are forgotten.
---@param declared table what `read` has made
---@param paths string[]
function M.add_modules(declared, paths)
  for name in pairs(declared.classes) do
    if name:find "^rill%.%l+$" then declared.classes[name] = nil end
  end
  for _, path in ipairs(paths) do
    local state = { objects = {} }
    for line in io.lines(path) do read_module_line(declared, line, state) end
  end
end

return M
