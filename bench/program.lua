--- What the programs of the bench share. Each is called as `NAME.lua URL CA-FILE COUNT [MORE]`, does
--- COUNT units of work and says so; the first that goes wrong ends it with an error. MORE is what the program
--- says it is: a file, a number of streams or connections.
local rill = require("rill")

local M = {}

M.url, M.ca, M.count = arg[1], arg[2], tonumber(arg[3])
M.more = arg[4]

--- Makes a client that trusts the bench's authority.
---@param options table?
---@return rill.Client
function M.client(options)
  options = options or {}
  options.tls = { ca_file = M.ca }
  return rill.client(options)
end

--- Runs fn(i) for i from 1 to `count`, in `workers` tasks that take the next number when they are done.
---@param workers integer
---@param count integer
---@param fn fun(i: integer)
function M.share(workers, count, fn)
  local taken, tasks = 0, {}
  local function work()
    while taken < count do
      taken = taken + 1
      fn(taken)
    end
    return true -- join() gives nil and an error when it raised
  end
  for i = 1, workers do
    tasks[i] = rill.spawn(work)
  end
  for i = 1, workers do
    assert(tasks[i]:join())
  end
end

--- One of this process's lines in /proc/self/status.
---@param name string "VmRSS" (resident now) or "VmHWM" (at most)
---@return number kib
function M.memory(name)
  local file = assert(io.open("/proc/self/status"))
  local text = file:read("*a")
  file:close()
  return tonumber(text:match(name .. ":%s*(%d+) kB"))
end

--- Asks a Redis that listens at a path.
---@param socket string
---@param words string a command, as a shell has it
---@return string answer
function M.redis(socket, words)
  local pipe = assert(io.popen(("redis-cli -s '%s' %s"):format(socket, words)))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

--- Says what was done.
---@param units integer
---@param values table<string, number>? figures of its own
function M.done(units, values)
  for name, value in pairs(values or {}) do
    print(("%s %.3f"):format(name, value))
  end
  print(("units %d"):format(units))
end

return M
