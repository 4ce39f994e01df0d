--- What waits, in one SQLite file: nothing is lost at a kill. Takes only read; rows leave the queue at the commit of
--- their page, so that a kill puts what was in flight back by itself.
local date = require("rill.crawl.date")
local json = require("rill.core.plain_json")
local lock = require("rill.crawl.lock")
local errors = require("rill.errors")
local rank_of = require("rill.crawl.frontier.rank")
local schedule = require("rill.crawl.frontier.schedule")
local schema = require("rill.crawl.frontier.schema")
local writes = require("rill.crawl.frontier.writes")

local M = {}

local READ_AHEAD = 32 -- rows of an origin
local FIRST = -2 ^ 40 -- before every rank

---@class rill.CrawlSqlite: rill.CrawlStore
---@field db rill.Sqlite
---@field path string
---@field rows integer written since the log went into the file
---@field lengths table<string, number> of outputs, as they are in the file
---@field recrawls boolean URLs that were visited are asked for again
---@field origin_ids table<string, integer>
---@field private _names table<integer, string>
---@field spared { origin: integer, rank: integer, id: integer }[] leave the queue with the next commit
---@field private _is_spared table<integer, boolean>
---@field private _next_id integer
---@field private _next_origin integer
---@field private _counts table<string, integer>
---@field private _waiting integer
---@field private _cursors table<string, table>
---@field private _out table<integer, boolean> handed out, not yet committed
local Store = {}
Store.__index = Store

function Store:new_id()
  self._next_id = self._next_id + 1
  return self._next_id
end

--- The number of an origin, and whether it is new.
---@param name string
---@return integer id
---@return boolean? new
function Store:origin_id(name)
  local id = self.origin_ids[name]
  if id then return id end
  id = self._next_origin
  self._next_origin, self.origin_ids[name], self._names[id] = id + 1, id, name
  return id, true
end

local ORIGIN_FIELDS = { "robots", "hold", "slow", "answered", "rounds", "dials", "open_until", "pages" }

--- What is kept of an origin.
---@param o rill.CrawlOrigin
---@return string
function Store.data_of(o)
  local data = {}
  for _, name in ipairs(ORIGIN_FIELDS) do data[name] = o[name] end
  return json.encode(data)
end

---@param o rill.CrawlOrigin
function Store:load_origin(o)
  local id = self.origin_ids[o.key]
  local text = id and self.db:value("select data from origin where id = ?", id)
  for name, value in pairs(text and json.decode(text) or {}) do o[name] = value end
end

--- A link was committed: it waits.
---@param entry rill.CrawlEntry
function Store:push(entry)
  local key = entry.origin
  self._counts[key], self._waiting = (self._counts[key] or 0) + 1, self._waiting + 1
  local cursor, rank = self._cursors[key], rank_of(entry)
  if cursor and (rank < cursor.rank or rank == cursor.rank and entry.id <= cursor.id) then self._cursors[key] = nil end
end

local COLUMNS = "u.id, u.url, u.depth, f.url, u.more, u.status, u.etag, u.modified, u.hash, u.gone, u.archived"
local FROM = " join url u on u.id = q.id left join url f on f.id = u.from_id "

local function known_of(store, stmt, more)
  local status = stmt:column(5)
  if not store.recrawls or more.again or not status or more.kind then return nil end
  local high, low = stmt:pair(8)
  return { etag = stmt:column(6), modified = stmt:column(7), gone = stmt:column(9), archived = stmt:column(10),
    hash = high and ("%08x%08x"):format(high, low) or nil }
end

-- An entry of the row a statement stands at; the rank follows COLUMNS.
local function entry_of(store, stmt, origin)
  local text = stmt:column(4)
  local more = text and json.decode(text) or {}
  return { id = stmt:column(0), url = stmt:column(1), depth = stmt:column(2), from = stmt:column(3), origin = origin,
    meta = more.meta, via = more.via, hops = more.via and #more.via or 0, kind = more.kind, level = more.level,
    priority = more.priority, attempts = 0, free = 0, rank = stmt:column(11), known = known_of(store, stmt, more) }
end

local READ = "select " .. COLUMNS .. ", q.rank from queue q" .. FROM
  .. "where q.origin = ? and (q.rank, q.id) > (?, ?) order by q.rank, q.id limit " .. READ_AHEAD

