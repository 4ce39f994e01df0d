--- Header fields: the object over a block that was received, and the block made of what a caller gives.
--
-- A block is flat text (src/rill.h): for each field CR LF, its name in lower case, colon, space, its
-- value. The core finds a field in it; no table is made.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local guard = require("rill.core.guard")
local list_of = require("rill.core.lazy").module("rill.core.list")

local M = {}

local find, lower, sub = string.find, string.lower, string.sub
-- Locals, for which compiled code need not look.
local getmetatable, setmetatable, tonumber, type = getmetatable, setmetatable, tonumber, type
local cast, text_of = ffi.cast, ffi.string

local BLOCK = 1 -- where the metatable of an object has its text

local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$" -- RFC 9110 section 5.6.2

local MAX_KNOWN = 1000 -- names may be data: beyond this the memo starts over
local known, known_count = {}, 0

local Text = ffi.typeof("const char *")
local value_length = ffi.new("size_t[1]")

-- Whether it is a field name: the core's names end with the first NUL.
local function check_token(name)
  if known_count == MAX_KNOWN then
    known, known_count = {}, 0
  end
  local is_name = find(name, TOKEN) ~= nil
  known[name], known_count = is_name, known_count + 1
  return is_name
end

-- The value of the first such field behind `from` bytes, and where it ends.
local function value_after(block, name, from)
  if type(name) ~= "string" then return nil end
  local is_name = known[name]
  if is_name == nil then is_name = check_token(name) end
  if not is_name then return nil end
  local text = cast(Text, block)
  local value = C.rill_headers_find(text + from, #block - from, name, value_length)
  if value == nil then return nil end
  local length = tonumber(value_length[0])
  return text_of(value, length), value - text + length
end

--- Fields as received, in wire order. Index it with a name in any case for the first value; for a
--- field named like one of these methods use get.
---@class rill.Headers
local methods = {}

---@param name string in any case
---@return string? value of the first such field
function methods:get(name)
  return (value_after(getmetatable(self)[BLOCK], name, 0))
end

---@param name string
---@return string[] values in wire order; empty when there is none
function methods:all(name)
  local block, values, at = getmetatable(self)[BLOCK], {}, 0
  while true do
    local value
    value, at = value_after(block, name, at)
    if not value then return values end
    values[#values + 1] = value
  end
end

---@param name string
---@return boolean
function methods:has(name)
  return self:get(name) ~= nil
end

--- Iterates over name (lower case) and value, in wire order.
---@return fun(): string?, string?
function methods:each()
  local block, at = getmetatable(self)[BLOCK], 1
  return function()
    if at > #block then return nil end
    local _, colon = find(block, ": ", at + 2, true)
    local stop = find(block, "\r\n", colon + 1, true) or #block + 1
    local name, value = sub(block, at + 2, colon - 2), sub(block, colon + 1, stop - 1)
    at = stop
    return name, value
  end
end

---@return integer
function methods:count()
  local block, count, at = getmetatable(self)[BLOCK], 0, 1
  while at do
    at = find(block, "\r\n", at, true)
    if at then count, at = count + 1, at + 2 end
  end
  return count
end

guard("headers", nil, methods)

local function index(self, name)
  local method = methods[name]
  if method then return method end
  return (value_after(getmetatable(self)[BLOCK], name, 0))
end

local SECRET = { authorization = true, ["proxy-authorization"] = true }

local SHOWN = 1003 -- bytes of a value

local function shown(value)
  return errors.visible(errors.cut(value, SHOWN))
end

-- One field a line; what stands in logs has no passwords.
local function show(self)
  local lines = {}
  for name, value in methods.each(self) do
    lines[#lines + 1] = name .. ": " .. (SECRET[name] and "(not shown)" or shown(value))
  end
  return table.concat(lines, "\n")
end

-- By text, which stands in them, so that pairs() of an object gives nothing inner. Many heads are the same: objects of
-- the same text have one metatable, as long as somebody has one of them.
local metatables = setmetatable({}, { __mode = "v" })

local function make_metatable(block)
  local made = { block, __index = index, __tostring = show }
  metatables[block] = made
  return made
end

--- The object over a block. Compiled code that only looks a field up makes none.
---@param block string
---@return rill.Headers
function M.new(block)
  local headers = setmetatable({}, metatables[block] or make_metatable(block))
  return headers
end

--- The block of an object.
---@param headers rill.Headers
---@return string
function M.text(headers)
  return getmetatable(headers)[BLOCK]
end

-- `name` is shown as the caller wrote it, here and below.
local function check_name(what, name)
  if type(name) ~= "string" or not find(name, TOKEN) then
    errors.raise(("%s: field name %s is no token (RFC 9110 section 5.1)"):format(what, errors.show(name)))
  end
  return lower(name)
end

local function check_value(what, name, value)
  if type(value) == "number" then return tostring(value) end
  if type(value) ~= "string" then
    errors.raise(("%s: the value of %s must be a string, got %s"):format(what, name, errors.show(value)))
  end
  -- RFC 9110 section 5.5, RFC 9113 section 8.2.1
  if find(value, "[%z\1-\8\10-\31\127]") or find(value, "^[ \t]") or find(value, "[ \t]$") then
    errors.raise(("%s: the value of %s has control characters or outer blanks: %s")
      :format(what, name, errors.show(value)))
  end
  return value
end

-- RFC 9113 section 8.2.2. The core says so too, to all who call it; here it names the argument.
local OF_CONNECTIONS = {
  connection = true, ["keep-alive"] = true, ["proxy-connection"] = true, ["transfer-encoding"] = true, upgrade = true,
}

local function check_allowed(what, name, lowered, value)
  if OF_CONNECTIONS[lowered] then
    errors.raise(("%s: %s belongs to a connection, HTTP/2 has no such field (RFC 9113 section 8.2.2), got %s")
      :format(what, name, errors.show(value)))
  elseif lowered == "te" and lower(value) ~= "trailers" then
    errors.raise(("%s: the value of %s may only be trailers (RFC 9113 section 8.2.2), got %s")
      :format(what, name, errors.show(value)))
  end
end

-- RFC 9113 section 8.3.1: it becomes :authority, and there is one.
local function check_host(what, name, fields, value)
  for i = 1, #fields, 2 do
    if fields[i] == "host" and fields[i + 1] and value then
      errors.raise(("%s: %s is given twice: %s and %s")
        :format(what, name, errors.show(fields[i + 1]), errors.show(value)))
    end
  end
end

local function add(fields, what, name, value)
  local lowered, n = check_name(what, name), #fields
  local checked = value and check_value(what, name, value)
  if checked then check_allowed(what, name, lowered, checked) end
  if lowered == "host" then check_host(what, name, fields, checked) end
  fields[n + 1], fields[n + 2] = lowered, checked
end

local function is_pair(entry)
  if type(entry) ~= "table" or entry[2] == nil then return false end
  for key in pairs(entry) do
    if key ~= 1 and key ~= 2 then return false end
  end
  return true
end

-- A table says more by what is in it.
local function show_entry(entry)
  if type(entry) ~= "table" then return errors.show(entry) end
  local parts = {}
  for i = 1, #entry do
    parts[i] = errors.show(entry[i])
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function add_list(fields, what, list)
  for key in pairs(list) do
    if type(key) ~= "number" or key < 1 or key > #list or key % 1 ~= 0 then
      errors.raise(("%s: a list of {name, value} has no key %s"):format(what, errors.show(key)))
    end
  end
  for i = 1, #list do
    local pair = list[i]
    if not is_pair(pair) then
      errors.raise(("%s: entry %d must be {name, value}, got %s"):format(what, i, show_entry(pair)))
    end
    add(fields, what, pair[1], pair[2])
  end
end

local function add_map(fields, what, map)
  local names = {}
  for name in pairs(map) do
    check_name(what, name)
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = map[name]
    if type(value) ~= "table" then
      add(fields, what, name, value)
    else
      if not list_of.is(value) then
        errors.raise(("%s: several values of %s are a list without holes, got %s"):format(what, name,
          list_of.shown(value)))
      end
      if #value == 0 then add(fields, what, name, false) end
      for i = 1, #value do
        add(fields, what, name, value[i])
      end
    end
  end
end

--- Checks what a caller gave as headers.
---@param what string names the argument in the error that is raised for a bad field
---@param given table map of name to value, list of values, or false (removes a default); or an
---                   ordered list of {name, value}. Numbers are written as decimal text
---@return table fields flat list: name in lower case, value or false, name, ... A map's names are sorted
function M.fields(what, given)
  local fields = {}
  if type(given) ~= "table" then
    errors.raise(("%s: expected a table of header fields, got %s"):format(what, errors.show(given)))
  end
  local meta = getmetatable(given)
  if type(meta) == "table" and meta.__index == index then -- fields as they were received
    for name, value in methods.each(given) do
      add(fields, what, name, value)
    end
  elseif given[1] ~= nil then
    add_list(fields, what, given)
  else
    add_map(fields, what, given)
  end
  return fields
end

--- Puts fields over others: a name given above removes all of that name below.
---@param below table flat list, as fields() makes it, without false
---@param above table flat list
---@return table merged flat list without false
function M.merge(below, above)
  local replaced, merged = {}, {}
  for i = 1, #above, 2 do
    replaced[above[i]] = true
  end
  for i = 1, #below, 2 do
    if not replaced[below[i]] then
      merged[#merged + 1], merged[#merged + 2] = below[i], below[i + 1]
    end
  end
  for i = 1, #above, 2 do
    if above[i + 1] then
      merged[#merged + 1], merged[#merged + 2] = above[i], above[i + 1]
    end
  end
  return merged
end

--- Writes fields as a header block.
---@param fields table flat list without false
---@return string
function M.block(fields)
  local parts = {}
  for i = 1, #fields, 2 do
    parts[#parts + 1] = "\r\n" .. fields[i] .. ": " .. fields[i + 1]
  end
  return table.concat(parts)
end

--- Splits the informational heads as the core reports them.
---@param text string 1xx heads one after the other, each led by its three digits on a line of their own
---@return {status: integer, headers: rill.Headers}[]
function M.informational(text)
  local statuses, blocks = {}, {}
  for line in text:gmatch("[^\r\n]+") do
    if find(line, ":", 1, true) then
      blocks[#blocks] = blocks[#blocks] .. "\r\n" .. line
    else
      statuses[#statuses + 1], blocks[#blocks + 1] = tonumber(line), ""
    end
  end
  local heads = {}
  for i, status in ipairs(statuses) do
    heads[i] = { status = status, headers = M.new(blocks[i]) }
  end
  return heads
end

return M
