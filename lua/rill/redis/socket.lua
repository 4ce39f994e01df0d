--- A socket to a Redis: opened by hiredis, which is given addresses and no names, so that nothing blocks. In a task.
local ffi = require("rill.core.ffi")
local lookup = require("rill.core.lookup")
local rill = require("rill")

local M = {}

local WAIT = 30 -- seconds without a sign of life, then the connection is lost
local TRY = 5 -- seconds that an address has to answer while there are others

-- hiredis itself writes in a way that a closed connection ends the process with SIGPIPE.
for _, line in ipairs { "ssize_t send(int fd, const void *bytes, size_t length, int flags);",
  "ssize_t recv(int fd, void *bytes, size_t length, int flags);", "char *strerror(int number);",
  "int getsockopt(int fd, int level, int name, void *value, uint32_t *length);" } do
  pcall(ffi.cdef, line)
end

local C = ffi.C
local MSG_DONTWAIT, MSG_NOSIGNAL, SOL_SOCKET, SO_ERROR, EINTR, EAGAIN = 0x40, 0x4000, 1, 4, 4, 11 -- Linux

---@class rill.RedisSocket
---@field private _library ffi.namespace* hiredis
---@field private _address table of redis.url
---@field private _context ffi.cdata*? nil: it is not open
local Socket = {}
Socket.__index = Socket

--- Makes one that is not open yet.
---@param library ffi.namespace* hiredis
---@param address table of redis.url
---@return rill.RedisSocket
function M.new(library, address)
  return setmetatable({ _library = library, _address = address }, Socket)
end

--- Closes it, also while it is being opened.
function Socket:close()
  local context = self._context
  self._context = nil
  if context then self._library.redisFree(ffi.gc(context, nil)) end
end

local number, size = ffi.new("int[1]"), ffi.new("uint32_t[1]")

-- Whether the connection came about; else why not.
local function check(fd)
  size[0] = ffi.sizeof(number)
  if C.getsockopt(fd, SOL_SOCKET, SO_ERROR, number, size) ~= 0 or number[0] == 0 then return true end
  return nil, ffi.string(C.strerror(number[0]))
end

local function await(self, seconds)
  local fd = self._context.fd
  if rill.wait(fd, "w", seconds) then return check(fd) end
  return nil, "it does not answer"
end

local function adopt(self, context, seconds)
  if context == nil then return nil, "out of memory" end
  self._context = ffi.gc(context, self._library.redisFree)
  if context.err ~= 0 then return nil, ffi.string(context.errstr) end
  return await(self, seconds)
end

local function is_literal(host)
  return host:find ":" ~= nil or host:find "^%d+%.%d+%.%d+%.%d+$" ~= nil
end

local function find_addresses(address)
  if is_literal(address.host) then return { address.host } end
  local found, err = lookup(address.host, address.dns_servers)
  if not found then return nil, err.message end
  return found
end

-- One address after the other.
local function open_network(self)
  local address = self._address
  local found, wrong = find_addresses(address)
  if not found then return nil, wrong end
  local failures = {}
  for i, each in ipairs(found) do
    local context = self._library.redisConnectNonBlock(each, address.port)
    local ok
    ok, wrong = adopt(self, context, i < #found and TRY or WAIT)
    if ok then return true end
    self:close()
    failures[i] = #found == 1 and wrong or ("%s: %s"):format(each, wrong)
  end
  return nil, table.concat(failures, "; ")
end

--- Connects.
---@return true? ok
---@return string? wrong
function Socket:open()
  local path = self._address.path
  if path then return adopt(self, self._library.redisConnectUnixNonBlock(path), WAIT) end
  return open_network(self)
end

-- Why a call on the socket has failed; nil: once more.
local function failure(self, mode)
  local why = ffi.errno()
  if why == EINTR then return nil end
  if why ~= EAGAIN then return ffi.string(C.strerror(why)) end
  if not rill.wait(self._context.fd, mode, WAIT) then return "it does not answer" end
end

--- Sends all of a text.
---@param text string
---@return true? ok
---@return string? wrong
function Socket:send(text)
  local bytes, left = ffi.cast("const char *", text), #text
  while left > 0 do
    local count = tonumber(C.send(self._context.fd, bytes, left, MSG_DONTWAIT + MSG_NOSIGNAL))
    if count >= 0 then
      bytes, left = bytes + count, left - count
    else
      local wrong = failure(self, "w")
      if wrong then return nil, wrong end
    end
  end
  return true
end

--- Waits for bytes.
---@param room ffi.cdata* where they go
---@param most integer
---@return integer? count
---@return string? wrong
---@return boolean? ended in order
function Socket:receive(room, most)
  while true do
    local count = tonumber(C.recv(self._context.fd, room, most, MSG_DONTWAIT))
    if count == 0 then return nil, "it closed the connection", true end
    if count > 0 then return count end
    local wrong = failure(self, "r")
    if wrong then return nil, wrong end
  end
end

return M
