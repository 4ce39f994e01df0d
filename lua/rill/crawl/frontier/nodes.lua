--- What waits, over several Redis: each host belongs to one of them, by a hash of its name that never changes. A page's
--- result is one script on its host's node; the links it has to other nodes go there before, so whatever is interrupted
--- is done again and nothing is lost. Nodes know which of how many they are.
local budget = require("rill.crawl.frontier.budget")
local digest = require("rill.crawl.digest")
local joining = require("rill.crawl.frontier.joining")
local known_of = require("rill.crawl.frontier.known")
local numbers = require("rill.crawl.frontier.numbers")
local owner = require("rill.crawl.frontier.owner")
local portions = require("rill.crawl.frontier.portions")
local redis = require("rill.crawl.frontier.redis")
local sums_of = require("rill.crawl.frontier.sums")
local totals = require("rill.crawl.frontier.totals")
local wire = require("rill.crawl.frontier.wire")

local M = {}

local ORIGINS_MOST = 10000 -- whose node is remembered; then it begins anew

---@class rill.CrawlNodes: rill.CrawlFrontier
---@field worker string
---@field counters table
---@field offsets table<string, number>
---@field fresh boolean
---@field stop_reason string?
---@field leaves boolean
---@field may_lose boolean
---@field private _nodes rill.CrawlRedis[] the first is home
---@field private _first integer whose turn it is to be asked first
---@field private _settings table
---@field private _known rill.CrawlKnown
---@field private _by_origin table<string, rill.CrawlRedis>
---@field private _origin_count integer of these
---@field private _sums rill.CrawlSums
---@field private _complete string|false? "1": all nodes were there once
---@field private _idle string? what all nodes looked like when nothing was left
local Nodes = { may_lose = true }
Nodes.__index = Nodes

--- Which of so many nodes a host belongs to.
---@param origin string
---@param count integer
---@return integer
function M.number(origin, count)
  local host = origin:match "^%w+://(%[[^%]]*%])" or origin:match "^%w+://([^:/]*)" or origin
  local _, low = digest(host)
  return low % count + 1
end

