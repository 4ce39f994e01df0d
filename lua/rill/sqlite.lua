--- SQLite through the FFI: what a crawl's state and its tables need. Loaded only where one of them is used.
local ffi = require("rill.core.ffi")
local bit = require("bit")
local errors = require("rill.errors")

if not pcall(ffi.typeof, "struct sqlite3_rill_bound") then
  ffi.cdef [[
  struct sqlite3_rill_bound { int unused; };
  typedef struct sqlite3 sqlite3;
  typedef struct sqlite3_stmt sqlite3_stmt;
  int sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
  int sqlite3_close_v2(sqlite3 *db);
  int sqlite3_exec(sqlite3 *db, const char *sql, void *callback, void *arg, char **message);
  int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int length, unsigned int flags, sqlite3_stmt **out,
                         const char **tail);
  int sqlite3_step(sqlite3_stmt *stmt);
  int sqlite3_reset(sqlite3_stmt *stmt);
  int sqlite3_clear_bindings(sqlite3_stmt *stmt);
  int sqlite3_finalize(sqlite3_stmt *stmt);
  int sqlite3_bind_null(sqlite3_stmt *stmt, int at);
  int sqlite3_bind_int64(sqlite3_stmt *stmt, int at, int64_t value);
  int sqlite3_bind_double(sqlite3_stmt *stmt, int at, double value);
  int sqlite3_bind_text(sqlite3_stmt *stmt, int at, const char *text, int length, void *destructor);
  int sqlite3_bind_blob(sqlite3_stmt *stmt, int at, const char *data, int length, void *destructor);
  int sqlite3_column_count(sqlite3_stmt *stmt);
  const char *sqlite3_column_name(sqlite3_stmt *stmt, int at);
  int sqlite3_column_type(sqlite3_stmt *stmt, int at);
  int64_t sqlite3_column_int64(sqlite3_stmt *stmt, int at);
  double sqlite3_column_double(sqlite3_stmt *stmt, int at);
  const char *sqlite3_column_blob(sqlite3_stmt *stmt, int at);
  int sqlite3_column_bytes(sqlite3_stmt *stmt, int at);
  int sqlite3_extended_errcode(sqlite3 *db);
  const char *sqlite3_errmsg(sqlite3 *db);
  int sqlite3_system_errno(sqlite3 *db);
  int64_t sqlite3_last_insert_rowid(sqlite3 *db);
  int sqlite3_busy_timeout(sqlite3 *db, int ms);
  int sqlite3_wal_checkpoint_v2(sqlite3 *db, const char *name, int mode, int *log, int *done);
  ]]
end

local M = {}

local OK, ROW, DONE = 0, 100, 101
local READONLY_FLAG, READWRITE, CREATE, NOMUTEX = 1, 2, 4, 0x8000
local PERSISTENT = 1
local INTEGER, FLOAT, NULL = 1, 2, 5
local BUSY, IOERR, CORRUPT, FULL, NOTADB, READONLY, CANTOPEN = 5, 10, 11, 13, 26, 8, 14
local KINDS = { [BUSY] = "locked", [6] = "locked", [CORRUPT] = "corrupt", [FULL] = "full", [NOTADB] = "corrupt",
  [READONLY] = "file", [CANTOPEN] = "file", [IOERR] = "file" }
local ENOSPC, EDQUOT, EFBIG = 28, 122, 27

local library
local function load()
  if library then return library end
  for _, name in ipairs { "libsqlite3.so.0", "sqlite3" } do
    local found, loaded = pcall(ffi.load, name)
    if found then
      library = loaded
      return library
    end
  end
  error("rill: SQLite is not here: install libsqlite3 (Debian: apt-get install libsqlite3-0)", 0)
end

local pair = ffi.new("union { uint32_t words[2]; int64_t whole; }")

---@class rill.Sqlite
---@field path string
---@field reason string of its errors
---@field private _db ffi.cdata*
---@field private _statements table
local Database = {}
Database.__index = Database

---@class rill.SqliteStatement
---@field private _stmt ffi.cdata*
---@field private _db rill.Sqlite
---@field private _held any[] strings that are bound
local Statement = {}
Statement.__index = Statement

--- The error of the last call.
---@param what string
---@return rill.Error
function Database:failure(what)
  local code = bit.band(library.sqlite3_extended_errcode(self._db), 0xFF)
  local number = library.sqlite3_system_errno(self._db)
  local kind = KINDS[code] or "file"
  if code == IOERR and (number == ENOSPC or number == EDQUOT or number == EFBIG) then kind = "full" end
  return errors.new { reason = self.reason, kind = kind, path = self.path,
    message = ("cannot %s %s: %s"):format(what, self.path, ffi.string(library.sqlite3_errmsg(self._db))) }
end

--- Runs statements that give nothing back.
---@param sql string
---@return boolean? ok
---@return rill.Error? err
function Database:exec(sql)
  if library.sqlite3_exec(self._db, sql, nil, nil, nil) ~= OK then return nil, self:failure("use") end
  return true
end

local out = ffi.new("sqlite3_stmt *[1]")

