--- What types.walk does at each kind of statement, by its tag: fn(walk, node).
local declarations = require("types.declarations")

local ANY = declarations.ANY

local statement = {}

function statement.Local(walk, node)
  local declared = walk:annotated(node) or walk:class_above(node)
  if declared and node[2] and node[2][1] then walk:check(declared, node[2][1]) end
  local given = node[2] and walk:all_types(node[2]) or {}
  for i, id in ipairs(node[1]) do walk:declare(id, i == 1 and declared or given[i]) end
end

function statement.Localrec(walk, node)
  walk:declare(node[1][1], ANY)
  walk:declare(node[1][1], walk:run_function(node[2][1], nil, walk:parameters_above(node.line)))
end

function statement.Set(walk, node)
  for i, target in ipairs(node[1]) do
    local value = node[2][i]
    if target.tag == "Index" and value and value.tag == "Function" and walk.inside then
      walk:run_method(target, value)
    elseif target.tag == "Index" then
      local wanted = walk:type(target)
      if value then walk:check(wanted, value) end
    end
  end
  local given = walk:all_types(node[2])
  for i, target in ipairs(node[1]) do
    if target.tag == "Id" then walk:assign(target[1], given[i] or ANY) end
  end
end

-- What a function returns, in each place the first type that says something.
local function remember(returned, found)
  for i, each in ipairs(found) do
    if not returned[i] or returned[i].kind == "any" then returned[i] = each end
  end
end

function statement.Return(walk, node)
  local declared = walk:annotated(node)
  for i, each in ipairs(node) do
    local wanted = i == 1 and declared or walk.wanted and walk.wanted[i]
    if wanted then walk:check(wanted, each) end
  end
  remember(walk.returned, walk:all_types(node))
end

function statement.Do(walk, node)
  walk:scoped(function() walk:block(node) end)
end

function statement.If(walk, node)
  for _, part in ipairs(node) do
    if part.tag then walk:type(part) else walk:scoped(function() walk:block(part) end) end
  end
end

function statement.While(walk, node)
  walk:type(node[1])
  walk:scoped(function() walk:block(node[2]) end)
end

function statement.Repeat(walk, node)
  walk:scoped(function()
    walk:block(node[1])
    walk:type(node[2])
  end)
end

function statement.Fornum(walk, node)
  walk:scoped(function()
    walk:declare(node[1], { kind = "name", name = "number" })
    for i = 2, #node - 1 do walk:type(node[i]) end
    walk:block(node[#node])
  end)
end

function statement.Forin(walk, node)
  local iterator = walk:all_types(node[2])[1] or ANY
  local returns = (iterator.kind == "iterator" or iterator.kind == "fun") and iterator.returns or {}
  local call = node[2][1]
  if iterator.kind == "name" and iterator.name == "rill.Map" and call.tag == "Call" then
    returns = walk:map_results(call)
  end
  walk:scoped(function()
    for i, id in ipairs(node[1]) do walk:declare(id, returns[i]) end
    walk:block(node[3])
  end)
end

return statement
