--- Redis servers: on a Unix socket, nothing on the disk unless a spec wants it.
local ca = require "support.ca"
local scratch = require "support.scratch"
local server = require "support.server"
local deadline = require "support.deadline"
local port = require "support.port"
local process = require "support.process"

local M = {}

---@class support.Redis: support.Server
---@field socket string
---@field port integer? of TLS
---@field private _arguments string[]
local Redis = setmetatable({}, { __index = server.Server })
Redis.__index = Redis

-- What an earlier run of it has written stands in the same file.
local function launch(self)
  local from = self.process and #self.process:output() + 1 or 1
  self.process = process.start(self._arguments, self.directory .. "/output")
  deadline.wait(function()
    return self.process:output():find("ready to accept connections", from, true)
      or self.process:ended() and error("redis-server ended at once:\n" .. self.process:output(), 0)
  end, 30, "redis-server to be ready")
end

--- The state of a crawl here.
---@param name string
---@return string
function Redis:state(name)
  return ("redis+unix://%s?name=%s"):format(self.socket, name)
end

--- The same over TLS.
---@param name string
---@param given { host: string?, user: string?, words: string? }? user: "name:password"; words: of the query
---@return string
function Redis:tls_state(name, given)
  given = given or {}
  return ("rediss://%s%s:%d/?name=%s&ca_file=%s%s"):format(given.user and given.user .. "@" or "",
    given.host or "127.0.0.1", self.port, name, given.ca or self.ca, given.words or "")
end

--- Runs a command with redis-cli.
---@param ... string
---@return string answer without its line end
function Redis:cli(...)
  local path = scratch.directory "redis-cli" .. "/output"
  local child = process.start({ "redis-cli", "-s", self.socket, ... }, path)
  child:wait(30)
  return (child:output():gsub("\n$", ""))
end

--- How many scripts it has run.
function Redis:scripts_run()
  local count = 0
  for each in self:cli("INFO", "commandstats"):gmatch "cmdstat_evalsha:calls=(%d+)" do count = count + each end
  return count
end

--- Ends it as a power failure would.
function Redis:kill()
  self.process:signal "KILL"
  self.process:wait(30)
end

--- Stops it and starts it again.
function Redis:restart()
  self:stop()
  launch(self)
end

local function tell(directory, format, seconds)
  local path = directory .. "/clock"
  local file = io.open(path, "r+") or assert(io.open(path, "w"))
  file:write((format):format(seconds))
  file:close()
end

--- Sets the time of day of one that was started with `told`.
---@param seconds number
function Redis:set_clock(seconds)
  tell(self.directory, "%-20.6f", seconds)
end

--- Lets the time of day of one that was started with `jumps` be the system's and so many seconds.
---@param seconds number
function Redis:jump(seconds)
  tell(self.directory, "%-+20.6f", seconds)
end

-- The library that tells the time.
local function preload(directory, format)
  local library = directory .. "/told_clock.so"
  local child = process.start({ "cc", "-shared", "-fPIC", "-o", library, server.here .. "/../c/told_clock.c", "-ldl" },
    directory .. "/cc")
  assert(child:wait(60) == 0, child:output())
  tell(directory, format, 1000)
  return { "env", "LD_PRELOAD=" .. library, "TOLD_CLOCK=" .. directory .. "/clock" }
end

--- The same over TCP, of one that was started with `tcp`.
---@param name string
---@param host string
---@param words string? of the query
---@return string
function Redis:tcp_state(name, host, words)
  return ("redis://%s:%d/?name=%s%s"):format(host, self.port, name, words or "")
end

local function tcp_words(self, options)
  self.port = options.port or port.free()
  local words = { "--port", ("%d"):format(self.port), "--bind", options.tcp == true and "127.0.0.1" or options.tcp }
  if options.replica_of then
    words[5], words[6], words[7] = "--replicaof", "127.0.0.1", ("%d"):format(options.replica_of)
  end
  return words
end

local function tls_words(self, authority, options)
  self.port, self.ca = port.free(), authority.file
  return { "--tls-port", ("%d"):format(self.port), "--bind", "127.0.0.1", "--tls-cert-file",
    options.certificate or authority.leaf, "--tls-key-file", authority.key, "--tls-ca-cert-file", authority.file,
    "--tls-auth-clients", options.mutual and "yes" or "no" }
end

--- Starts one.
---@param options { told: boolean?, jumps: boolean?, save: boolean?, tcp: true|string|nil, port: integer?, replica_of:
---  integer?, tls: boolean?, certificate: string?, mutual: boolean? }? told: its clock stands until set_clock();
---  jumps: it is another one than the system's, see jump(); save: what is written is on the disk before it is answered;
---  tcp: on `port` of 127.0.0.1, or of that address, too; replica_of: port of the one that it follows; tls: TLS on
---  `port`; mutual: it wants a certificate
---@return support.Redis
function M.start(options)
  options = options or {}
  local directory = scratch.directory "redis"
  local argv = options.told and preload(directory, "%-20.6f") or options.jumps and preload(directory, "%-+20.6f") or {}
  for _, word in ipairs { "redis-server", "--port", "0", "--unixsocket", directory .. "/s", "--dir", directory,
    "--save", "", "--appendonly", options.save and "yes" or "no", "--appendfsync", "always",
    "--repl-diskless-sync-delay", "0" } do
    argv[#argv + 1] = word
  end
  local self = setmetatable({ directory = directory, socket = directory .. "/s", _arguments = argv }, Redis)
  for _, word in ipairs(options.tcp and tcp_words(self, options) or {}) do argv[#argv + 1] = word end
  for _, word in ipairs(options.tls and tls_words(self, ca.get(), options) or {}) do argv[#argv + 1] = word end
  launch(self)
  return self
end

return M
