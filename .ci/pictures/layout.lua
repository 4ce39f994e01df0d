--- Places the rooms of a graph without circles on floors, so that every arrow leads down and few cross.
local M = {}

-- All that a room reaches, on ways of two arrows and more.
local function reach(arrows, name, found, far)
  for other in pairs(arrows[name] or {}) do
    if far then found[other] = true end
    reach(arrows, other, found, true)
  end
  return found
end

--- Only the arrows that do not follow from others.
---@param arrows table<string, table<string, any>>
---@return table<string, table<string, any>>
function M.reduced(arrows)
  local kept = {}
  for name, others in pairs(arrows) do
    local implied = reach(arrows, name, {}, false)
    kept[name] = {}
    for other, why in pairs(others) do
      if not implied[other] then kept[name][other] = why end
    end
  end
  return kept
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end
M.sorted = sorted

-- Floors from above: as high as those who need a room allow. 0 is the highest.
local function depths(names, arrows, least)
  local depth = {}
  for _, name in ipairs(names) do depth[name] = least[name] or 0 end
  local moved = true
  while moved do
    moved = false
    for _, name in ipairs(names) do
      for other in pairs(arrows[name] or {}) do
        if depth[other] <= depth[name] then depth[other], moved = depth[name] + 1, true end
      end
    end
  end
  return depth
end

-- Rows of nodes { name, up = nodes, down = nodes }; an arrow over several floors passes through nodes without a name.
local function rows_of(names, arrows, least)
  local depth, rows, nodes = depths(names, arrows, least), {}, {}
  local function add(floor, node)
    node.floor, node.up, node.down = floor, {}, {}
    rows[floor + 1] = rows[floor + 1] or {}
    table.insert(rows[floor + 1], node)
    return node
  end
  local function link(upper, lower)
    table.insert(upper.down, lower)
    table.insert(lower.up, upper)
  end
  for _, name in ipairs(names) do nodes[name] = add(depth[name], { name = name }) end
  for _, name in ipairs(names) do
    for _, other in ipairs(sorted(arrows[name] or {})) do
      local last = nodes[name]
      for floor = depth[name] + 1, depth[other] - 1 do
        local passing = add(floor, { from = name, to = other })
        link(last, passing)
        last = passing
      end
      link(last, nodes[other])
    end
  end
  return rows, nodes
end

local function mean(list, default)
  if #list == 0 then return default end
  local sum = 0
  for _, node in ipairs(list) do sum = sum + node.x end
  return sum / #list
end

-- Puts a row's nodes side by side in their order, each as near to where it wants to be as the others allow.
local function spread(row, width_of, gap)
  local right = -math.huge
  for _, node in ipairs(row) do
    node.x = math.max(node.wanted, right + width_of(node) / 2)
    right = node.x + width_of(node) / 2 + gap
  end
  local off = 0
  for _, node in ipairs(row) do off = off + node.wanted - node.x end
  for _, node in ipairs(row) do node.x = node.x + off / #row end
end

local function sweep(rows, side, width_of, gap)
  local first, last, step = 1, #rows, 1
  if side == "down" then first, last, step = #rows, 1, -1 end
  for i = first, last, step do
    local row = rows[i]
    for k, node in ipairs(row) do
      node.wanted, node.place = mean(node[side], node.x), k
    end
    table.sort(row, function(a, b)
      if math.abs(a.wanted - b.wanted) > 0.5 then return a.wanted < b.wanted end
      return a.place < b.place
    end)
    spread(row, width_of, gap)
  end
end

local SWEEPS = 24

--- Places rooms.
---@param names string[] the order in which they stand at first
---@param arrows table<string, table<string, any>> room -> rooms below it
---@param width_of fun(node: table): number
---@param gap number between two of a floor
---@param least table<string, integer> the highest floor that a room may have, where it has none of its own
---@return table[][] rows of nodes { name, x, floor, up, down }, from the highest floor down
---@return table<string, table> nodes by name; x counts from the left end of the widest floor
---@return number width
function M.place(names, arrows, width_of, gap, least)
  local rows, nodes = rows_of(names, arrows, least)
  for _, row in ipairs(rows) do
    local x = 0
    for _, node in ipairs(row) do
      node.x = x + width_of(node) / 2
      x = x + width_of(node) + gap
    end
    for _, node in ipairs(row) do node.x = node.x - (x - gap) / 2 end
  end
  for i = 1, SWEEPS do sweep(rows, i % 2 == 1 and "up" or "down", width_of, gap) end
  local left, right = math.huge, -math.huge
  for _, row in ipairs(rows) do
    for _, node in ipairs(row) do
      left, right = math.min(left, node.x - width_of(node) / 2), math.max(right, node.x + width_of(node) / 2)
    end
  end
  for _, row in ipairs(rows) do
    for _, node in ipairs(row) do node.x = math.floor(node.x - left + 0.5) end
  end
  return rows, nodes, right - left
end

return M
