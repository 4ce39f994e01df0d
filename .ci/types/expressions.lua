--- What types.walk does at each kind of expression, by its tag: fn(walk, node) -> list of the types of its values.
local declarations = require("types.declarations")

local ANY = declarations.ANY
local STRING = { kind = "name", name = "string" }

local evaluate = {}

function evaluate.String()
  return { STRING }
end

function evaluate.Id(walk, node)
  return { walk.scope[node[1]] or ANY }
end

function evaluate.Paren(walk, node)
  return { walk:type(node[1]) }
end

function evaluate.Function(walk, node)
  return { walk:run_function(node, nil, walk:parameters_above(node.line)) }
end

function evaluate.Table(walk, node)
  local fields = {}
  for _, item in ipairs(node) do
    if item.tag == "Pair" then
      walk:type(item[1])
      local found = walk:type(item[2])
      if item[1].tag == "String" then fields[item[1][1]] = found end
    else
      walk:type(item)
    end
  end
  return { { kind = "shape", fields = fields, node = node } }
end

-- A comparison with a text that the other side never is.
local function compare(walk, one, other)
  if other.tag ~= "String" then return end
  local wanted = walk:type(one)
  local literals = walk.values:of_kind(wanted, function(member) return member.kind == "literal" end)
  if #literals == 0 or #literals ~= #walk.values:members(wanted) then return end
  local wrong = walk.values:refuses(wanted, other)
  if wrong then walk:report(other, wrong) end
end

function evaluate.Op(walk, node)
  if node[1] == "eq" or node[1] == "ne" then
    compare(walk, node[2], node[3])
    compare(walk, node[3], node[2])
  end
  local left = walk:type(node[2])
  local right = node[3] and walk:type(node[3])
  if node[1] == "and" then return { right } end
  if node[1] == "or" then return { left ~= ANY and left or right } end
  return { ANY }
end

function evaluate.Index(walk, node)
  local found = walk:type(node[1])
  walk:type(node[2])
  local key = node[2].tag == "String" and node[2][1] or nil
  if node[2].tag ~= "String" and node[2].tag ~= "Number" and walk.values:known(found).kind ~= "map" then key = nil end
  local field, wrong = walk.values:member(found, key)
  if wrong then walk:report(node[2], wrong) end
  return { field }
end

-- What functions of Lua return, from the types of their arguments.
local PLAIN = {}
function PLAIN.assert(_, given)
  return given
end
function PLAIN.setmetatable(_, given)
  return { given[1] }
end
function PLAIN.tostring()
  return { STRING }
end
function PLAIN.ipairs(values, given)
  return { { kind = "iterator", returns = { { kind = "name", name = "integer" }, values:member(given[1] or ANY) } } }
end
function PLAIN.pairs(values, given)
  local found = values:known(given[1] or ANY)
  local value = (found.kind == "map" or found.kind == "list") and values:member(found) or ANY
  return { { kind = "iterator", returns = { ANY, value } } }
end
function PLAIN.require(values, _, arguments)
  local name = arguments[1] and arguments[1].tag == "String" and arguments[1][1]
  return { name and values.classes[name] and { kind = "name", name = name } or ANY }
end

function evaluate.Call(walk, node)
  local arguments = { unpack(node, 2) }
  local plain = node[1].tag == "Id" and not walk.scope[node[1][1]] and PLAIN[node[1][1]]
  if plain then return plain(walk.values, walk:all_types(arguments), arguments) end
  local callee = walk:callable(walk:type(node[1]))
  local parameters = callee and callee.parameters
  if parameters and parameters[1] and parameters[1].name == "self" and node[1].tag == "Index" then
    local first = arguments[1] and arguments[1].tag
    if first == nil or first == "String" or first == "Table" then
      walk:report(node[1][2], ("%s is a method: it is called with a colon"):format(node[1][2][1]))
    end
  end
  return walk:apply(callee, arguments, 0)
end

function evaluate.Invoke(walk, node)
  local found = walk:type(node[1])
  local field, wrong = walk.values:member(found, node[2][1])
  if wrong then walk:report(node[2], wrong) end
  return walk:apply(walk:callable(field), { unpack(node, 3) }, 1)
end

return evaluate