local function read_ahead(self, key, cursor)
  local stmt = assert(self.db:prepare(READ))
  stmt:bind(1, self:origin_id(key), cursor.rank, cursor.id)
  local read = 0
  while stmt:step() do
    read = read + 1
    local entry = entry_of(self, stmt, key)
    cursor.rank, cursor.id = entry.rank, entry.id
    if not self._out[entry.id] and not self._is_spared[entry.id] then cursor.list[#cursor.list + 1] = entry end
  end
  return read
end

local function new_cursor(self, key)
  local cursor = { rank = FIRST, id = 0, list = {}, at = 1 }
  self._cursors[key] = cursor
  return cursor
end

--- The best that waits for an origin; it is handed out.
---@param key string
---@return rill.CrawlEntry?
function Store:shift(key)
  if (self._counts[key] or 0) == 0 then return nil end
  local cursor = self._cursors[key] or new_cursor(self, key)
  while not cursor.list[cursor.at] do
    local from_first = cursor.rank == FIRST
    cursor.list, cursor.at = {}, 1
    if read_ahead(self, key, cursor) == 0 then
      if from_first then
        self._waiting, self._counts[key] = self._waiting - self._counts[key], 0 -- a row was there already
        return nil
      end
      cursor = new_cursor(self, key)
    end
  end
  local entry = cursor.list[cursor.at]
  cursor.at = cursor.at + 1
  if self._is_spared[entry.id] then return self:shift(key) end
  self._counts[key], self._waiting, self._out[entry.id] = self._counts[key] - 1, self._waiting - 1, true
  return entry
end

local SPARE = "select u.visited, u.origin, q.rank from url u join queue q on q.origin = u.origin and q.rank = u.depth "
  .. "and q.id = u.id where u.id = ? and u.status between 200 and 399"

--- A sitemap gives the time at which a URL changed last: a recrawl skips what was visited after that.
---@param id integer
---@param lastmod string
function Store:spare(id, lastmod)
  local changed = self.recrawls and not self._out[id] and not self._is_spared[id] and date.w3c(lastmod)
  if not changed then return end
  local visited, origin, rank = self.db:value(SPARE, id)
  if not visited or changed >= visited then return end
  local key = self._names[origin]
  self._is_spared[id] = true
  self.spared[#self.spared + 1] = { origin = origin, rank = rank, id = id }
  self._counts[key], self._waiting = self._counts[key] - 1, self._waiting - 1
end

---@param key string
---@return integer
function Store:count(key)
  return self._counts[key] or 0
end

---@return integer
function Store:waiting()
  return self._waiting
end

---@param id integer
---@return string?
function Store:url_of(id)
  return (self.db:value("select url from url where id = ?", id))
end

local ARCHIVED = "select url, archived from url where id = ? and hash = ? and archived is not null"

--- Where a page is archived with this body.
---@return { url: string, archived: integer }?
function Store:archived(id, high, low)
  local stmt = assert(self.db:prepare(ARCHIVED))
  local url, archived = stmt:bind(1, id):bind_pair(2, high, low):first()
  return url and { url = url, archived = archived }
end

--- How deep a URL was found.
---@param id integer
---@return integer? depth nil: it is not committed yet
function Store:depth_of(id)
  return (self.db:value("select depth from url where id = ?", id))
end

--- The entry's row has left the queue.
---@param id integer
function Store:gone(id)
  self._out[id] = nil
end

---@param batch table
---@param frontier rill.CrawlFrontier
---@return boolean? ok
---@return rill.Error? err
function Store:commit(batch, frontier)
  return writes.commit(self, batch, frontier)
end

--- An output is there from now on.
---@param name string
---@param length number
---@return boolean? ok
---@return rill.Error? err
function Store:register(name, length)
  self.lengths[name] = length
  return self.db:prepare("insert or replace into output values(?, ?)"):run(name, length)
end

function Store:close()
  self.db:checkpoint()
  self.db:close()
  lock.give(self.path)
end

local function each_row(db, sql, fn)
  local stmt, err = db:prepare(sql)
  if not stmt then return nil, err end
  while true do
    local row
    row, err = stmt:step()
    if row == nil then return nil, err end
    if not row then return true end
    fn(stmt)
  end
end

local function load_origins(self)
  return each_row(self.db, "select id, name from origin", function(stmt)
    local id, name = stmt:column(0), stmt:column(1)
    self.origin_ids[name], self._names[id] = id, name
    self._next_origin = math.max(self._next_origin, id + 1)
  end)
end

local function load_seen(self, frontier)
  local ok, err = each_row(self.db, "select id, fp, hash, archived from url order by id", function(stmt)
    local id, high, low = stmt:column(0), stmt:pair(1)
    frontier.seen:set(high, low, id)
    self._next_id = id
    high, low = stmt:pair(2)
    if high then frontier.bodies:restore(id, stmt:column(3), high, low) end
  end)
  if not ok then return nil, err end
  ok, err = each_row(self.db, "select fp from skip", function(stmt)
    local high, low = stmt:pair(0)
    frontier.skipped:set(high, low, 1)
  end)
  if not ok then return nil, err end
  return each_row(self.db, "select key, value from counter", function(stmt)
    local high, low = stmt:pair(0)
    frontier.counts:set(high, low, stmt:column(1))
  end)
end

local LATER = "select " .. COLUMNS .. ", q.rank, l.due, l.attempts, l.free, q.origin from later l join queue q "
  .. "on q.id = l.id" .. FROM

local function load_queue(self, frontier)
  local ok, err = each_row(self.db, "select origin, count(*) from queue group by origin", function(stmt)
    local name, count = self._names[stmt:column(0)], stmt:column(1)
    self._counts[name], self._waiting = count, self._waiting + count
  end)
  if not ok then return nil, err end
  return each_row(self.db, LATER, function(stmt)
    local entry = entry_of(self, stmt, self._names[stmt:column(15)])
    entry.due, entry.attempts, entry.free = stmt:column(12), stmt:column(13), stmt:column(14)
    entry.counted, entry.taken, self._out[entry.id] = true, true, true
    self._counts[entry.origin], self._waiting = self._counts[entry.origin] - 1, self._waiting - 1
    frontier:restore_retry(entry)
  end)
end

local function load_outputs(self)
  local offsets = {}
  local ok, err = each_row(self.db, "select name, length from output", function(stmt)
    offsets[stmt:column(0)], self.lengths[stmt:column(0)] = stmt:column(1), stmt:column(1)
  end)
  if not ok then return nil, err end
  return offsets
end

local function meta(db, name)
  return (db:value("select value from meta where key = ?", name))
end

-- Everything that a run needs in memory.
local function load_all(self, frontier, options)
  local ok, err = load_origins(self)
  if ok then ok, err = load_seen(self, frontier) end
  if ok then ok, err = writes.begin_recrawl(self, options) end
  if ok then ok, err = load_queue(self, frontier) end
  if ok then frontier.offsets, err = load_outputs(self) end
  if not ok or not frontier.offsets then return nil, err end
  local counters = meta(self.db, "counters")
  frontier.counters = counters and json.decode(counters) or nil
  local own = meta(self.db, "scope")
  if own then options.scope:restore(json.decode(own)) end
  for _, key in ipairs(self._names) do frontier:wake(key, options.now) end
  return true
end

local function check_key(db, options)
  local kept = meta(db, "key")
  if kept == options.key_name then return true end
  return nil, errors.new { reason = "state", kind = "key", path = db.path,
    message = ("%s was made with another key: %s"):format(db.path, tostring(kept)) }
end

local function open_locked(options)
  local db, fresh = schema.open(options.path, options.durable, { key = options.key_name, conf = options.conf })
  if not db then return nil, fresh end
  local store = setmetatable({ db = db, path = options.path, recrawls = false, origin_ids = {}, _names = {},
    _next_id = 0, _next_origin = 1, _counts = {}, _waiting = 0, _cursors = {}, _out = {}, rows = 0,
    lengths = {}, spared = {}, _is_spared = {} }, Store)
  local frontier = schedule.new(store, options)
  local ok, err = check_key(db, options)
  if ok then ok, err = load_all(store, frontier, options) end
  if not ok then
    db:close()
    return nil, err
  end
  frontier.fresh = fresh
  return frontier
end

--- Opens a state, or makes one.
---@param options table of the schedule, and path, durable, key_name, conf, recrawl, scope, now
---@return rill.CrawlFrontier?
---@return rill.Error? err reason "state"; kind "locked", "corrupt", "version", "key", "full"
function M.open(options)
  local fd, err = lock.take(options.path)
  if not fd then return nil, err end
  local frontier
  frontier, err = open_locked(options)
  if frontier then return frontier end
  lock.give(options.path)
  return nil, err
end

--- Returns what a state has recorded of its crawl, also while it runs.
---@param path string
---@return { counters: table, conf: table, queued: integer }?
---@return rill.Error? err
function M.read(path)
  local db, err = schema.read(path)
  if not db then return nil, err end
  local counters, conf = meta(db, "counters"), meta(db, "conf")
  local all = { counters = counters and json.decode(counters) or {}, conf = conf and json.decode(conf) or {},
    queued = db:value("select count(*) from queue"), origins = db:value("select count(*) from origin"),
  }
  all.finished = all.queued == 0 and (all.counters.pages or 0) > 0 -- what is in flight stands in the queue
  db:close()
  return all
end

return M
