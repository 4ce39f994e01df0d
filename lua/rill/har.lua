--- What a client has asked for, as HAR 1.2: a recorder, and a page that draws it.
local ffi = require("rill.core.ffi")
local arguments = require("rill.core.arguments")
local body = require("rill.core.body")
local errors = require("rill.errors")
local guard = require("rill.core.guard")
local lazy = require("rill.core.lazy")
local entry = lazy.module("rill.har.entry")
local file = lazy.module("rill.har.file")
local page = lazy.module("rill.har.page")
local timer = require("rill.task.timer")

local M = {}

local MOST_ENTRIES = 10000 -- the option `max`
local MOST_BYTES = 40 * 2 ^ 20 -- of texts that a recorder holds: with the tables of 10,000 entries below 64 MB
local RECORD = 1024 -- bytes of an entry beside its texts
local PRIVATE = 0x180 -- mode 0600: credentials stand in it

pcall(ffi.cdef, "struct rill_timespec { long seconds, nanoseconds; };")
pcall(ffi.cdef, "int clock_gettime(int clock, void *time);")
local CLOCK_REALTIME = 0

-- What is added to rill.now() for seconds since 1970.
local function epoch()
  local now = ffi.new("struct rill_timespec")
  ffi.C.clock_gettime(CLOCK_REALTIME, now)
  return tonumber(now.seconds) + tonumber(now.nanoseconds) / 1e9 - timer.now()
end

---@class rill.Recorder
---@field dropped integer entries that had no room, and went: the oldest first
---@field bodies boolean
---@field private _clients rill.Endpoint[]
---@field private _records table<integer, rill.Record> from _first to _last
---@field private _first integer
---@field private _last integer
---@field private _stripped integer the last one whose bodies were let go
---@field private _open table<rill.Record, boolean> with pieces of bodies, under way; weak: a script may drop its stream
---@field private _bytes integer
---@field private _max integer
---@field private _epoch number
---@field private _stopped boolean
local Recorder = {}
Recorder.__index = Recorder

local function length_of(kept)
  if not kept then return 0 end
  if type(kept) == "string" then return #kept end
  if type(kept) == "cdata" then return (select(2, body.data(kept))) end
  local sum = 0
  for _, piece in ipairs(kept) do sum = sum + length_of(piece) end
  return sum
end

-- Lets the bodies of a record go.
local function strip(self, record)
  local length = length_of(record.body) + length_of(record.sent)
  if length == 0 then return end
  local why = ("a recorder holds %d MiB"):format(MOST_BYTES / 2 ^ 20)
  record.left_out = record.body and why or record.left_out
  record.sent_left_out = record.sent and why or record.sent_left_out
  record.body, record.sent, record.cost = nil, nil, record.cost - length
  self._bytes = self._bytes - length
end

local function drop_oldest(self)
  local record = self._records[self._first]
  self._records[self._first], self._first = nil, self._first + 1
  self._bytes, self.dropped = self._bytes - record.cost, self.dropped + 1
  record.body, record.sent = nil, nil
  record.left_out, record.sent_left_out = "gone", "gone" -- what is still read of it is not kept
end

-- What is held now: records whose streams were dropped have gone without a word.
local function count_again(self)
  local bytes = 0
  for i = self._first, self._last do bytes = bytes + self._records[i].cost end
  for record in pairs(self._open) do bytes = bytes + record.cost end
  self._bytes = bytes
end

-- Bodies go before entries, the oldest first; `record`, whose body grows, at last.
local function make_room(self, record)
  self._stripped = math.max(self._stripped, self._first - 1)
  while self._bytes > MOST_BYTES and self._stripped < self._last do
    self._stripped = self._stripped + 1
    strip(self, self._records[self._stripped])
  end
  if self._bytes > MOST_BYTES then count_again(self) end
  if self._bytes > MOST_BYTES then strip(self, record) end
  while self._first <= self._last and (self._bytes > MOST_BYTES or self._last - self._first >= self._max) do
    drop_oldest(self)
  end
end

-- Texts of a record have grown.
function Recorder:_charge(record, bytes)
  if not record.added then self._open[record] = true end
  record.cost, self._bytes = record.cost + bytes, self._bytes + bytes
  if self._bytes > MOST_BYTES then make_room(self, record) end
end

