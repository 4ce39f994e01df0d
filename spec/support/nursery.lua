--- Servers in Python without Python's start for each: who starts a script again will start it often, and a process that
--- has loaded it is copied for each (nursery.py).
local ffi = require "ffi"
local dkjson = require "dkjson"
local deadline = require "support.deadline"
local process = require "support.process"
local scratch = require "support.scratch"

pcall(ffi.cdef, [[
int getpid(void);
int mkfifo(const char *path, unsigned int mode);
int open(const char *path, int flags, ...);
int close(int fd);
long write(int fd, const void *bytes, size_t length);
]])
local C = ffi.C

local O_WRONLY, O_NONBLOCK, O_CLOEXEC = 1, 0x800, 0x80000 -- on Linux
local SECONDS = 60
local KNOWS_CLONE = ffi.arch == "x64" or ffi.arch == "arm64" -- see CALLS in nursery.py
local HERE = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."

local M = {}
local started, nurseries, count = {}, {}, 0 -- by script

local function open_nursery(script)
  local directory = scratch.directory "nursery"
  local pipe = directory .. "/pipe"
  assert(C.mkfifo(pipe, 0x180) == 0, "no pipe")
  local made = process.start_apart({ "/usr/bin/python3", "-B", HERE .. "/nursery.py", script, pipe },
    directory .. "/output")
  return { process = made, directory = directory, pipe = pipe }
end

local function check(nursery)
  if nursery.process:ended() then error("the nursery has ended:\n" .. nursery.process:output(), 0) end
end

-- Nothing stays open here between two servers.
local function ask(nursery, line)
  local fd = deadline.wait(function()
    check(nursery)
    local opened = C.open(nursery.pipe, bit.bor(O_WRONLY, O_NONBLOCK, O_CLOEXEC))
    return opened >= 0 and opened -- before somebody reads there is none
  end, SECONDS, "the nursery to begin")
  local written = C.write(fd, line, #line)
  C.close(fd)
  assert(written == #line, "the nursery takes no line")
end

--- Runs main() of a Python script in a process of its own.
---@param script string path
---@param arguments string[]
---@param out string file that gets standard output and error
---@return support.Process
function M.start(script, arguments, out)
  if not started[script] or not KNOWS_CLONE then
    started[script] = true
    return process.start({ "/usr/bin/python3", "-B", script, unpack(arguments) }, out)
  end
  local nursery = nurseries[script] or open_nursery(script)
  nurseries[script], count = nursery, count + 1
  local path = ("%s/%d"):format(nursery.directory, count)
  ask(nursery, dkjson.encode { arguments = setmetatable(arguments, { __jsontype = "array" }), out = out, pid = path,
    parent = C.getpid() } .. "\n")
  local file = deadline.wait(function()
    check(nursery)
    return io.open(path)
  end, SECONDS, "the nursery's child")
  local pid = file:read "*n"
  file:close()
  assert(pid and pid > 0, "the nursery names no process")
  return process.child(pid, script, out)
end

return M
