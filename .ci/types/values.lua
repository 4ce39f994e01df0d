--- Questions about types: what a value of one has, and whether what a script writes fits one.
local declarations = require("types.declarations")
local suggest = require("rill.core.suggest")

local ANY = declarations.ANY

local Values = {}
Values.__index = Values

--- A type that is no alias; ANY where nothing is known of it.
function Values:known(found)
  while found.kind == "name" and self.aliases[found.name] do found = self.aliases[found.name] end
  return found
end

-- The members of a union, and a type as the only one of itself; without nil.
function Values:members(found, list)
  list = list or {}
  found = self:known(found)
  if found.kind == "union" then
    for _, member in ipairs(found.members) do self:members(member, list) end
  elseif not (found.kind == "name" and found.name == "nil") then
    list[#list + 1] = found
  end
  return list
end

-- The class or record that a type is, if it is one alone.
function Values:fields_of(found)
  found = self:known(found)
  if found.kind == "record" then return { fields = found.fields, name = "this table" } end
  return found.kind == "name" and self.classes[found.name] or nil
end

function Values:parent(class)
  return class.parent and self.classes[class.parent]
end

--- The declaration of a field, in a class or in one that it comes from; `named`: one for any key does not count.
function Values:field(class, key, named)
  if key:find "^__" then return ANY end -- of a metatable
  while class do
    if class.fields[key] then return class.fields[key].type end
    if class.index and not named then return class.index end
    class = self:parent(class)
  end
  return nil
end

-- Names of all fields, in sets.
function Values:names(class)
  local sets = {}
  while class do
    sets[#sets + 1] = class.fields
    class = self:parent(class)
  end
  return sets
end

local MOST_NAMES = 12 -- that are listed where none is near

--- What is said of a field that there is not.
---@return string
function Values:lacks(class, key)
  local sets, all = self:names(class), {}
  local hint = suggest.hint(key, sets, {})
  for _, set in ipairs(sets) do
    for name in pairs(set) do all[#all + 1] = name end
  end
  table.sort(all)
  if hint == "" and #all <= MOST_NAMES then hint = ", it has " .. table.concat(all, ", ") end
  return ('%s has no "%s"%s'):format(class.name, key, hint)
end

--- The type of a field of a value.
---@param found table
---@param key string? nil: any
---@return table type
---@return string? wrong the value has no such field
function Values:member(found, key)
  local members = self:members(found)
  if #members ~= 1 then return ANY end
  local only = members[1]
  if only.kind == "list" then return only.of end
  if only.kind == "map" then return only.value end
  if only.kind == "shape" then return key and only.fields[key] or ANY end
  local class = self:fields_of(only)
  if not class then return ANY end
  local field = key and self:field(class, key) or not key and class.index
  if field then return field end
  if not key or self.open_records and only.kind == "record" then return ANY end
  return ANY, self:lacks(class, key)
end

local OF_TAG = { String = "string", Number = "number", True = "boolean", False = "boolean", Function = "function" }
local ALSO = { string = {}, number = { integer = true }, boolean = {}, ["function"] = {}, table = {} }

local function literal_of(node)
  if node.tag == "True" then return "true" end
  if node.tag == "False" then return "false" end
  return tostring(node[1])
end

local function fits(member, node)
  if member.kind == "any" or member.kind == "shape" then return true end
  local plain = OF_TAG[node.tag]
  if member.kind == "literal" then return plain ~= "function" and member.value == literal_of(node) end
  if member.kind == "fun" then return plain == "function" end
  if member.kind ~= "name" then return false end
  return member.name == plain or ALSO[plain][member.name] ~= nil
end

local function shown(member)
  if member.kind == "literal" then return ('"%s"'):format(member.value) end
  if member.kind == "fun" then return "a function" end
  return member.name or "a table"
end

local function literals_of(members)
  local set = {}
  for _, member in ipairs(members) do
    if member.kind == "literal" then set[member.value] = true end
  end
  return set
end

--- Why a string, number, boolean or function cannot stand where a type is wanted.
---@return string? wrong
function Values:refuses(wanted, node)
  local words, members = {}, self:members(wanted)
  for i, member in ipairs(members) do
    if fits(member, node) then return nil end
    words[i] = shown(member)
  end
  if #words == 0 then return nil end
  local near = node.tag == "String" and suggest.hint(node[1], { literals_of(members) }, {}) or ""
  if near ~= "" then return ('"%s" is not one of its values%s'):format(node[1], near) end
  local given = node.tag == "String" and ('"%s"'):format(node[1]) or node.tag == "Number" and node[1]
  return ("%s is wanted, not %s"):format(table.concat(words, " or "), given or OF_TAG[node.tag])
end

--- Of the members of a type those of some kinds.
function Values:of_kind(wanted, test)
  local list = {}
  for _, member in ipairs(self:members(wanted)) do
    if test(member) then list[#list + 1] = member end
  end
  return list
end

--- A reader of types for what some declarations declare.
---@param declared table
---@param open_records boolean? a table without a class may have more fields than its type says
return function(declared, open_records)
  return setmetatable({ classes = declared.classes, aliases = declared.aliases, open_records = open_records }, Values)
end
