--- Joining a crawl in Redis, or beginning one: whether its keys are what this rill writes, who else works on it.
local errors = require("rill.errors")
local owner = require("rill.crawl.frontier.owner")
local wire = require("rill.crawl.frontier.wire")

local M = {}

-- It changes where an older rill would write what is wrong. That a page's record has `w` (batch.lua) is no such case:
-- an older rill writes the record anew, without.
local FORMAT = "2"
local URLS_PER_BUCKET = 192 -- with more than 512 a set takes seven times the room

local function fail(opened, kind, message)
  return nil, wire.error(opened, kind, message)
end

--- What is wrong where a node is not the one it should be.
---@param node string what it is: "2/3 RUN", or "" for the only one
---@return string
function M.other_node(node)
  local number, count = node:match "^(%d+)/(%d+)"
  if not number then return "the crawl has this Redis alone, and no list of them" end
  return ("this is node %s of %s of a crawl: the state must list all of them, in the order it was begun with"):format(
    number, count)
end

-- Why a state is not one that this worker can join.
local function unusable(opened, worker, answer)
  local kind = answer[1]
  if kind == "key" then return fail(opened, kind, "the crawl was made with another key: " .. tostring(answer[2])) end
  if kind == "version" then
    return fail(opened, kind, ("the crawl has the format %s; this rill knows %s"):format(answer[2], FORMAT))
  end
  if kind == "nodes" then return fail(opened, kind, M.other_node(answer[2])) end
  if kind == "worker" then
    return fail(opened, kind, ("a worker %s runs already (%s); its name is free %s s after its end"):format(worker,
      answer[2], answer[3]))
  end
  return fail(opened, kind, tostring(answer[2]))
end

-- Workers that ran on this machine and ended without a word: name and owner of each, one behind the other. Another one
-- may have taken the name since.
local function dead_workers(opened)
  local names, err = opened:command { "SMEMBERS", opened.key .. ":workers" }
  if err and err.kind ~= "redis" then return nil, err end -- a key of another type: the script returns which
  local dead = {}
  for _, name in ipairs(names or {}) do
    local who = opened:command { "HGET", ("%s:w:%s"):format(opened.key, name), "owner" }
    if type(who) == "string" and owner.is_dead(who) then
      dead[#dead + 1], dead[#dead + 2] = name, who
    end
  end
  return dead
end

local function check(opened, settings, worker)
  if worker:find "[^%w_.-]" then
    return fail(opened, "worker", "worker must be letters, digits and _ . -, got " .. errors.show(worker))
  end
  if settings.recrawl and not settings.remember then
    return fail(opened, "recrawl", "recrawl needs remember = true, from the first run on")
  end
  return dead_workers(opened)
end

--- A hash of Redis, a flat list, as a table.
---@param list string[]
---@return table<string, string>
function M.hash(list)
  local all = {}
  for i = 1, #list, 2 do all[list[i]] = list[i + 1] end
  return all
end

--- The places of a worker's outputs.
---@param hash table<string, string>
---@return table<string, number>
function M.offsets(hash)
  local all = {}
  for name, value in pairs(hash) do
    local path = name:match "^out:(.*)$"
    if path then all[path] = tonumber(value) end
  end
  return all
end

--- Joins the crawl, or makes it.
---@param opened rill.CrawlWire
---@param settings table
---@param worker string
---@return { run: string, owner: string, buckets: number, fresh: boolean, batch: number, offsets: table,
---  scope: string[], numbers: table }?
---@return rill.Error? err
function M.join(opened, settings, worker)
  local dead, err = check(opened, settings, worker)
  if not dead then return nil, err end
  local run, own = ("%.0f-%x"):format(settings.now, math.random(2 ^ 31 - 1)), owner.own()
  local buckets = math.max(1, math.ceil(settings.expect / URLS_PER_BUCKET))
  local answer
  answer, err = opened:script("open", { run, FORMAT, settings.key_name, tostring(buckets), settings.conf, worker,
    own, tostring(settings.lease), settings.remember and "1" or "0", settings.recrawl and "1" or "0",
    settings.node or "", settings.old and "1" or "0", unpack(dead) })
  if err then return nil, err end
  if answer[1] ~= "ok" then return unusable(opened, worker, answer) end
  local hash = M.hash(answer[5])
  return { run = answer[2], owner = own, buckets = tonumber(answer[3]), fresh = answer[4] == 1,
    batch = tonumber(hash.batch or 0), offsets = M.offsets(hash), scope = answer[6], numbers = answer[7] }
end

-- Each URL once.
local function check_places(urls)
  local seen = {}
  for i, url in ipairs(urls) do
    local place, err = wire.place(url)
    if not place then return nil, err end
    if seen[place] then
      return nil, errors.new { reason = "state", kind = "url",
        message = ("state[%d] is the Redis of state[%d], with the same name"):format(i, seen[place]) }
    end
    seen[place] = i
  end
  return true
end

--- Looks at Redis servers, and writes nothing.
---@param urls string[]
---@return { shown: string, node: string? }[]? found node: which it is of how many, "" for the only one; nil: no crawl
---@return rill.Error? err
function M.look(urls)
  local ok, err = check_places(urls)
  if not ok then return nil, err end
  local found = {}
  for i, url in ipairs(urls) do
    local opened
    opened, err = wire.open(url)
    if not opened then return nil, err end
    local list
    list, err = opened:command { "HMGET", opened.key .. ":conf", "run", "node" }
    opened:close()
    if err and err.kind ~= "redis" then return nil, err end -- a key of another type: joining it returns which
    found[i] = { shown = opened.shown, node = list and list[1] and (list[2] or "") or nil }
  end
  return found
end

return M
