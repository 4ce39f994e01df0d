--- Joining a crawl in Redis, or beginning one: whether its keys are what this rill writes, who else works on it.
local errors = require("rill.errors")
local json = require("rill.crawl.json")
local owner = require("rill.crawl.frontier.owner")
local totals = require("rill.crawl.frontier.totals")
local wire = require("rill.crawl.frontier.wire")

local M = {}

local FORMAT = "1"
local URLS_PER_BUCKET = 192 -- with more than 512 a set takes seven times the room

local function fail(opened, kind, message)
  return nil, wire.error(opened, kind, message)
end

-- Why a state is not one that this worker can join.
local function unusable(opened, worker, answer)
  local kind = answer[1]
  if kind == "key" then return fail(opened, kind, "the crawl was made with another key: " .. tostring(answer[2])) end
  if kind == "version" then
    return fail(opened, kind, ("the crawl has the format %s; this rill knows %s"):format(answer[2], FORMAT))
  end
  if kind == "worker" then
    return fail(opened, kind, ("a worker %s runs already (%s); its name is free %s s after its end"):format(worker,
      answer[2], answer[3]))
  end
  return fail(opened, kind, tostring(answer[2]))
end

-- Names of workers that ran on this machine and ended without a word.
local function dead_workers(opened)
  local names, err = opened:command { "SMEMBERS", opened.key .. ":workers" }
  if err and err.kind ~= "redis" then return nil, err end -- a key of another type: the script returns which
  local dead = {}
  for _, name in ipairs(names or {}) do
    local who = opened:command { "HGET", ("%s:w:%s"):format(opened.key, name), "owner" }
    if type(who) == "string" and owner.is_dead(who) then dead[#dead + 1] = name end
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
---@return { run: string, buckets: number, fresh: boolean, batch: number, offsets: table, scope: string[],
---  numbers: table }?
---@return rill.Error? err
function M.join(opened, settings, worker)
  local dead, err = check(opened, settings, worker)
  if not dead then return nil, err end
  local run = ("%.0f-%x"):format(settings.now, math.random(2 ^ 31 - 1))
  local buckets = math.max(1, math.ceil(settings.expect / URLS_PER_BUCKET))
  local answer
  answer, err = opened:script("open", { run, FORMAT, settings.key_name, tostring(buckets), settings.conf, worker,
    owner.own(), tostring(settings.lease), settings.remember and "1" or "0", settings.recrawl and "1" or "0",
    unpack(dead) })
  if err then return nil, err end
  if answer[1] ~= "ok" then return unusable(opened, worker, answer) end
  local hash = M.hash(answer[5])
  return { run = answer[2], buckets = tonumber(answer[3]), fresh = answer[4] == 1, batch = tonumber(hash.batch or 0),
    offsets = M.offsets(hash), scope = answer[6], numbers = answer[7] }
end

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

local function read_workers(opened, names)
  local workers = {}
  for _, name in ipairs(names) do
    local list, err = answers(opened, { { "HGETALL", "w:" .. name } })
    if not list then return nil, err end
    workers[name] = M.offsets(M.hash(list[1]))
  end
  return workers
end

local function read_all(opened)
  local list, err = answers(opened, { { "HGETALL", "conf" }, { "HGETALL", "stats" }, { "ZCARD", "lease" },
    { "SMEMBERS", "workers" } })
  if not list then return nil, err end
  local conf, hash, counters = M.hash(list[1]), M.hash(list[2]), {}
  if not conf.run then
    return nil, wire.error(opened, "none", "there is no crawl of that name")
  end
  totals.apply(counters, totals.read(list[2]), {})
  local read = { counters = counters, conf = json.decode(conf.conf), queued = tonumber(hash._queued or 0),
    origins = tonumber(hash._origins or 0), in_flight = list[3] }
  read.finished = read.queued == 0 and read.in_flight == 0 and (counters.pages or 0) > 0
  read.workers, err = read_workers(opened, list[4])
  if not read.workers then return nil, err end
  return read
end

--- What a crawl has recorded, also while it runs, and the outputs of its workers.
---@param path string its URL
---@return { counters: table, conf: table, queued: integer, origins: integer, finished: boolean,
---  workers: table<string, table<string, number>> }?
---@return rill.Error? err
function M.read(path)
  local opened, err = wire.open(path)
  if not opened then return nil, err end
  local read
  read, err = read_all(opened)
  opened:close()
  return read, err
end

return M
