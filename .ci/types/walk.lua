--- Follows a script from line to line, knows of what type its values are as far as that is said, and reports what
--- they do not have. It guesses nothing: of what it does not know everything is allowed.
local decoder = require("luacheck.decoder")
local declarations = require("types.declarations")
local evaluate = require("types.expressions")
local parser = require("luacheck.parser")
local statement = require("types.statements")

local ANY = declarations.ANY

local Walk = {}
Walk.__index = Walk

function Walk:report(node, what)
  local found = ("%s:%d: %s"):format(self.path, node.line, what)
  if not self.seen[found] then self.seen[found], self.found[#self.found + 1] = true, found end
end

function Walk:scoped(fn)
  local outer = self.scope
  self.scope = setmetatable({}, { __index = outer })
  fn()
  self.scope = outer
end

function Walk:declare(id, found)
  rawset(self.scope, id[1], found or ANY)
end

-- A name that is assigned to: where it was declared.
function Walk:assign(name, found)
  local scope = self.scope
  while scope do
    if rawget(scope, name) then
      scope[name] = found
      return
    end
    local meta = getmetatable(scope)
    scope = meta and meta.__index
  end
end

-- A type in a comment of a script; one that cannot be read says nothing.
local function type_of(text)
  local ok, found = pcall(declarations.type_of, text)
  return ok and found or ANY
end

-- What stands in a comment of the line before: "---@type rill.CrawlOptions".
function Walk:annotated(node)
  local text = self.comments[node.line - 1]
  local name = text and text:match "^%-@type (.*)$"
  return name and type_of(name)
end

-- The class that a table of a module is, as "---@class rill.Stream" above it says.
function Walk:class_above(node)
  local line = node.line
  while self.inside and self.comments[line - 1] do
    line = line - 1
    local name = self.comments[line]:match "^%-@class ([%w_.]+)"
    if name then return { kind = "name", name = name } end
  end
end

-- A method of a module: its first parameter is an object of the class.
function Walk:run_method(target, node)
  local above = self:parameters_above(target.line)
  if node[1][1] and node[1][1].implicit then above.self = self:type(target[1]) end
  self:run_function(node, nil, above)
end

-- Types of parameters, from "---@param name type" above a function.
function Walk:parameters_above(line)
  local found = {}
  while self.comments[line - 1] do
    line = line - 1
    local name, text = self.comments[line]:match "^%-@param ([%w_]+)%?? (.*)$"
    if name then found[name] = type_of(text) end
  end
  return found
end

function Walk:block(block)
  for _, node in ipairs(block) do
    local visit = statement[node.tag]
    if visit then visit(self, node) else self:types(node) end
  end
end

--- The types of an expression's values.
function Walk:types(node)
  local visit = evaluate[node.tag]
  if visit then return visit(self, node) end
  for _, child in ipairs(node) do
    if type(child) == "table" and child.tag then self:types(child) end
  end
  return { ANY }
end

function Walk:type(node)
  return self:types(node)[1] or ANY
end

-- Of a list of expressions, of which the last may have many values.
function Walk:all_types(nodes)
  local list = {}
  for i, node in ipairs(nodes) do
    local found = self:types(node)
    if i < #nodes then
      list[i] = found[1] or ANY
    else
      for j, each in ipairs(found) do list[i + j - 1] = each end
    end
  end
  return list
end

-- Fields that are named by a table's constructor.
local function named_pairs(node)
  local list = {}
  for _, item in ipairs(node) do
    if item.tag == "Pair" and item[1].tag == "String" then list[#list + 1] = item end
  end
  return list
end

local function is_class(member, values)
  return values:fields_of(member) ~= nil
end

local function all_known(values, class, items)
  for _, item in ipairs(items) do
    if not values:field(class, item[1][1], true) then return false end
  end
  return true
end

function Walk:check_named(wanted, items)
  local values = self.values
  local classes = values:of_kind(wanted, function(member) return is_class(member, values) end)
  local map = values:of_kind(wanted, function(member) return member.kind == "map" end)[1]
  local open = #values:of_kind(wanted, function(member)
    return member.kind == "any" or member.kind == "name" and member.name == "table"
  end) > 0
  for _, class in ipairs(classes) do
    class = values:fields_of(class)
    if all_known(values, class, items) or #classes == 1 and not map and not open then
      return self:check_fields(class, items)
    end
  end
  for _, item in ipairs(items) do
    if map then self:check(map.value, item[2]) else self:type(item[2]) end
  end
end

function Walk:check_fields(class, items)
  for _, item in ipairs(items) do
    local key = item[1][1]
    local field = self.values:field(class, key)
    if field then
      self:check(field, item[2], key)
    else
      self:report(item[1], self.values:lacks(class, key))
      self:type(item[2])
    end
  end
end

function Walk:check_table(wanted, node)
  local list = self.values:of_kind(wanted, function(member) return member.kind == "list" end)[1]
  local items = named_pairs(node)
  if items[1] then self:check_named(wanted, items) end
  for _, item in ipairs(node) do
    if item.tag ~= "Pair" then
      if list then self:check(list.of, item) else self:type(item) end
    elseif item[1].tag ~= "String" then
      self:type(item[1])
      self:type(item[2])
    end
  end
end

--- Looks whether what an expression gives may stand where a type is wanted.
---@param name string? what it is given as
function Walk:check(wanted, node, name)
  while node.tag == "Paren" do node = node[1] end
  if node.tag == "Table" then return self:check_table(wanted, node) end
  if node.tag == "Function" then return self:check_function(wanted, node) end
  if node.tag == "Op" and (node[1] == "or" or node[1] == "and") then
    if node[1] == "or" then self:check(wanted, node[2], name) else self:type(node[2]) end
    return self:check(wanted, node[3], name)
  end
  local found = self:type(node)
  local wrong = (node.tag == "String" or node.tag == "Number" or node.tag == "True" or node.tag == "False")
    and self.values:refuses(wanted, node)
  if wrong then self:report(node, (name and name .. ": " or "") .. wrong) end
  if found.kind == "shape" and not found.checked then
    found.checked = true
    self:check_table(wanted, found.node)
  end
end

function Walk:check_function(wanted, node)
  local wrong = self.values:refuses(wanted, node)
  if wrong then self:report(node, wrong) end
  local declared = self.values:of_kind(wanted, function(member) return member.kind == "fun" end)[1]
  return self:run_function(node, declared and declared.parameters, nil, declared and declared.returns)
end

-- Walks through a function; returns its type. `above`: types of parameters by name; `wanted`: types of its results.
function Walk:run_function(node, parameters, above, wanted)
  local outer, outer_wanted = self.returned, self.wanted
  self.returned, self.wanted = {}, wanted
  self:scoped(function()
    for i, id in ipairs(node[1]) do
      if id.tag == "Id" then
        local given = above and above[id[1]] or parameters and parameters[i] and parameters[i].type
        self:declare(id, given)
      end
    end
    self:block(node[2])
  end)
  local returns = self.returned
  self.returned, self.wanted = outer, outer_wanted
  return { kind = "fun", returns = returns }
end

-- The function that a type may be called as, if there is one.
function Walk:callable(found)
  local class = self.values:fields_of(found)
  if class and class.call then return class.call end
  local functions = self.values:of_kind(found, function(member) return member.kind == "fun" end)
  return #functions == 1 and functions[1] or nil
end

-- Checks arguments; returns the types of the results.
function Walk:apply(callee, arguments, first)
  for i, node in ipairs(arguments) do
    local parameter = callee and callee.parameters and callee.parameters[i + first]
    if parameter and parameter.name ~= "..." then
      self:check(parameter.type, node, parameter.name)
    else
      self:type(node)
    end
  end
  return callee and callee.returns or { ANY }
end

-- `for item, a, b in rill.map(items, fn)`: a and b are what fn returns.
function Walk:map_results(node)
  local fn = node[3]
  local callee = fn and self:callable(self:type(fn))
  return { ANY, unpack(callee and callee.returns or {}) }
end

local function comments_of(list)
  local by_line = {}
  for _, comment in ipairs(list) do by_line[comment.line] = comment.contents end
  return by_line
end

--- Follows a script.
---@param values table what types.values makes
---@param path string as it stands in what is reported
---@param text string the script
---@param inside boolean? it is a module of rill's own, which knows its classes' private fields
---@return string[] found
return function(values, path, text, inside)
  local ok, tree, comments = pcall(parser.parse, decoder.decode((text:gsub("^#![^\n]*", ""))))
  if not ok then return { ("%s:%d: %s"):format(path, tree.line or 0, tree.msg or tostring(tree)) } end
  local walk = setmetatable({ values = values, path = path, found = {}, seen = {}, scope = {}, returned = {},
    comments = comments_of(comments), inside = inside }, Walk)
  walk:block(tree)
  return walk.found
end
