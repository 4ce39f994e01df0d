--- Redis through hiredis' reader and the FFI: what a shared crawl's state needs. Loaded only where one is used.
--- Nothing blocks: a call waits with rill.wait, so it is made in a task; replies are read where they are waited for.
local ffi = require("rill.core.ffi")
local errors = require("rill.errors")
local hiredis = require("rill.redis.hiredis")
local rill = require("rill")
local sockets = require("rill.redis.socket")
local tls = require("rill.redis.tls")
local urls = require("rill.redis.url")

local M = {}

local ROOM = 65536 -- bytes that are read at a time

local STRING, ARRAY, INTEGER, NIL, STATUS = 1, 2, 3, 4, 5

---@class rill.Redis
---@field host string as it is shown: no password
---@field private _address table
---@field private _library ffi.namespace* hiredis
---@field private _lock rill.Semaphore one call at a time
---@field private _asking boolean a call was cut short: what comes next is not what is asked for
---@field private _reader ffi.cdata*?
---@field private _socket rill.RedisSocket? nil: there is no connection
---@field private _tls rill.RedisTls? of this connection
---@field private _proven boolean TLS has worked with this server
local Redis = {}
Redis.__index = Redis

-- TLS 1.3: the client is done before the server has looked at it, and a reset may overtake its alert. That it wants a
-- certificate is for good. An end in order without an alert has another reason: it may have asked for one that it can
-- do without.
local function lost(self, message, in_order)
  local kind = "lost"
  if self._tls and not self._proven then
    local missed = self._tls:is_missed()
    if missed and not in_order then kind = "tls" end
    message = message .. (missed and ": it asked for a certificate, and cert_file is missing"
      or " before it answered anything")
  end
  return errors.new { reason = "state", kind = kind, path = self.host,
    message = ("Redis at %s: %s"):format(self.host, message) }
end

local function drop(self)
  if self._reader then self._library.redisReaderFree(ffi.gc(self._reader, nil)) end
  if self._socket then self._socket:close() end
  self._socket, self._reader, self._tls, self._asking = nil, nil, nil, false
end

-- TLS failed: before the server has answered anything that is for good, afterwards the connection is lost.
local function insecure(self, message)
  local err = lost(self, message)
  if not self._proven then err.kind = "tls" end
  return err
end

local function value_of(reply)
  local kind = reply.type
  if kind == STRING or kind == STATUS then return ffi.string(reply.text, reply.length) end
  if kind == INTEGER then return tonumber(reply.integer) end
  if kind == NIL then return nil end
  if kind == ARRAY then
    local list = {}
    for i = 1, tonumber(reply.elements) do list[i] = value_of(reply.element[i - 1]) or false end
    return list
  end
  return { error = ffi.string(reply.text, reply.length) }
end

