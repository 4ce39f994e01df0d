--- The file of a crawl's state: its tables, its marks, and what is checked before it is used.
local errors = require("rill.errors")
local sqlite = require("rill.sqlite")

local M = {}

local APPLICATION = 0x72696C6C -- "rill"
-- 2: url.archived. A rill that knows 1 only would let it stand beside bodies that were not archived: it must not write.
local VERSION, OLDEST = 2, 1
local CACHE = -4096 -- KiB

local TABLES = ([[
create table meta(key text primary key, value) without rowid;
create table url(id integer primary key, fp integer not null, origin integer not null, depth integer not null,
  from_id integer, status integer, visited integer, gone integer not null default 0, hash integer, etag text,
  modified text, url text not null, more text, archived integer);
create table queue(origin integer not null, rank integer not null, id integer not null,
  primary key(origin, rank, id)) without rowid;
create table later(id integer primary key, due real not null, attempts integer not null, free integer not null);
create table origin(id integer primary key, name text not null, data text);
create table counter(key integer primary key, value integer not null);
create table skip(fp integer not null);
create table output(name text primary key, length integer not null) without rowid;
pragma application_id = %d;
pragma user_version = %d;
]]):format(APPLICATION, VERSION)

local function fail(path, kind, message)
  return nil, errors.new { reason = "state", kind = kind, path = path, message = ("%s %s"):format(path, message) }
end

-- What stands in a file that is there must be a crawl's state, whole, and of a version that is known.
local function check(db)
  local application, err = db:value("pragma application_id")
  if not application then return nil, err end
  if application ~= APPLICATION then return fail(db.path, "corrupt", "is no state of a crawl") end
  local version
  version, err = db:value("pragma user_version")
  if not version then return nil, err end
  if version < OLDEST or version > VERSION then
    return fail(db.path, "version", ("is a state of version %d, this rill knows versions %d to %d"):format(version,
      OLDEST, VERSION))
  end
  local answer
  answer, err = db:value("pragma quick_check(1)")
  if not answer then return nil, err end
  if answer ~= "ok" then return fail(db.path, "corrupt", "is broken: " .. tostring(answer)) end
  return true
end

-- A state of version 1 has no place for when a page's body was archived, or one that a rill of that version did not
-- know.
local function bring_up(db)
  local version, err = db:value("pragma user_version")
  if not version then return nil, err end
  if version == VERSION then return true end
  local found
  found, err = db:value("select count(*) from pragma_table_info('url') where name = 'archived'")
  if not found then return nil, err end
  return db:exec(("begin immediate; %s; pragma user_version = %d; commit"):format(found > 0
    and "update url set archived = null" or "alter table url add column archived integer", VERSION))
end

local function set_up(db, durable)
  local ok, err = db:exec(("pragma journal_mode = wal; pragma synchronous = %s; pragma cache_size = %d; "
    .. "pragma wal_autocheckpoint = 0; pragma temp_store = memory;")
    :format(durable == "power" and "full" or "normal", CACHE))
  if not ok then return nil, err end
  return true
end

local function create(db, values)
  local ok, err = db:exec("begin immediate;" .. TABLES)
  for name, value in pairs(values) do
    if ok then ok, err = db:prepare("insert into meta values(?, ?)"):run(name, value) end
  end
  if ok then ok, err = db:exec("commit") end
  return ok, err
end

local function is_empty(db)
  local count, err = db:value("select count(*) from sqlite_master")
  if not count then return nil, err end
  return count == 0 and db:value("pragma application_id") == 0
end

--- Opens a state, or makes one.
---@param path string
---@param durable string
---@param values table<string, string> what a new one keeps
---@return rill.Sqlite?
---@return rill.Error|boolean? fresh whether it is new; the error where there is none
function M.open(path, durable, values)
  local db, err = sqlite.open(path, { reason = "state" })
  if not db then return nil, err end
  local fresh, ok
  fresh, err = is_empty(db)
  if fresh == nil then ok = nil elseif fresh then
    ok, err = set_up(db, durable)
    if ok then ok, err = create(db, values) end
  else
    ok, err = check(db)
    if ok then ok, err = set_up(db, durable) end
    if ok then ok, err = bring_up(db) end
  end
  if ok then return db, fresh end
  db:close()
  return nil, err
end

--- Opens a state to read it, also while a crawl runs.
---@param path string
---@return rill.Sqlite?
---@return rill.Error? err
function M.read(path)
  local db, err = sqlite.open(path, { reason = "state", readonly = true })
  if not db then return nil, err end
  local ok
  ok, err = check(db)
  if ok then return db end
  db:close()
  return nil, err
end

return M
