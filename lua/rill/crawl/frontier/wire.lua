--- The scripts that run inside Redis, and calling them: again when the connection was lost, until that takes too long.
local clocks = require("rill.crawl.frontier.clock")
local errors = require("rill.errors")
local redis = require("rill.redis")
local rill = require("rill")

local M = {}

local FIRST_PAUSE, LAST_PAUSE = 0.05, 2 -- seconds
-- What a Redis answers that comes back, or is not the one that writes.
local PASSING = { LOADING = true, READONLY = true, MASTERDOWN = true, CLUSTERDOWN = true, TRYAGAIN = true, BUSY = true }
local KINDS = { NOAUTH = "auth", NOPERM = "auth", NOSCRIPT = "noscript", CLOCK = "clock", REPLACED = "worker" }
local FULL = { OOM = true, MISCONF = true }

-- A script answers with what the crawl's clock shows and its result.
local ANSWER = [[
local result = step()
if type(result) == "table" and result.err then return result end
return { string.format("%.6f", now), result }]]

local STEP_TRIES = 5 -- with a clock that each time shows more than it can; then it is taken as it is
local LATEST = 7 -- the place, in a step's command, of the latest time that Redis' clock can show

---@class rill.CrawlWire
---@field shown string the Redis
---@field key string "{name}"
---@field was_lost boolean since it was last set to false: what was asked for may have been done
---@field private _redis rill.Redis
---@field private _patience number seconds
---@field private _answered number when the last step that it answered was asked, by rill.now()
---@field private _clock rill.CrawlClock
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
    texts[name] = ("local origin = (function()\n%s\nend)()\n%s\nlocal function step()\n%s\nend\n%s"):format(
      source_of "rill.crawl.origin", source_of "rill.crawl.frontier.inside.common",
      source_of("rill.crawl.frontier.inside." .. name), ANSWER)
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
  if text:find("unauthenticated", 1, true) then return nil, state_error(self, "auth", text) end -- no word for it
  if text:find("WRONGTYPE", 1, true) then return nil, state_error(self, "corrupt", text) end
  return nil, state_error(self, KINDS[word] or "redis", text)
end

-- The same with a script that is loaded: its result.
local function evaluate(self, words)
  local sent, asked = self._clock:now(), rill.now()
  local answer, err = try(self, words)
  if err then return nil, err end
  if words[LATEST] then self._clock:note(tonumber(answer[1]), sent) end
  self._answered = asked -- the answer may have waited while this process stood still
  return answer[2]
end

local function run(self, name, words)
  local hash = self._hashes[name]
  if hash then
    words[2] = hash
    local answer, err = evaluate(self, words)
    if not err or err.kind ~= "noscript" then return answer, err end
  end
  local loaded, err = try(self, { "SCRIPT", "LOAD", text_of(name) })
  if err then return nil, err end
  self._hashes[name] = loaded
  words[2] = loaded
  return evaluate(self, words)
end

local function words_of(self, ...)
  return { "EVALSHA", "", "1", self.key .. ":conf", ... }
end

-- The clock there showed more than it can: either the call took that long, or it has jumped. What is known of it stays
-- until a step was answered: where this is not, or the step is lost after it, the next try is as careful. It is refused
-- like a step where the clock jumps once more meanwhile.
local function set_right(self, asker, worker, refusal, sent)
  local at, shift = refusal.message:match "CLOCK (%S+) (%S+)"
  local ahead = self._clock:ahead(tonumber(at))
  if ahead == 0 then
    self._clock:delayed(sent)
    return true
  end
  local latest = self._clock:latest()
  return run(self, "clock", words_of(self, asker, worker, latest, ("%.6f"):format(ahead), at, shift))
end

-- A step, with what the clock can show now.
local function take_step(self, name, words)
  for _ = 1, STEP_TRIES do
    local sent = self._clock:now()
    words[LATEST] = self._clock:latest()
    local answer, err = run(self, name, words)
    if not err or err.kind ~= "clock" then return answer, err end
    local ok
    ok, err = set_right(self, words[5], words[6], err, sent)
    if not ok and err.kind ~= "clock" then return nil, err end
  end
  words[LATEST] = ""
  return run(self, name, words)
end

-- A connection's own error names the server, too.
local function unreachable(self, err)
  local name, patience = ("Redis at %s: "):format(self.shown), self._patience
  local why = err.message:sub(1, #name) == name and err.message:sub(#name + 1) or err.message
  if patience > 0 then why = ("not reached for %g s: %s"):format(patience, why) end
  return state_error(self, "unreachable", why)
end

local function patiently(self, fn, ...)
  local since, pause = rill.now(), FIRST_PAUSE
  while true do
    local answer, err = fn(self, ...)
    if not err or err.kind ~= "lost" then return answer, err end
    if rill.now() - since >= self._patience then
      return nil, unreachable(self, err)
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
  return patiently(self, run, name, words_of(self, unpack(arguments)))
end

--- The same with a step of a run, which may not be later than it can be: see clock.lua.
---@param name string
---@param asker string the run, a blank, and whose the worker's name is
---@param worker string
---@param arguments string[] ARGV behind those two and latest
function Wire:step(name, asker, worker, arguments)
  local words = words_of(self, asker, worker, "")
  for i = 1, #arguments do words[LATEST + i] = arguments[i] end
  return patiently(self, take_step, name, words)
end

--- The same for a plain command.
---@param words string[]
function Wire:command(words)
  return patiently(self, try, words)
end

--- Seconds since it last answered a step.
---@return number
function Wire:silence()
  return rill.now() - self._answered
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
---@param now (fun(): number)? monotonic seconds
---@return rill.CrawlWire?
---@return rill.Error? err
function M.open(url, now)
  local address, err = parse(url)
  if not address then return nil, err end
  local client
  client, err = redis.new(address)
  if not client then return nil, err end
  return setmetatable({ shown = address.shown, key = "{" .. address.name .. "}", was_lost = false, _redis = client,
    _patience = 0, _answered = rill.now(), _hashes = {}, _clock = clocks.new(now) }, Wire)
end

return M
