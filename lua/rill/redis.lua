--- Redis through hiredis' reader and the FFI: what a shared crawl's state needs. Loaded only where one is used.
--- Nothing blocks: a call waits with rill.wait, so it is made in a task; replies are read where they are waited for.
local ffi = require("rill.core.ffi")
local errors = require("rill.errors")
local rill = require("rill")
local tls = require("rill.redis.tls")
local urls = require("rill.redis.url")

local M = {}

local WAIT = 30 -- seconds without a sign of life, then the connection is lost

-- hiredis changed its structures between 0.14 and 1.0: which one is there, its soname says.
local LAYOUTS = {
  { "libhiredis.so.0.14", "", "" },
  { "libhiredis.so.1.1.0", "const void *funcs;", "double dval;" },
  { "libhiredis.so.1.0.0", "const void *funcs;", "double dval;" },
}

local DECLARED = [[
  typedef struct rill_redis_reply {
    int type; long long integer; %s size_t length; char *text; %s size_t elements; struct rill_redis_reply **element;
  } rill_redis_reply;
  typedef struct rill_redis_context { %s int err; char errstr[128]; int fd; } rill_redis_context;
  rill_redis_context *redisConnectNonBlock(const char *host, int port);
  rill_redis_context *redisConnectUnixNonBlock(const char *path);
  void redisFree(rill_redis_context *context);
  void *redisReaderCreate(void);
  void redisReaderFree(void *reader);
  int redisReaderFeed(void *reader, const char *bytes, size_t length);
  int redisReaderGetReply(void *reader, void **reply);
  void freeReplyObject(void *reply);
]]
-- hiredis itself writes in a way that a closed connection ends the process with SIGPIPE.
for _, line in ipairs { "ssize_t send(int fd, const void *bytes, size_t length, int flags);",
  "ssize_t recv(int fd, void *bytes, size_t length, int flags);", "char *strerror(int number);" } do
  pcall(ffi.cdef, line)
end

local C = ffi.C
local MSG_DONTWAIT, MSG_NOSIGNAL, EINTR, EAGAIN = 0x40, 0x4000, 4, 11 -- Linux
local ROOM = 65536 -- bytes that are read at a time

local STRING, ARRAY, INTEGER, NIL, STATUS = 1, 2, 3, 4, 5

local library
local function load()
  if library then return library end
  for _, layout in ipairs(LAYOUTS) do
    local found, loaded = pcall(ffi.load, layout[1])
    if found then
      local is_new = layout[3] ~= ""
      ffi.cdef(DECLARED:format(layout[3], is_new and "char vtype[4];" or "", layout[2]))
      library = loaded
      return library
    end
  end
  return nil
end

---@class rill.Redis
---@field host string as it is shown: no password
---@field private _address table
---@field private _context ffi.cdata*?
---@field private _lock rill.Semaphore one call at a time
---@field private _asking boolean a call was cut short: what comes next is not what is asked for
---@field private _reader ffi.cdata*?
---@field private _tls rill.RedisTls? of this connection
---@field private _proven boolean TLS has worked with this server
local Redis = {}
Redis.__index = Redis

local function lost(self, message)
  if self._tls and not self._proven then -- TLS 1.3: the client is done before the server has looked at it
    message = message .. " before it answered anything: it may want a certificate (cert_file)"
  end
  return errors.new { reason = "state", kind = "lost", path = self.host,
    message = ("Redis at %s: %s"):format(self.host, message) }
end

local function drop(self)
  local context = self._context
  if context then
    library.redisReaderFree(ffi.gc(self._reader, nil))
    library.redisFree(ffi.gc(context, nil))
  end
  self._context, self._reader, self._tls, self._asking = nil, nil, nil, false
end

local function text_of(context)
  return ffi.string(context.errstr)
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

-- Why a call on the socket has failed; nil: once more.
local function failure(self, mode)
  local number = ffi.errno()
  if number == EINTR then return nil end
  if number ~= EAGAIN then return lost(self, ffi.string(C.strerror(number))) end
  if not rill.wait(self._context.fd, mode, WAIT) then return lost(self, "it does not answer") end
end

local function send_bytes(self, text)
  local bytes, left = ffi.cast("const char *", text), #text
  while left > 0 do
    local count = tonumber(C.send(self._context.fd, bytes, left, MSG_DONTWAIT + MSG_NOSIGNAL))
    if count >= 0 then
      bytes, left = bytes + count, left - count
    else
      local err = failure(self, "w")
      if err then return nil, err end
    end
  end
  return true
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
  if library.redisReaderGetReply(self._reader, out) ~= 0 then return nil, lost(self, "it speaks no RESP") end
  local reply = out[0]
  if reply == nil then return nil end
  local value = value_of(ffi.cast("rill_redis_reply *", reply))
  library.freeReplyObject(reply)
  if value == nil then return false end
  return value
end

-- Waits for bytes, and puts them into `room`.
local function receive_bytes(self)
  while true do
    local count = tonumber(C.recv(self._context.fd, room, ROOM, MSG_DONTWAIT))
    if count == 0 then return nil, lost(self, "it closed the connection") end
    if count > 0 then return count end
    local err = failure(self, "r")
    if err then return nil, err end
  end
end

-- The same of what TLS carries.
local function receive_text(self)
  local session = self._tls
  if not session then return receive_bytes(self) end
  while true do
    local count, wrong = session:read(room, ROOM)
    if wrong then return nil, insecure(self, wrong) end
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
    library.redisReaderFeed(self._reader, room, count)
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

-- What a server refuses a whole connection with.
local function refused(self, answer)
  local kind = answer.error:find "^NOAUTH" or answer.error:find "^WRONGPASS" or answer.error:find "AUTH"
  return errors.new { reason = "state", kind = kind and "auth" or "redis", path = self.host,
    message = ("Redis at %s: %s"):format(self.host, answer.error) }
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

local function open_context(self)
  local address = self._address
  local context
  if address.path then
    context = library.redisConnectUnixNonBlock(address.path)
  else
    local host = address.host == "localhost" and "127.0.0.1" or address.host
    context = library.redisConnectNonBlock(host, address.port)
  end
  if context == nil then return nil, lost(self, "out of memory") end
  if context.err == 0 then return context end
  local err = lost(self, text_of(context)) -- 2: the name does not resolve, and fd is 0, which is not ours
  library.redisFree(context)
  return nil, err
end

local function connect(self)
  if self._context and not self._asking then return true end
  drop(self)
  local context, err = open_context(self)
  if not context then return nil, err end
  self._asking = true -- who waits here may be cancelled: what is left then is no connection
  self._context = ffi.gc(context, library.redisFree)
  self._reader = ffi.gc(library.redisReaderCreate(), library.redisReaderFree)
  local ok = rill.wait(context.fd, "w", WAIT)
  if not ok then err = lost(self, "it does not answer") end
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
  if not load() then
    return nil, errors.new { reason = "state", kind = "missing", path = address.shown,
      message = "a state in Redis needs hiredis: install Debian's libhiredis0.14 or libhiredis1.1.0" }
  end
  return setmetatable({ host = address.shown, _address = address, _lock = rill.semaphore(1), _asking = false,
    _proven = false }, Redis)
end

return M