-- A command as RESP has it: an array of strings.
local function encode(words)
  local parts = { "*" .. #words }
  for i = 1, #words do
    parts[2 * i] = "$" .. #words[i]
    parts[2 * i + 1] = words[i]
  end
  parts[#parts + 1] = ""
  return table.concat(parts, "\r\n")
end

local function send_bytes(self, text)
  local ok, wrong = self._socket:send(text)
  return ok, wrong and lost(self, wrong)
end

local function send(self, text)
  if not self._tls then return send_bytes(self, text) end
  local ok, wrong = self._tls:write(text)
  if not ok then return nil, insecure(self, wrong) end
  return send_bytes(self, self._tls:output())
end

local out, room = ffi.new("void *[1]"), ffi.new("char[?]", ROOM)

-- The answer that has come; nil: not yet.
local function read_reply(self)
  if self._library.redisReaderGetReply(self._reader, out) ~= 0 then return nil, lost(self, "it speaks no RESP") end
  local reply = out[0]
  if reply == nil then return nil end
  local value = value_of(ffi.cast("rill_redis_reply *", reply))
  self._library.freeReplyObject(reply)
  if value == nil then return false end
  return value
end

-- Waits for bytes, and puts them into `room`.
local function receive_bytes(self)
  local count, wrong, in_order = self._socket:receive(room, ROOM)
  return count, wrong and lost(self, wrong, in_order)
end

-- The same of what TLS carries.
local function receive_text(self)
  local session = self._tls
  if not session then return receive_bytes(self) end
  while true do
    local count, wrong, in_order = session:read(room, ROOM)
    if wrong then return nil, in_order and lost(self, wrong, true) or insecure(self, wrong) end
    if count > 0 then
      self._proven = true
      return count
    end
    local ok, err = send_bytes(self, session:output())
    if ok then count, err = receive_bytes(self) end
    if err then return nil, err end
    session:feed(room, count)
  end
end

local function receive(self)
  while true do
    local value, err = read_reply(self)
    if value ~= nil or err then return value, err end
    local count
    count, err = receive_text(self)
    if not count then return nil, err end
    self._library.redisReaderFeed(self._reader, room, count)
  end
end

local function exchange(self, words)
  self._asking = true
  local value, err = send(self, encode(words))
  if value then value, err = receive(self) end
  if err then
    drop(self)
    return nil, err
  end
  self._asking = false
  return value
end

-- What stands in the answers to a wrong password, or to none: of Redis 6 and newer; of Redis 5, which has no users.
local AUTH = { "^NOAUTH", "^WRONGPASS", "AUTH", "^ERR invalid password", "'auth' command" }

local function is_about_auth(text)
  for _, pattern in ipairs(AUTH) do
    if text:find(pattern) then return true end
  end
  return false
end

-- What a server refuses a whole connection with.
local function refused(self, answer)
  local text = answer.error
  if text:find "arguments for 'auth' command" then text = text .. ": a user needs Redis 6" end
  return errors.new { reason = "state", kind = is_about_auth(text) and "auth" or "redis", path = self.host,
    message = ("Redis at %s: %s"):format(self.host, text) }
end

local function greet(self)
  local address = self._address
  local words = {}
  if address.password then
    words[1] = address.user and { "AUTH", address.user, address.password } or { "AUTH", address.password }
  end
  if address.db then words[#words + 1] = { "SELECT", tostring(address.db) } end
  for _, each in ipairs(words) do
    local answer, err = exchange(self, each)
    if err then return nil, err end
    if type(answer) == "table" then
      drop(self)
      return nil, refused(self, answer)
    end
  end
  return true
end

-- Until it is done the server is sent what the session has, and the session is fed what comes.
local function secure(self)
  local address = self._address
  local session, wrong = tls.new(address.host, address.tls)
  if not session then return nil, insecure(self, wrong) end
  local done
  repeat
    done, wrong = session:handshake()
    local ok, err = send_bytes(self, session:output()) -- also an alert
    if wrong then return nil, insecure(self, wrong) end
    local count
    if ok and not done then count, err = receive_bytes(self) end
    if err then return nil, err end
    if count then session:feed(room, count) end
  until done
  self._tls = session
  return true
end

local function connect(self)
  if self._socket and not self._asking then return true end
  drop(self)
  self._asking = true -- who waits here may be cancelled: what is left then is no connection
  self._socket = sockets.new(self._library, self._address)
  local reader = self._library.redisReaderCreate()
  if reader == nil then return nil, lost(self, "out of memory") end
  self._reader = ffi.gc(reader, self._library.redisReaderFree)
  local ok, err = self._socket:open()
  if not ok then err = lost(self, err) end
  if ok and self._address.tls then ok, err = secure(self) end
  if not ok then
    drop(self)
    return nil, err
  end
  return greet(self)
end

local function call(self, words)
  local ok, err = connect(self)
  if not ok then return nil, err end
  return exchange(self, words)
end

--- Sends a command and waits for its answer. In a task.
---@param words string[]
---@return any answer a string, a number, a list (false in place of nil), false for nil, { error = text }
---@return rill.Error? err reason "state": kind "lost" (nothing, or everything, was done there), "auth", "tls", "redis"
function Redis:call(words)
  return self._lock:with(call, self, words)
end

function Redis:close()
  drop(self)
end

M.parse, M.shown = urls.parse, urls.shown

--- Gets a client of the Redis at an address; it connects at the first call, and again when the connection was lost.
---@param address table of M.parse
---@return rill.Redis?
---@return rill.Error? err reason "state", kind "missing": hiredis is not there
function M.new(address)
  local library = hiredis.load()
  if not library then
    return nil, errors.new { reason = "state", kind = "missing", path = address.shown,
      message = "a state in Redis needs hiredis: install Debian's libhiredis0.14 or libhiredis1.1.0" }
  end
  return setmetatable({ host = address.shown, _address = address, _library = library,
    _lock = rill.semaphore(1), _asking = false, _proven = false }, Redis)
end

return M
