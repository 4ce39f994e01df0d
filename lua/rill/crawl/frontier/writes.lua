--- What a commit writes into the state: one transaction for all of a batch.
local json = require("rill.core.plain_json")
local rank_of = require("rill.crawl.frontier.rank")

local M = {}

local CHECKPOINT_ROWS = 20000 -- then the log goes into the file

local FIRST = "-1099511627775" -- a rank before all others
local NO_SITEMAP = "(more is null or more not like '{\"kind\":%')" -- names are sorted, no page has that one

local FAILED, SKIPPED = -1, -2 -- in place of a status

local SQL = {
  visited = "update url set status = ?, visited = ?, etag = ?, modified = ?, hash = ?, gone = ?, archived = ? "
    .. "where id = ?",
  unchanged = "update url set visited = ?, gone = 0, archived = ? where id = ?",
  ended = "update url set status = ?, visited = ? where id = ?",
  leave = "delete from queue where origin = ? and rank = ? and id = ?",
  calm = "delete from later where id = ?",
  again = "insert or replace into later values(?, ?, ?, ?)",
  url = "insert into url(id, fp, origin, depth, from_id, url, more) values(?, ?, ?, ?, ?, ?, ?)",
  queue = "insert or ignore into queue values(?, ?, ?)",
  origin = "insert or replace into origin values(?, ?, ?)",
  counter = "insert or replace into counter values(?, ?)",
  skip = "insert into skip values(?)",
  output = "insert or replace into output values(?, ?)",
  meta = "insert or replace into meta values(?, ?)",
}

-- A statement of SQL; what goes wrong is raised as an error object, and caught in M.commit.
local function run(db, name, ...)
  local stmt, err = db:prepare(SQL[name])
  if not stmt then error(err, 0) end
  local ok, why = stmt:run(...)
  if not ok then error(why, 0) end
end

local function save_origin(store, frontier, key)
  local id = store:origin_id(key)
  run(store.db, "origin", id, key, store.data_of(frontier:origin(key)))
end

local function is_gone(status)
  return status == 404 or status == 410
end

local function write_visit(store, outcome, now)
  local db, entry = store.db, outcome.entry
  if outcome.status == 304 or outcome.unchanged then return run(db, "unchanged", now, outcome.archived, entry.id) end
  local gone = is_gone(outcome.status) and ((entry.known and entry.known.gone or 0) + 1) or 0
  local stmt = db:prepare(SQL.visited)
  stmt:bind(1, outcome.status, now, outcome.etag, outcome.modified)
  if outcome.high then stmt:bind_pair(5, outcome.high, outcome.low) else stmt:bind(5, nil) end
  stmt:bind(6, gone, outcome.archived, entry.id)
  local ok, err = stmt:run()
  if not ok then error(err, 0) end
end

local function write_outcome(store, outcome, now)
  local db, entry, kind = store.db, outcome.entry, outcome.kind
  if kind == "robots" then return end
  if kind == "retry" then return run(db, "again", entry.id, outcome.due, entry.attempts, entry.free) end
  if kind == "done" then
    write_visit(store, outcome, now)
  else
    run(db, "ended", kind == "failed" and FAILED or kind == "skip" and SKIPPED or 200, now, entry.id)
  end
  run(db, "leave", store:origin_id(entry.origin), entry.rank, entry.id)
  if entry.attempts > 1 or entry.free > 0 then run(db, "calm", entry.id) end
end

local function more_of(link)
  if link.meta == nil and not link.via and not link.kind and not link.priority and not link.again then return nil end
  return json.encode { meta = link.meta, via = link.via, kind = link.kind, level = link.level,
    priority = link.priority, again = link.again }
end

local function write_link(store, frontier, link)
  local db = store.db
  local origin, new = store:origin_id(link.origin)
  if new then save_origin(store, frontier, link.origin) end
  if not link.known_id then
    local stmt = db:prepare(SQL.url)
    stmt:bind(1, link.id):bind_pair(2, link.high, link.low)
    local ok, err = stmt:bind(3, origin, link.depth, link.from_id, link.url, more_of(link)):run()
    if not ok then error(err, 0) end
  end
  run(db, "queue", origin, rank_of(link), link.id)
end

