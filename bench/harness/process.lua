--- Child processes: started, waited for, and what they have cost.
local ffi = require("ffi")
local bit = require("bit")
local system = require("system")

ffi.cdef [[
struct bench_rusage { long user_s, user_us, system_s, system_us, peak_kib, rest[13]; };
int posix_spawnp(int *pid, const char *file, const void *actions, const void *attributes,
                 char *const argv[], char *const envp[]);
int posix_spawn_file_actions_init(void *actions);
int posix_spawn_file_actions_destroy(void *actions);
int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, unsigned int mode);
int wait4(int pid, int *status, int options, struct bench_rusage *usage);
int kill(int pid, int signal);
extern char **environ;
]]
local C = ffi.C

local O_RDONLY, O_REPLACING = 0, 0x241 -- O_WRONLY | O_CREAT | O_TRUNC on Linux
local WNOHANG, SIGKILL, SIGTERM = 1, 9, 15
local ACTIONS_SIZE = 256 -- posix_spawn_file_actions_t is 80 bytes in glibc
local TICK = 0.001 -- seconds between two looks at a child: the error of its wall time

local M = {}

---@class bench.Process
---@field pid integer
---@field name string
---@field out string path of the file that has what it printed
---@field status integer? exit code, or 128 + signal; nil while it runs
---@field cpu number? seconds of user and system time, threads and reaped children included
---@field wall number? seconds from its start to its end
---@field peak number? bytes of resident memory at most
local Process = {}
Process.__index = Process

--- Starts a program without input.
---@param argv string[] the program, found on PATH, and its arguments
---@param out string file for what it prints
---@return bench.Process
function M.start(argv, out)
  local words = ffi.new("const char *[?]", #argv + 1)
  for i, word in ipairs(argv) do
    words[i - 1] = word
  end
  local actions, pid = ffi.new("char[?]", ACTIONS_SIZE), ffi.new("int[1]")
  C.posix_spawn_file_actions_init(actions)
  C.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)
  C.posix_spawn_file_actions_addopen(actions, 1, out, O_REPLACING, 0x180)
  C.posix_spawn_file_actions_addopen(actions, 2, out, O_REPLACING, 0x180)
  local started = system.now()
  local failure = C.posix_spawnp(pid, argv[1], actions, nil, ffi.cast("char *const *", words), C.environ)
  C.posix_spawn_file_actions_destroy(actions)
  if failure ~= 0 then error(("cannot start %s: error %d"):format(argv[1], failure), 0) end
  return setmetatable({ pid = pid[0], name = argv[1], out = out, _started = started }, Process)
end

--- Starts a server, which ends with this process at the latest.
---@param argv string[]
---@param out string
---@return bench.Process
function M.start_server(argv, out)
  return M.start({ "setpriv", "--pdeathsig", "KILL", "--", unpack(argv) }, out)
end

--- Looks, without waiting, whether it has ended; if so, takes its account.
---@return boolean
function Process:ended()
  if self.status then return true end
  local status, usage = ffi.new("int[1]"), ffi.new("struct bench_rusage")
  if C.wait4(self.pid, status, WNOHANG, usage) == 0 then return false end
  self.wall = system.now() - self._started
  self.cpu = tonumber(usage.user_s + usage.system_s) + tonumber(usage.user_us + usage.system_us) * 1e-6
  self.peak = tonumber(usage.peak_kib) * 1024
  local signal = bit.band(status[0], 0x7f)
  self.status = signal == 0 and bit.rshift(bit.band(status[0], 0xff00), 8) or 128 + signal
  return true
end

--- Waits for its end; kills it when that takes too long.
---@param seconds number
---@return boolean ended by itself
function Process:wait(seconds)
  local deadline = system.now() + seconds
  while not self:ended() do
    if system.now() > deadline then
      self:kill(SIGKILL)
      while not self:ended() do
        system.sleep(TICK)
      end
      return false
    end
    system.sleep(TICK)
  end
  return true
end

---@param signal integer
function Process:kill(signal)
  if not self:ended() then C.kill(self.pid, signal) end
end

--- Ends it. May be called twice.
function Process:stop()
  self:kill(SIGTERM)
  self:wait(3)
end

--- What it has printed so far.
---@return string
function Process:output()
  local file = io.open(self.out, "rb")
  if not file then return "" end
  local text = file:read("*a")
  file:close()
  return text
end

--- Runs a program to its end; raises with its output unless it succeeds.
---@param argv string[]
---@param out string
---@param seconds number
---@return bench.Process
function M.run(argv, out, seconds)
  local process = M.start(argv, out)
  local waited, in_time = pcall(process.wait, process, seconds)
  if not waited then -- Ctrl-C
    process:kill(SIGKILL)
    error(in_time, 0)
  end
  if process.status ~= 0 then
    error(("%s\n%s (%s)\n%s"):format(table.concat(argv, " "),
      in_time and "failed" or "was not done in time and was killed", "status " .. process.status,
      process:output():sub(-2000)), 0)
  end
  return process
end

return M
