--- Items as rows of a table in SQLite: "items.sqlite#pages". Columns come with the items; nested values are JSON.
local errors = require("rill.errors")
local file = require("rill.crawl.file")
local json = require("rill.core.plain_json")
local sqlite = require("rill.sqlite")

local M = {}

local MAX_COLUMNS = 1000 -- SQLite has room for 2,000

---@class rill.CrawlTable
---@field private _db rill.Sqlite
---@field private _table string quoted
---@field private _columns table<string, boolean> in lower case: SQLite does not look at it
---@field private _count integer of columns
---@field private _is_full boolean? that was reported
---@field private _items table[]
---@field private _last number rowid
---@field private _fields string[]? those that are kept
---@field private _orders table<table, string[]> of items whose names have one
---@field private _warn fun(text: string)
local Table = {}
Table.__index = Table

local function quoted(name)
  return '"' .. tostring(name):gsub("%z", ""):gsub('"', '""') .. '"'
end

local function split(path)
  return path:match "^(.*)#([^#]+)$"
end

local function check(ok, err)
  if not ok then error(err, 0) end
  return ok
end

local function read_columns(self)
  local stmt = check(self._db:prepare(("select * from %s limit 0"):format(self._table)))
  for _, name in ipairs(stmt:names()) do
    self._columns[name:lower()], self._count = true, self._count + 1
  end
end

local function table_exists(db, name)
  return db:value("select count(*) from sqlite_master where type = 'table' and name = ? collate nocase", name) == 1
end

local function names_of(item, order)
  local names = {}
  for name in pairs(item) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return order or names
end

-- Room for the names of an item.
local function add_columns(self, names)
  for _, name in ipairs(names) do
    if not self._columns[name:lower()] and self._count < MAX_COLUMNS then
      self._columns[name:lower()], self._count = true, self._count + 1
      check(self._db:exec(("alter table %s add column %s"):format(self._table, quoted(name))))
    elseif not self._columns[name:lower()] and not self._is_full then
      self._is_full = true
      self._warn(("%s has %d columns: %s is left out, and what else is new"):format(self._db.path, MAX_COLUMNS, name))
    end
  end
end

local function value_of(value)
  if type(value) == "table" then return json.encode(value) end
  if type(value) == "string" then return json.utf8(value) end
  if type(value) == "userdata" then return nil end
  return value
end

local function insert(self, item)
  local names = self._fields or names_of(item, self._orders[item])
  add_columns(self, names)
  local columns, marks, values, count = {}, {}, {}, 0
  for _, name in ipairs(names) do
    if item[name] ~= nil and self._columns[name:lower()] then
      count = count + 1
      columns[count], marks[count], values[count] = quoted(name), "?", value_of(item[name])
    end
  end
  local text = count == 0 and ("insert into %s default values"):format(self._table)
    or ("insert into %s(%s) values(%s)"):format(self._table, table.concat(columns, ", "), table.concat(marks, ", "))
  check(check(self._db:prepare(text)):bind(1, unpack(values, 1, count)):run())
end

---@param item table
function Table:write(item)
  self._items[#self._items + 1] = item
end

---@param item table
---@param order string[]
function Table:write_ordered(item, order)
  self._orders[item] = order
  self:write(item)
end

local function insert_all(self, items)
  check(self._db:exec("begin immediate"))
  for _, item in ipairs(items) do insert(self, item) end
  check(self._db:exec("commit"))
  self._last = self._db:last_id()
end

---@return boolean? ok
---@return rill.Error? err
function Table:flush()
  local items = self._items
  if not items[1] then return true end
  self._items = {}
  local ok, err = pcall(insert_all, self, items)
  if ok then return true end
  self._db:exec("rollback")
  if not errors.is(err) then error(err, 0) end
  return nil, err
end

---@return number rowid of the last item
function Table:offset()
  return self._last
end

---@param offset number
---@return boolean? ok
---@return rill.Error? err
function Table:truncate(offset)
  self._items = {}
  if self._last < offset then
    return nil, errors.new { reason = "output", kind = "short", path = self._db.path,
      message = ("%s has rows up to %d, the state knows of %d"):format(self._db.path, self._last, offset) }
  end
  local ok, err = self._db:exec(("delete from %s where rowid > %d"):format(self._table, offset))
  self._last = ok and offset or self._last
  return ok, err
end

function Table:sync()
  self._db:checkpoint()
  return true
end

function Table:close()
  self._db:checkpoint()
  self._db:close()
end

local function set_up(self, name)
  check(self._db:exec("pragma journal_mode = wal; pragma synchronous = normal;"))
  if not table_exists(self._db, name) then
    check(self._db:exec(("create table %s(item_id integer primary key)"):format(self._table)))
  end
  read_columns(self)
  self._last = check(self._db:value(("select coalesce(max(rowid), 0) from %s"):format(self._table)))
end

--- Whether the table is there.
---@param path string file#table
---@return boolean
function M.exists(path)
  local where, name = split(path)
  if not where or not file.exists(where) then return false end
  local db = sqlite.open(where, { reason = "output", readonly = true })
  if not db then return true end -- what it is is said when it is opened
  local there = table_exists(db, name)
  db:close()
  return there
end

---@param path string file#table
---@param options { fields: string[]?, warn: fun(text: string) }
---@return table? writer
---@return rill.Error? err
function M.open(path, options)
  local where, name = split(path)
  if not where then errors.raise("crawl: out: a table is named as file#table, got " .. errors.show(path)) end
  local db, err = sqlite.open(where, { reason = "output" })
  if not db then return nil, err end
  local writer = setmetatable({ _db = db, _table = quoted(name), _columns = {}, _count = 0, _items = {}, _last = 0,
    _orders = setmetatable({}, { __mode = "k" }), _warn = options.warn, _fields = options.fields }, Table)
  local ok, why = pcall(set_up, writer, name)
  if ok then return writer end
  db:close()
  if not errors.is(why) then error(why, 0) end
  return nil, why
end

return M