local function node_of(self, origin)
  local node = self._by_origin[origin]
  if not node then
    if self._origin_count >= ORIGINS_MOST then self._by_origin, self._origin_count = {}, 0 end
    node = self._nodes[M.number(origin, #self._nodes)]
    self._by_origin[origin], self._origin_count = node, self._origin_count + 1
  end
  return node
end

-- In another order each time, so that the first does not have it all.
local function in_turn(self)
  local list, count = {}, #self._nodes
  for i = 1, count do list[i] = self._nodes[(self._first + i - 2) % count + 1] end
  self._first = self._first % count + 1
  return list
end

local function total(self)
  local all = { queued = 0, in_flight = 0, origins = 0 }
  for _, node in ipairs(self._nodes) do
    for name in pairs(all) do all[name] = all[name] + node.numbers[name] end
    self.stop_reason = self.stop_reason or node.stop_reason
  end
  return all
end

-- Nothing came and nothing is due. What one node has finished may have gone to another that was asked before: so it is
-- over when all are as they were when nothing was left already.
local function is_over(self)
  local parts = {}
  for i, node in ipairs(self._nodes) do parts[i] = ("%d"):format(node.numbers.leases) end
  local idle = table.concat(parts, " ")
  local was = self._idle
  self._idle = idle
  return was == idle
end

--- At most n entries, and when to ask again.
---@param n integer
---@param now number
---@return rill.CrawlEntry[]
---@return number? again
---@return rill.Error? err
function Nodes:take(n, now)
  local list, first = {}, math.huge
  self.leaves = false
  local function take(node)
    local entries, again, err = node:take(n - #list, now)
    self.leaves = self.leaves or node.leaves
    for _, entry in ipairs(entries) do list[#list + 1] = entry end
    first = math.min(first, again or math.huge)
    return err
  end
  local order, wait, err = in_turn(self), nil, nil
  if self._settings.max_pages then
    wait, err = budget.take(self._nodes[1], order, self._settings.max_pages, take)
  else
    for _, node in ipairs(order) do
      node:limit()
      err = err or take(node)
    end
  end
  if err then return {}, nil, err end
  total(self)
  if wait then return list, now + wait end
  if list[1] or first < math.huge then
    self._idle = nil
    return list, first < math.huge and first or nil
  end
  if is_over(self) then return list end
  return list, now
end

---@param entry rill.CrawlEntry
---@param result table
function Nodes:settle(entry, result)
  node_of(self, entry.origin):settle(entry, result)
end

function Nodes.abandon() end

---@param key string
---@return table
function Nodes:origin(key)
  return node_of(self, key):origin(key)
end

---@param key string
---@return boolean
function Nodes:leads_on(key)
  return node_of(self, key):leads_on(key)
end

---@return integer? id
function Nodes:known(high, low)
  return self._known:seen(high, low)
end

--- How often it has forgotten what it knew.
---@return integer
function Nodes:times_forgotten()
  return self._known.times_forgotten
end

function Nodes.trap() end

---@return boolean
function Nodes:retired(high, low)
  return self._nodes[1]:retired(high, low)
end

---@param link table
---@return boolean admitted
---@return string? reason
function Nodes:admit(link)
  return node_of(self, link.origin):admit(link)
end

---@return boolean first
function Nodes:pass_over(high, low)
  return self._known:pass_over(high, low)
end

--- Whether a URL is known to any worker. Waits.
---@return boolean
function Nodes:is_seen(high, low, link)
  return node_of(self, link.origin):is_seen(high, low)
end

-- Whether a page had this body on any of the nodes but `own`; nil: one has not answered.
local function has_body(self, high, low, own)
  local result = false
  for _, node in ipairs(self._nodes) do
    local known = node ~= own and node:has_body(high, low)
    if known then return true end
    if known == nil then result = nil end
  end
  return result
end

--- Whether a page had this body, on whatever node. Waits.
---@return boolean? nil: a node has not answered
function Nodes:has_body(high, low)
  return has_body(self, high, low)
end

--- Takes in what has_body() has said.
function Nodes:take_body(high, low, known) self._known:take_body(high, low, known) end

--- Whether a page had this body before, on whatever node it is. Waits.
---@return true?
---@return boolean? unasked a node has not answered
function Nodes:duplicate(high, low, entry)
  local own = node_of(self, entry.origin)
  local ask = not entry.known and self._known:is_duplicate(high, low, entry) == nil
  local known = ask and has_body(self, high, low, own)
  if known then
    self._known:take_body(high, low, true)
    return true
  end
  local duplicate, unasked = own:duplicate(high, low, entry)
  return duplicate, not duplicate and (known == nil or unasked)
end

--- Finds out whose bodies outcomes have that are `unasked`, of all nodes, before they are committed. Waits.
---@param outcomes table[]
---@return boolean? ok
---@return rill.Error? err they stay unasked
function Nodes:ask_bodies(outcomes)
  local left, ok, err = {}, true, nil
  for _, outcome in ipairs(outcomes) do
    if outcome.unasked then left[#left + 1] = outcome end
  end
  for _, node in ipairs(self._nodes) do
    if ok then ok, err = node:ask_bodies(left) end
    local rest = {}
    for _, outcome in ipairs(left) do
      if not outcome.duplicate_of then rest[#rest + 1] = outcome end
    end
    left = rest
    for _, outcome in ipairs(left) do outcome.unasked = true end -- of the other nodes
  end
  for _, outcome in ipairs(left) do outcome.unasked = not ok end
  return ok, err
end

--- Outcomes in groups: each is one batch, on one node.
---@param outcomes table[]
---@return table[][]
function Nodes:groups(outcomes)
  return portions.groups(outcomes, function(outcome) return node_of(self, outcome.entry.origin) end)
end

--- Makes a batch durable; see commit() of frontier/redis.lua.
---@param batch table all its outcomes are of one node
---@return boolean? ok
---@return rill.Error? err
function Nodes:commit(batch)
  local outcome = batch.outcomes[1]
  local node = outcome and node_of(self, outcome.entry.origin) or self._nodes[1]
  local sent = totals.flat(batch.counters)
  local sums, err = portions.send(node, batch, totals.since(sent, self._sums:all()), function(link)
    return node_of(self, link.origin)
  end)
  self._idle = nil
  if not sums then
    err.offsets = nil -- what other nodes know of the outputs stays
    return nil, err
  end
  self._sums:set(node, sums)
  self._sums:add_up(batch.counters, sent)
  return true
end

---@return table
function Nodes:stats()
  return numbers.stats(total(self))
end

---@return integer
function Nodes:waiting()
  return total(self).queued
end

function Nodes.resting() return {} end

--- The first node knows an output from its beginning.
---@param name string
---@param length number
---@return boolean? ok
---@return rill.Error? err
function Nodes:register(name, length)
  return self._nodes[1]:register(name, length)
end

--- Whether the outputs are still this worker's, or why not.
function Nodes:confirm()
  return self._nodes[1]:confirm()
end

---@param reason string
function Nodes:stop(reason)
  for _, node in ipairs(self._nodes) do node:stop(reason) end
end

--- Leaves all nodes. The counters are those of all workers then.
---@param counters table?
function Nodes:close(counters)
  local sent = totals.flat(counters or {})
  for _, node in ipairs(self._nodes) do
    local sums = node:leave()
    if sums then self._sums:set(node, sums) end
  end
  if counters then self._sums:add_up(counters, sent) end
end

-- Checks the list: each Redis is empty, or holds this crawl's part with the number that is its place in the list.
-- Writes nothing.
local function check(urls)
  local found, err = joining.look(urls)
  if not found then return nil, err end
  for number, at in ipairs(found) do
    if at.node and at.node:match "^%S*" ~= ("%d/%d"):format(number, #urls) then
      return nil, wire.error(at, "nodes", joining.other_node(at.node))
    end
    if at.node and not found[1].node then
      return nil, wire.error(found[1], "corrupt", "the state is gone here, and its other nodes have theirs")
    end
  end
  return true
end

-- What one node is opened with.
local function settings_of(self, given, number)
  local node = setmetatable({ path = given.path[number], known = self._known, worker = self.worker },
    { __index = given })
  node.node = ("%d/%d"):format(number, #given.path)
  local home = self._nodes[1]
  if home then node.node, node.old = node.node .. " " .. home.run, self._complete == "1" end
  return node
end

local function take_in(self, node)
  self._nodes[#self._nodes + 1] = node
  self._sums:set(node, node:sums())
  self.fresh = self.fresh and node.fresh
  for name, length in pairs(node.offsets) do self.offsets[name] = math.max(length, self.offsets[name] or 0) end
end

local function open_all(self, given)
  for number = 1, #given.path do
    local node, err = redis.open(settings_of(self, given, number))
    if not node then return nil, err end
    take_in(self, node)
    if number == 1 then
      self._complete, err = node:conf "complete"
      if err then return nil, err end
    end
  end
  return self._nodes[1]:conf("complete", "1") -- from now on a node that is not there was lost
end

--- Joins the crawl that these Redis hold together, or begins it. In a task.
---@param settings table as for frontier/redis.lua, but path is a list
---@return rill.CrawlNodes?
---@return rill.Error? err reason "state"; kind "nodes" too: another list than it was begun with
function M.open(settings)
  local ok, err = check(settings.path)
  if not ok then return nil, err end
  local self = setmetatable({ worker = settings.worker or owner.name(), counters = {}, offsets = {}, fresh = true,
    _nodes = {}, _first = 1, _settings = settings, _known = known_of.new(), _by_origin = {}, _origin_count = 0,
    _sums = sums_of.new() }, Nodes)
  ok, err = open_all(self, settings)
  if not ok then
    self:close()
    return nil, err
  end
  self._sums:add_up(self.counters, {})
  return self
end

return M
