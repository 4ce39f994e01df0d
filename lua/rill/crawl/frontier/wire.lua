--- The scripts that run inside Redis, and calling them: again when the connection was lost, until that takes too long.
local errors = require("rill.errors")
local redis = require("rill.redis")
local rill = require("rill")

local M = {}

local FIRST_PAUSE, LAST_PAUSE = 0.05, 2 -- seconds
-- What a Redis answers that comes back, or is not the one that writes.
local PASSING = { LOADING = true, READONLY = true, MASTERDOWN = true, CLUSTERDOWN = true, TRYAGAIN = true, BUSY = true }
local FULL = { OOM = true, MISCONF = true }

---@class rill.CrawlWire
---@field shown string the Redis
---@field key string "{name}"
---@field was_lost boolean since it was last set to false: what was asked for may have been done
---@field private _redis rill.Redis
---@field private _patience number seconds
---@field private _hashes table<string, string>
local Wire = {}
Wire.__index = Wire

local function source_of(name)
  local path = assert(package.searchpath(name, package.path))
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local texts = {}
-- One script: the origin's rules, what all share, and itself.
local function text_of(name)
  if not texts[name] then
    texts[name] = ("local origin = (function()\n%s\nend)()\n%s\n%s"):format(source_of "rill.crawl.origin",
      source_of "rill.crawl.frontier.inside.common", source_of("rill.crawl.frontier.inside." .. name))
  end
  return texts[name]
end

local function state_error(self, kind, message)
  return errors.new { reason = "state", kind = kind, path = self.shown,
    message = ("Redis at %s: %s"):format(self.shown, message) }
end
M.error = state_error

-- One try. An error of kind "lost" may be tried again.
local function try(self, words)
  local answer, err = self._redis:call(words)
  if err then
    if err.kind == "lost" then self.was_lost = true end
    return nil, err
  end
  local text = type(answer) == "table" and answer.error
  if not text then return answer end
  local word = text:match "^[%u]+" or ""
  if PASSING[word] then return nil, state_error(self, "lost", text) end
  if FULL[word] or text:find("OOM command not allowed", 1, true) then return nil, state_error(self, "full", text) end
  if text:find "^GONE" then
    return nil, state_error(self, "corrupt", "the state is gone: it was wiped, or Redis restarted without keeping it")
  end
  return nil, state_error(self, word == "NOAUTH" and "auth" or word == "NOSCRIPT" and "noscript" or "redis", text)
end

local function run(self, name, words)
  local hash = self._hashes[name]
  if hash then
    words[1], words[2] = "EVALSHA", hash
    local answer, err = try(self, words)
    if not err or err.kind ~= "noscript" then return answer, err end
  end
  local loaded, err = try(self, { "SCRIPT", "LOAD", text_of(name) })
  if err then return nil, err end
  self._hashes[name] = loaded
  words[1], words[2] = "EVALSHA", loaded
  return try(self, words)
end

local function patiently(self, fn, ...)
  local since, pause = rill.now(), FIRST_PAUSE
  while true do
    local answer, err = fn(self, ...)
    if not err or err.kind ~= "lost" then return answer, err end
    if rill.now() - since >= self._patience then
      return nil, state_error(self, "unreachable", ("not reached for %g s: %s"):format(self._patience, err.message))
    end
    rill.sleep(pause)
    pause = math.min(LAST_PAUSE, 2 * pause)
  end
end

--- Runs a script, and tries again while Redis is away.
---@param name string
---@param arguments string[] ARGV
---@return any answer
---@return rill.Error? err kind "unreachable", "full", "corrupt", "auth", "redis"
function Wire:script(name, arguments)
  local words = { "EVALSHA", "", "1", self.key }
  for i = 1, #arguments do words[4 + i] = arguments[i] end
  return patiently(self, run, name, words)
end

--- The same for a plain command.
---@param words string[]
function Wire:command(words)
  return patiently(self, try, words)
end

--- From now on it waits so long for a Redis that is away.
---@param seconds number
function Wire:be_patient(seconds)
  self._patience = seconds
end

function Wire:close()
  self._redis:close()
end

local function parse(url)
  if type(url) ~= "string" then
    return nil, errors.new { reason = "state", kind = "url", message = "a state is a URL of Redis, got "
      .. errors.show(url) }
  end
  local address, wrong = redis.parse(url)
  if address then return address end
  return nil, errors.new { reason = "state", kind = "url", message = ("the state %s %s"):format(
    errors.show(redis.shown(url)), wrong) }
end

--- Which server and database a URL means: two URLs that differ in password or TLS words have the same place.
---@param url any
---@return string? place
---@return rill.Error? err kind "url"
function M.place(url)
  local address, err = parse(url)
  if not address then return nil, err end
  return ("%s %s %s"):format(address.shown, address.db or 0, address.name)
end

---@param url any
---@return rill.CrawlWire?
---@return rill.Error? err
function M.open(url)
  local address, err = parse(url)
  if not address then return nil, err end
  local client
  client, err = redis.new(address)
  if not client then return nil, err end
  return setmetatable({ shown = address.shown, key = "{" .. address.name .. "}", was_lost = false, _redis = client,
    _patience = 0, _hashes = {} }, Wire)
end

return M
