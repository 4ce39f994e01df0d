--- Child processes from LuaJIT: posix_spawn, waitpid and kill through the FFI.
-- A child lives no longer than this process (setpriv --pdeathsig), and gets none of the
-- variables that put sanitizers into it.
local ffi = require "ffi"
local deadline = require "support.deadline"

pcall(ffi.cdef, [[
int posix_spawnp(int *pid, const char *file, const void *actions, const void *attributes,
                 char *const argv[], char *const envp[]);
int posix_spawn_file_actions_init(void *actions);
int posix_spawn_file_actions_destroy(void *actions);
int posix_spawn_file_actions_adddup2(void *actions, int fd, int new_fd);
int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags,
                                     unsigned int mode);
int pipe2(int fds[2], int flags);
int close(int fd);
int waitpid(int pid, int *status, int options);
int kill(int pid, int signal);
extern char **environ;
]])
local C = ffi.C

local O_RDONLY, O_APPENDING, O_CLOEXEC = 0, 0x441, 0x80000 -- appending: O_WRONLY | O_CREAT | O_APPEND on Linux
local WNOHANG = 1
local RUN_SECONDS = 900 -- for a program that is run to its end: a whole build, on a busy machine
local STOP_SECONDS = 15 -- for a program that was told to end
local ACTIONS_SIZE = 256 -- posix_spawn_file_actions_t is 80 bytes in glibc
local SIGNALS = { HUP = 1, INT = 2, QUIT = 3, KILL = 9, USR1 = 10, USR2 = 12, PIPE = 13, TERM = 15, CONT = 18,
  STOP = 19 }
local INHERITED = { "HUP", "INT", "QUIT", "PIPE", "TERM" }
local KEPT_FROM_CHILDREN = { "^LD_PRELOAD=", "^ASAN_OPTIONS=", "^LSAN_OPTIONS=", "^UBSAN_OPTIONS=" }

-- A shell has what it starts with "&" ignore some of them, and so would every program of the specs.
pcall(ffi.cdef, "void *signal(int number, void *handler);")
for _, name in ipairs(INHERITED) do
  if C.signal(SIGNALS[name], nil) == ffi.cast("void *", -1) then error("signal: " .. name) end
end

---@class support.Process
---@field pid integer
---@field out string path of the file that holds its standard output and error
---@field adopted boolean? it is no child
---@field status integer? how it ended: exit code, or 128 + signal
local Process = {}
Process.__index = Process

local M = {}
local running = {} -- pid -> process