--- A statement, made once for each text.
---@param sql string
---@return rill.SqliteStatement?
---@return rill.Error? err
function Database:prepare(sql)
  local made = self._statements[sql]
  if made then return made end
  if library.sqlite3_prepare_v3(self._db, sql, #sql, PERSISTENT, out, nil) ~= OK then
    return nil, self:failure("use")
  end
  made = setmetatable({ _stmt = out[0], _db = self, _held = {} }, Statement)
  self._statements[sql] = made
  return made
end

local function bind(stmt, at, value)
  local kind = type(value)
  if value == nil then
    library.sqlite3_bind_null(stmt, at)
  elseif kind == "number" then
    if value % 1 == 0 and value > -2 ^ 53 and value < 2 ^ 53 then
      library.sqlite3_bind_int64(stmt, at, value)
    else
      library.sqlite3_bind_double(stmt, at, value)
    end
  elseif kind == "boolean" then
    library.sqlite3_bind_int64(stmt, at, value and 1 or 0)
  else
    library.sqlite3_bind_text(stmt, at, value, #value, nil)
  end
end

--- Binds values from a place on. Strings are borrowed until the statement has run.
---@param at integer from 1
---@return rill.SqliteStatement
function Statement:bind(at, ...)
  local held = self._held
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    held[at] = value
    bind(self._stmt, at, value)
    at = at + 1
  end
  return self
end

--- Binds a number of 64 bits in two halves.
---@param at integer
---@param high number
---@param low number
---@return rill.SqliteStatement
function Statement:bind_pair(at, high, low)
  pair.words[0], pair.words[1] = high, low
  library.sqlite3_bind_int64(self._stmt, at, pair.whole)
  return self
end

--- Runs it to its end, with these values where some are given.
---@return boolean? ok
---@return rill.Error? err
function Statement:run(...)
  if select("#", ...) > 0 then self:bind(1, ...) end
  local code = library.sqlite3_step(self._stmt)
  while code == ROW do code = library.sqlite3_step(self._stmt) end
  local err = code ~= DONE and self._db:failure("write") or nil
  library.sqlite3_reset(self._stmt)
  if err then return nil, err end
  return true
end

--- Goes to the next row.
---@return boolean? row false at the end, nil where it fails
---@return rill.Error? err
function Statement:step()
  local code = library.sqlite3_step(self._stmt)
  if code == ROW then return true end
  local err = code ~= DONE and self._db:failure("read") or nil
  library.sqlite3_reset(self._stmt)
  if err then return nil, err end
  return false
end

function Statement:reset()
  library.sqlite3_reset(self._stmt)
end

--- A column of the row, from 0.
---@param at integer
---@return number|string|nil
function Statement:column(at)
  local stmt = self._stmt
  local kind = library.sqlite3_column_type(stmt, at)
  if kind == NULL then return nil end
  if kind == INTEGER then return tonumber(library.sqlite3_column_int64(stmt, at)) end
  if kind == FLOAT then return library.sqlite3_column_double(stmt, at) end
  local data = library.sqlite3_column_blob(stmt, at)
  return data ~= nil and ffi.string(data, library.sqlite3_column_bytes(stmt, at)) or ""
end

--- The names of its columns.
---@return string[]
function Statement:names()
  local list = {}
  for i = 0, library.sqlite3_column_count(self._stmt) - 1 do
    list[i + 1] = ffi.string(library.sqlite3_column_name(self._stmt, i))
  end
  return list
end

--- A column of 64 bits in two halves; nil where it is null.
---@param at integer
---@return number? high
---@return number? low
function Statement:pair(at)
  if library.sqlite3_column_type(self._stmt, at) == NULL then return nil end
  pair.whole = library.sqlite3_column_int64(self._stmt, at)
  return pair.words[0], pair.words[1]
end

--- All columns of the first row.
---@return any ...
function Statement:first(...)
  if select("#", ...) > 0 then self:bind(1, ...) end
  local row, err = self:step()
  if not row then return nil, err end
  local values = {}
  local count = library.sqlite3_column_count(self._stmt)
  for i = 0, count - 1 do values[i + 1] = self:column(i) end
  self:reset()
  return unpack(values, 1, count)
end

--- The first column of the first row.
---@param sql string
---@return any value
---@return rill.Error? err
function Database:value(sql, ...)
  local stmt, err = self:prepare(sql)
  if not stmt then return nil, err end
  return stmt:first(...)
end

---@return number
function Database:last_id()
  return tonumber(library.sqlite3_last_insert_rowid(self._db))
end

--- Writes what the log holds into the file, as far as no reader is in the way.
function Database:checkpoint()
  return library.sqlite3_wal_checkpoint_v2(self._db, nil, 0, nil, nil) == OK
end

--- May be called twice.
function Database:close()
  if not self._db then return end
  for _, stmt in pairs(self._statements) do library.sqlite3_finalize(stmt._stmt) end
  self._statements = {}
  library.sqlite3_close_v2(self._db)
  self._db = nil
end

local handle = ffi.new("sqlite3 *[1]")

--- Opens a file, making it where it is missing.
---@param path string
---@param options { reason: string, readonly: boolean?, busy: integer? }? reason: of its errors ("state")
---@return rill.Sqlite?
---@return rill.Error? err
function M.open(path, options)
  local sqlite = load()
  options = options or {}
  local flags = options.readonly and READONLY_FLAG or READWRITE + CREATE
  local code = sqlite.sqlite3_open_v2(path, handle, flags + NOMUTEX, nil)
  local db = setmetatable({ path = path, reason = options.reason or "state", _db = handle[0], _statements = {} },
    Database)
  if code ~= OK then
    local err = db:failure("open")
    db:close()
    return nil, err
  end
  sqlite.sqlite3_busy_timeout(db._db, options.busy or 5000)
  return db
end

return M