-- A request has ended.
function Recorder:_add(record)
  if self._stopped then return end
  local counted = type(record.body) == "table" and length_of(record.body) or 0
  counted = counted + (type(record.sent) == "table" and length_of(record.sent) or 0)
  self._last = self._last + 1
  self._records[self._last] = record
  self._open[record], record.added = nil, true
  self:_charge(record, RECORD + #record.url + #record.block + #record.head + #(record.err or "")
    + length_of(record.body) + length_of(record.sent) - counted)
  if self._last - self._first >= self._max then make_room(self, record) end
end

-- In the order in which they began.
local function sorted(self)
  local list = {}
  for i = self._first, self._last do list[#list + 1] = self._records[i] end
  table.sort(list, function(a, b) return a.started < b.started end)
  return list
end

--- The requests that have ended so far, as HAR 1.2 has them, in the order in which they began.
---@return table[]
function Recorder:entries()
  local list = sorted(self)
  for i, record in ipairs(list) do list[i] = entry.of(record, self._epoch) end
  return list
end

--- Writes them to a file, which only its owner may read: beside it, and renamed when complete. In a task it gives way.
---@param path string
---@return boolean? saved
---@return rill.Error? err reason "file_error"
function Recorder:save(path)
  file.check("recorder:save", path)
  local list = sorted(self)
  local comment = self.dropped > 0 and ("%d older entries had no room"):format(self.dropped) or nil
  return file.write(path, PRIVATE, entry.pieces(list, self._epoch, comment))
end

--- Records no more, not what is under way either. What was recorded can still be had.
function Recorder:stop()
  if self._stopped then return end
  self._stopped = true
  for _, client in ipairs(self._clients) do
    local others = {}
    for _, other in ipairs(client._recorders) do
      if other ~= self then others[#others + 1] = other end
    end
    client._recorders = others[1] and others or false
  end
end

function Recorder:__tostring()
  return ("recorder: %d entries%s"):format(self._last - self._first + 1, self._stopped and ", stopped" or "")
end

guard("recorder", Recorder, Recorder)

local KNOWN = { bodies = true, max = true }

local function check(client, options)
  if type(client) ~= "table" or rawget(client, "_recorders") == nil then
    errors.raise("rill.har.recorder: the first argument must be a client, got " .. errors.show(client))
  end
  arguments.options("rill.har.recorder: options", options, KNOWN)
  local bodies = options.bodies
  if type(bodies) ~= "nil" and type(bodies) ~= "boolean" then
    errors.raise("rill.har.recorder: bodies must be true or false, got " .. errors.show(bodies))
  end
  if type(options.max) ~= "nil" then arguments.count("rill.har.recorder: max", options.max) end
end

--- Has a recorder record another client as well.
---@param recorder rill.Recorder
---@param client rill.Endpoint
function M.add(recorder, client)
  local all = { recorder }
  for _, other in ipairs(client._recorders or {}) do all[#all + 1] = other end
  client._recorders = all
  table.insert(recorder._clients, client)
end

--- Records what a client asks for from now on, each redirect by itself, also requests that fail. Field values stand in
--- it as they were sent, credentials too.
---@param client rill.Client|rill.Connection
---@param options rill.RecorderOptions? bodies: kept as well; max: entries (10,000), then the oldest go
---@return rill.Recorder
function M.recorder(client, options)
  options = options or {}
  check(client, options)
  local recorder = setmetatable({ dropped = 0, bodies = options.bodies or false, _clients = {}, _records = {},
    _open = setmetatable({}, { __mode = "k" }),
    _first = 1, _last = 0, _stripped = 0, _bytes = 0, _max = options.max or MOST_ENTRIES, _epoch = epoch(),
    _stopped = false }, Recorder)
  M.add(recorder, client)
  return recorder
end

--- Writes a page that draws requests: one HTML file that needs nothing else.
---@param source string|table[] a HAR file's path, or entries
---@param out string path
---@return boolean? saved
---@return rill.Error? err reason "file_error": one of the two; "decode_error": the first is no HAR
function M.page(source, out)
  file.check("rill.har.page", out)
  if type(source) ~= "string" and type(source) ~= "table" then
    errors.raise("rill.har.page: the first argument must be a path or a list of entries, got " .. errors.show(source))
  end
  return page.write(source, out)
end

return M