local function strings(list)
  local array = ffi.new("const char *[?]", #list + 1)
  for i, text in ipairs(list) do array[i - 1] = text end
  return array
end

local function kept(entry)
  for _, pattern in ipairs(KEPT_FROM_CHILDREN) do
    if entry:find(pattern) then return false end
  end
  return true
end

--- For a program that runs rill: under `make asan` it gets what other programs do not.
---@return string[] words "NAME=value", for env(1)
function M.sanitizers()
  local words = {}
  if not os.getenv "RILL_SANITIZED" then return words end
  for _, pattern in ipairs(KEPT_FROM_CHILDREN) do
    local name = pattern:match "[%u_]+"
    local value = os.getenv(name)
    if value then words[#words + 1] = name .. "=" .. value end
  end
  return words
end

local function environment()
  local list, i = {}, 0
  while C.environ[i] ~= nil do
    local entry = ffi.string(C.environ[i])
    if kept(entry) then list[#list + 1] = entry end
    i = i + 1
  end
  return list
end

-- Returns the pid. stdin: a descriptor; nil: nothing to read.
local function spawn(words, out, stdin)
  local env = environment()
  local actions, pid = ffi.new("char[?]", ACTIONS_SIZE), ffi.new("int[1]")
  C.posix_spawn_file_actions_init(actions)
  if stdin then
    C.posix_spawn_file_actions_adddup2(actions, stdin, 0)
  else
    C.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)
  end
  C.posix_spawn_file_actions_addopen(actions, 1, out, O_APPENDING, 0x180)
  C.posix_spawn_file_actions_addopen(actions, 2, out, O_APPENDING, 0x180)
  local failure = C.posix_spawnp(pid, words[1], actions, nil,
                                 ffi.cast("char *const *", strings(words)),
                                 ffi.cast("char *const *", strings(env)))
  C.posix_spawn_file_actions_destroy(actions)
  if failure ~= 0 then error(("cannot start %s: error %d"):format(words[1], failure), 3) end
  return pid[0]
end

--- Has a shell command run when this process has ended, however it did.
---@param script string
---@param argument string the script's $0
function M.at_end(script, argument)
  local fds = ffi.new "int[2]"
  assert(C.pipe2(fds, O_CLOEXEC) == 0, "no pipe")
  local waiting = "trap '' HUP INT TERM; cat; " .. script -- the pipe ends when nobody holds its other end
  spawn({ "sh", "-c", waiting, argument }, "/dev/null", fds[0])
  C.close(fds[0]) -- the other one stays open on purpose
end

--- A child of this process that somebody else has started.
---@param pid integer
---@param name string
---@param out string file that gets standard output and error
---@return support.Process
function M.child(pid, name, out)
  local process = setmetatable({ pid = pid, out = out, name = name }, Process)
  running[pid] = process
  return process
end

--- Starts a program that is none of running(). It ends with this process at the latest.
---@param argv string[] program (found on PATH) and arguments
---@param out string file that gets standard output and error
---@return support.Process
function M.start_apart(argv, out)
  local pid = spawn({ "setpriv", "--pdeathsig", "TERM", unpack(argv) }, out)
  return setmetatable({ pid = pid, out = out, name = argv[1] }, Process)
end

--- Starts a program. It ends with this process at the latest.
---@param argv string[] program (found on PATH) and arguments
---@param out string file that gets standard output and error
---@return support.Process
function M.start(argv, out)
  local process = M.start_apart(argv, out)
  running[process.pid] = process
  return process
end

--- Runs a program to its end; raises with its output unless it succeeds.
---@param argv string[]
---@param out string
function M.run(argv, out)
  local process = M.start(argv, out)
  process:wait(RUN_SECONDS)
  if process.status ~= 0 then
    error(("%s failed (%d):\n%s"):format(table.concat(argv, " "), process.status, process:output()), 2)
  end
end

--- A program that is no child of this process, and ends with it all the same: a daemon.
---@param pid integer
---@param name string begins its command line
---@return support.Process
function M.adopt(pid, name)
  M.at_end(('grep -aq "^%s" "/proc/$0/cmdline" && kill "$0"'):format(name), tostring(pid))
  return setmetatable({ pid = pid, out = "/dev/null", name = name, adopted = true }, Process)
end

--- Looks, without waiting, whether the program has ended; reaps it.
function Process:ended()
  if self.status then return true end
  if self.adopted then
    if C.kill(self.pid, 0) == 0 then return false end
    self.status = 0
    return true
  end
  local status = ffi.new "int[1]"
  if C.waitpid(self.pid, status, WNOHANG) == 0 then return false end
  local signal = bit.band(status[0], 0x7f)
  self.status = signal == 0 and bit.rshift(bit.band(status[0], 0xff00), 8) or 128 + signal
  running[self.pid] = nil
  return true
end

--- Waits for the program's end and returns its exit status.
---@param seconds number
function Process:wait(seconds)
  deadline.wait(function() return self:ended() end, seconds, self.name .. " to end")
  return self.status
end

---@param name "HUP"|"INT"|"QUIT"|"TERM"|"KILL"|"USR1"|"USR2"|"STOP"|"CONT"
function Process:signal(name)
  if not self:ended() then C.kill(self.pid, SIGNALS[name]) end
end

--- Ends the program (SIGTERM, if that is not enough SIGKILL) and reaps it. May be called twice.
function Process:stop()
  self:signal "TERM"
  if not deadline.holds_within(function() return self:ended() end, STOP_SECONDS) then
    self:signal "KILL"
    self:wait(3)
  end
end

--- A program's output without what AddressSanitizer says of every program that has fibers.
---@param text string
---@return string
function M.own(text)
  if not text:find("swapcontext", 1, true) then return text end -- a long one is not copied
  return (text:gsub("==%d+==WARNING: ASan doesn't fully support makecontext/swapcontext[^\n]*\n", ""))
end

--- What the program has written so far.
---@return string
function Process:output()
  local file = io.open(self.out, "rb")
  if not file then return "" end
  local text = file:read "*a"
  file:close()
  return M.own(text)
end

--- The programs that run now, by pid.
---@return table<integer, support.Process>
function M.running()
  local list = {}
  for pid, process in pairs(running) do list[pid] = process end
  return list
end

--- Ends everything that was started here.
---@param but table<integer, support.Process>? what may go on
function M.stop_all(but)
  local left = {}
  for pid, process in pairs(running) do
    if not (but and but[pid]) then left[#left + 1] = process end
  end
  for _, process in ipairs(left) do process:signal "TERM" end -- all at once, then one by one
  for _, process in ipairs(left) do process:stop() end
end

return M