local function write_pairs(store, name, list, value_of)
  local stmt = store.db:prepare(SQL[name])
  for _, item in ipairs(list) do
    stmt:bind_pair(1, item.high, item.low)
    if value_of then stmt:bind(2, value_of(item)) end
    local ok, err = stmt:run()
    if not ok then error(err, 0) end
  end
end

local function write_counters(store, frontier, dirty)
  local list = {}
  for counter in pairs(dirty) do list[#list + 1] = counter end
  write_pairs(store, "counter", list, function(counter)
    return frontier.counts:get(counter.high, counter.low)
  end)
end

local function write_all(store, batch, frontier)
  local db, now = store.db, math.floor(batch.now)
  for _, outcome in ipairs(batch.outcomes) do write_outcome(store, outcome, now) end
  for _, link in ipairs(batch.links) do write_link(store, frontier, link) end
  for _, row in ipairs(store.spared) do run(db, "leave", row.origin, row.rank, row.id) end
  for key in pairs(batch.touched or {}) do save_origin(store, frontier, key) end
  write_counters(store, frontier, batch.counts)
  write_pairs(store, "skip", batch.skips)
  for name, length in pairs(batch.outputs) do
    if store.lengths[name] ~= length then
      run(db, "output", name, length)
      store.lengths[name] = length
    end
  end
  run(db, "meta", "counters", json.encode(batch.counters))
  if batch.scope then run(db, "meta", "scope", json.encode(batch.scope)) end
end

local function transact(db, fn, ...)
  local ok, err = db:exec("begin immediate")
  if not ok then return nil, err end
  local done, why = pcall(fn, ...)
  if done then
    done, why = db:exec("commit")
    if done then return true end
  end
  db:exec("rollback")
  if type(why) ~= "table" then error(why, 0) end
  return nil, why
end

-- Outputs are on the disk before the log is: a power loss goes back to a moment that both know.
local function checkpoint(store, batch)
  store.rows = store.rows + #batch.links + #batch.outcomes
  if store.rows < CHECKPOINT_ROWS then return true end
  store.rows = 0
  local ok, err = true, nil
  if batch.sync then ok, err = batch.sync() end
  if ok then store.db:checkpoint() end
  return ok, err
end

--- Writes a batch, or nothing of it.
---@param store rill.CrawlSqlite
---@param batch table
---@param frontier rill.CrawlFrontier
---@return boolean? ok
---@return rill.Error? err
function M.commit(store, batch, frontier)
  local ok, err = transact(store.db, write_all, store, batch, frontier)
  if not ok then return nil, err end
  store.spared = {}
  for _, outcome in ipairs(batch.outcomes) do
    if outcome.kind ~= "retry" then store:gone(outcome.entry.id) end
  end
  return checkpoint(store, batch)
end

--- Puts every URL that was visited into the queue again, once for each recrawl, however often that is interrupted.
---@param store rill.CrawlSqlite
---@param options { recrawl: boolean|number|nil, sitemaps: boolean, now: number }
---@return boolean? ok
---@return rill.Error? err
function M.begin_recrawl(store, options)
  local db = store.db
  local round = db:value("select value from meta where key = 'recrawl'")
  store.recrawls = round ~= nil
  local waiting = db:value("select exists(select 1 from queue)")
  if round and waiting == 0 then
    local ok, err = db:exec("delete from meta where key = 'recrawl'")
    if not ok then return nil, err end
    round, store.recrawls = nil, false
  end
  if not options.recrawl or round then return true end
  store.recrawls = true
  local before = options.now - (type(options.recrawl) == "number" and options.recrawl or 0)
  return transact(db, function()
    local stmt = assert(db:prepare("insert or ignore into queue select origin, depth, id from url where status is not "
      .. "null and status > -2 and gone < 2 and visited <= ? and " .. NO_SITEMAP))
    local ok, err = stmt:run(math.ceil(before))
    if not ok then error(err, 0) end
    if options.sitemaps then
      ok, err = db:exec("insert or ignore into queue select origin, " .. FIRST .. ", id from url where not "
        .. NO_SITEMAP)
      if not ok then error(err, 0) end
    end
    run(db, "meta", "recrawl", math.floor(options.now))
    ok, err = db:exec("delete from meta where key = 'counters'")
    if not ok then error(err, 0) end
  end)
end

return M
