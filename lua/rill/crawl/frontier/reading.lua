--- What a crawl in Redis has recorded, also while it runs: of one Redis, or of all that hold it together.
local joining = require("rill.crawl.frontier.joining")
local json = require("rill.core.plain_json")
local totals = require("rill.crawl.frontier.totals")
local wire = require("rill.crawl.frontier.wire")

local M = {}

-- The answers to commands; nil when one of them has failed.
local function answers(opened, commands)
  local list = {}
  for i, words in ipairs(commands) do
    words[2] = opened.key .. ":" .. words[2]
    local answer, err = opened:command(words)
    if err then return nil, err end
    list[i] = answer
  end
  return list
end

-- How long the outputs of all workers are: the longest that any node knows of.
local function add_workers(opened, names, workers)
  for _, name in ipairs(names) do
    local list, err = answers(opened, { { "HGETALL", "w:" .. name } })
    if not list then return nil, err end
    local known = workers[name] or {}
    workers[name] = known
    for path, length in pairs(joining.offsets(joining.hash(list[1]))) do
      known[path] = math.max(known[path] or 0, length)
    end
  end
  return true
end

local function add(all, sums, opened, node)
  local list, err = answers(opened, { { "HGETALL", "conf" }, { "HGETALL", "stats" }, { "ZCARD", "lease" },
    { "SMEMBERS", "workers" } })
  if not list then return nil, err end
  local conf, hash = joining.hash(list[1]), joining.hash(list[2])
  if not conf.run then return nil, wire.error(opened, "none", "there is no crawl of that name") end
  if (conf.node or ""):match "^%S*" ~= node then
    return nil, wire.error(opened, "nodes", joining.other_node(conf.node or ""))
  end
  for name, value in pairs(totals.read(list[2])) do sums[name] = (sums[name] or 0) + value end
  all.conf = all.conf or json.decode(conf.conf)
  all.queued, all.origins = all.queued + tonumber(hash._queued or 0), all.origins + tonumber(hash._origins or 0)
  all.in_flight = all.in_flight + list[3]
  return add_workers(opened, list[4], all.workers)
end

--- Reads it; nothing is written.
---@param urls string[] one, or all in their order
---@return { counters: table, conf: table, queued: integer, in_flight: integer, origins: integer, finished: boolean,
---  workers: table<string, table<string, number>> }?
---@return rill.Error? err
function M.read(urls)
  local all, sums = { counters = {}, queued = 0, in_flight = 0, origins = 0, workers = {} }, {}
  for number, url in ipairs(urls) do
    local opened, err = wire.open(url)
    if not opened then return nil, err end
    local ok
    ok, err = add(all, sums, opened, #urls > 1 and ("%d/%d"):format(number, #urls) or "")
    opened:close()
    if not ok then return nil, err end
  end
  totals.apply(all.counters, sums, {})
  all.finished = all.queued == 0 and all.in_flight == 0 and (all.counters.pages or 0) > 0
  return all
end

return M
