--- How much goes to Redis in one call: it serves nobody else meanwhile.
local record = require("rill.crawl.frontier.record")

local M = {}

M.LINKS = 2000 -- some 5 ms; at most 65,535, for so many origins have a number
M.LINK_BYTES = 4 * 2 ^ 20 -- of these

local function bytes_of(link)
  return #link.url + #(link.from or "") + #record.more_of(link)
end

-- Links, and their bytes.
local function size_of(outcome)
  local bytes, links = 0, outcome.links or {}
  for _, link in ipairs(links) do bytes = bytes + bytes_of(link) end
  return #links, bytes
end

local function has_room(group, links, bytes)
  if group.links == 0 then return true end
  return group.links + links <= M.LINKS and group.bytes + bytes <= M.LINK_BYTES
end

--- Outcomes in groups that are committed one after the other: one node's each, and not too many links in one.
---@param outcomes table[]
---@param node_of fun(outcome: table): any
---@return table[][] at least one, which may be empty
function M.groups(outcomes, node_of)
  local groups, open = {}, {}
  for _, outcome in ipairs(outcomes) do
    local node = node_of(outcome)
    local group = open[node]
    local links, bytes = size_of(outcome)
    if not group or not has_room(group, links, bytes) then
      group = { links = 0, bytes = 0 }
      open[node], groups[#groups + 1] = group, group
    end
    group.links, group.bytes = group.links + links, group.bytes + bytes
    group[#group + 1] = outcome
  end
  if not groups[1] then groups[1] = {} end
  return groups
end

-- Sends links before the page that found them: if that page is not committed, it finds them again, and they are known.
-- "rewound" (the node has lost its last second) is sent again here for other nodes. For the batch's own node it is
-- returned: the caller then cuts its outputs back too.
local function send_first(node, batch, links, own)
  local part = { outcomes = {}, links = links, skips = {}, outputs = {}, counters = {}, now = batch.now }
  local sums, err = node:send(part, {})
  if err and err.kind == "rewound" and not own then sums, err = node:send(part, {}) end
  if not sums then return nil, err end
  for _, skip in ipairs(part.trapped) do table.insert(batch.trapped, skip) end
  return true
end

-- As many links as go in one call, from that place on.
local function piece_of(links, at)
  local piece, bytes = {}, 0
  for i = at, math.min(at + M.LINKS - 1, #links) do
    bytes = bytes + bytes_of(links[i])
    if bytes > M.LINK_BYTES and piece[1] then break end
    piece[#piece + 1] = links[i]
  end
  return piece
end

-- Sends links in pieces; returns what is left where the node is the batch's own: the last piece goes with it.
local function send_pieces(node, batch, links, own)
  local at = 1
  while at <= #links do
    local piece = piece_of(links, at)
    at = at + #piece
    if own and at > #links then return piece end
    local ok, err = send_first(node, batch, piece, own)
    if not ok then return nil, err end
  end
  return {}
end

local function grouped(links, node_of_link, node)
  local lists, nodes = { [node] = {} }, {}
  for _, link in ipairs(links) do
    local owner = node_of_link(link)
    if not lists[owner] then lists[owner], nodes[#nodes + 1] = {}, owner end
    table.insert(lists[owner], link)
  end
  return lists, nodes
end

--- Sends a batch to its node: other nodes' links before it, and its own in pieces.
---@param node rill.CrawlRedis
---@param batch table gets `trapped`
---@param deltas table<string, number>
---@param node_of_link (fun(link: table): rill.CrawlRedis)? nil: there is one node
---@return table<string, number>? sums of the node's counters
---@return rill.Error? err with `lost` where the batch has to be made again
function M.send(node, batch, deltas, node_of_link)
  batch.trapped = {}
  local lists, others = grouped(batch.links, node_of_link or function() return node end, node)
  for _, other in ipairs(others) do
    local left, err = send_pieces(other, batch, lists[other], false)
    if not left then return nil, err end
  end
  local left, err = send_pieces(node, batch, lists[node], true)
  if not left then return nil, err end
  local last = setmetatable({ links = left }, { __index = batch })
  local sums
  sums, err = node:send(last, deltas)
  if not sums then return nil, err end
  for _, skip in ipairs(last.trapped) do table.insert(batch.trapped, skip) end
  return sums
end

return M
