--- Free loopback ports, and whether somebody listens on one.
local ffi = require "ffi"
local deadline = require "support.deadline"

pcall(ffi.cdef, [[
int socket(int domain, int type, int protocol);
int bind(int fd, const void *address, unsigned int length);
int setsockopt(int fd, int level, int option, const void *value, unsigned int length);
int connect(int fd, const void *address, unsigned int length);
int getsockname(int fd, void *address, unsigned int *length);
int close(int fd);
]])
local C = ffi.C

local AF_INET, SOCK_STREAM = 2, 0x80001 -- with SOCK_CLOEXEC
local SOL_SOCKET, SO_REUSEADDR = 1, 2
local ADDRESS_SIZE = 16

local M = {}

-- struct sockaddr_in of 127.0.0.1: family in host order, port and address in network order
local function loopback(port)
  local bytes = ffi.new("uint8_t[16]")
  ffi.cast("uint16_t *", bytes)[0] = AF_INET
  bytes[2], bytes[3] = bit.rshift(port, 8), bit.band(port, 0xff)
  bytes[4], bytes[7] = 127, 1
  return bytes
end

local taken = {} -- descriptors

-- Bound with SO_REUSEADDR and not listening: a server that sets it too, as all servers here do, may listen there;
-- until one does a connection is refused. The kernel gives the port to nobody else, nor to an outgoing connection.
local function take()
  local fd = C.socket(AF_INET, SOCK_STREAM, 0)
  assert(fd >= 0, "no socket")
  local yes = ffi.new("int[1]", 1)
  assert(C.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, yes, ffi.sizeof(yes)) == 0)
  assert(C.bind(fd, loopback(0), ADDRESS_SIZE) == 0, "cannot bind to 127.0.0.1")
  taken[#taken + 1] = fd
  return fd
end

--- A TCP port of 127.0.0.1 that nobody listens on, kept for this process until it is released.
---@return integer
function M.free()
  local address, length = loopback(0), ffi.new("unsigned int[1]", ADDRESS_SIZE)
  C.getsockname(take(), address, length)
  return address[2] * 256 + address[3]
end

--- How many ports are kept; each has a descriptor.
---@return integer
function M.taken()
  return #taken
end

--- Releases the ports taken last, but for `but`.
---@param but integer
function M.release(but)
  while #taken > but do C.close(table.remove(taken)) end
end

--- Whether somebody accepts connections on this port of 127.0.0.1.
---@param port integer
function M.open(port)
  local fd = C.socket(AF_INET, SOCK_STREAM, 0)
  assert(fd >= 0, "no socket")
  local result = C.connect(fd, loopback(port), ADDRESS_SIZE)
  C.close(fd)
  return result == 0
end

--- Waits until the port is open; raises with what the process said if it ends first.
---@param port integer
---@param process support.Process
function M.wait(port, process)
  deadline.wait(function()
    if process:ended() then error(process.name .. " ended at once:\n" .. process:output(), 0) end
    return M.open(port)
  end, 30, ("%s to listen on port %d"):format(process.name, port))
end

return M
