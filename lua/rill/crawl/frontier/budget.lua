--- max_pages over several nodes: one worker at a time takes, and what one node has given the others know.
--- A turn has a number: a node that has seen a later one gives nothing to an earlier, so a worker that stood still in
--- its turn takes nothing too many.
local M = {}

local ASK_AGAIN = 0.02 -- seconds, while another worker has its turn

-- From here on the nodes give nothing to earlier turns, and what they have given is what counts.
local function enter(nodes, turn)
  local taken = 0
  for _, node in ipairs(nodes) do
    node:limit(0, turn)
    local _, _, err = node:take(0, 0)
    if err then return nil, err end
    taken = taken + node.numbers.taken
  end
  return taken
end

--- Takes from the nodes in that order, at most max_pages new ones of all.
---@param home rill.CrawlRedis the node that gives turns
---@param nodes rill.CrawlRedis[]
---@param max_pages integer
---@param take fun(node: rill.CrawlRedis): rill.Error? takes from one node
---@return number? wait seconds: it was another worker's turn
---@return rill.Error? err
function M.take(home, nodes, max_pages, take)
  local turn, err = home:call("turn", { "" })
  if err then return nil, err end
  if turn == 0 then return ASK_AGAIN end
  local taken
  taken, err = enter(nodes, turn)
  if not taken then return nil, err end
  for _, node in ipairs(nodes) do
    local before = node.numbers.taken
    node:limit(before + math.max(0, max_pages - taken), turn)
    err = take(node)
    if err then return nil, err end
    taken = taken + node.numbers.taken - before
  end
  local _, late = home:call("turn", { tostring(turn) })
  return nil, late
end

return M
