--- HAR files: as the schema has them, and as sense has them.
local dkjson = require "dkjson"
local process = require "support.process"
local scratch = require "support.scratch"
local server = require "support.server"

local M = {}

local PHASES = { "blocked", "dns", "connect", "send", "wait", "receive" }
local ROUNDING = 0.01 -- milliseconds

--- Microseconds of a date, from the same point in time for all.
---@param text string
---@return number
function M.clock(text)
  local year, month, day, hour, minute, second =
    text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d%.%d+)Z$"
  local days = math.floor(os.time { year = year, month = month, day = day, hour = 12 } / 86400)
  return (days * 86400 + tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second)) * 1e6
end

-- A phase that did not happen is -1; those that did add up.
local function check_times(entry, at)
  local t, sum = entry.timings, 0
  for _, phase in ipairs(PHASES) do
    assert(t[phase] == -1 or t[phase] >= 0, at .. phase)
    sum = sum + math.max(t[phase], 0)
  end
  assert(t.send >= 0 and t.wait >= 0 and t.receive >= 0 and t.blocked >= 0, at .. "these always happen")
  assert(t.dns ~= 0 and t.connect ~= 0 and t.ssl ~= 0, at .. "a phase of 0 did not happen")
  assert(t.ssl <= math.max(t.connect, -1), at .. "TLS is part of connect")
  assert(math.abs(sum - entry.time) < ROUNDING, ("%s%g ms of %g"):format(at, sum, entry.time))
end

local function check_sizes(entry, at)
  local response = entry.response
  local content = response.content
  assert(response.bodySize >= 0 and content.size >= 0 and entry.request.bodySize >= 0, at .. "sizes")
  if content.compression then
    assert(content.compression == content.size - response.bodySize, at .. "compression")
  else
    assert(content.size == response.bodySize, at .. "nothing was decoded")
  end
end

--- Raises what is wrong with entries, by sense.
---@param entries table[]
---@return table[] entries
function M.check(entries)
  local last = 0
  for i, entry in ipairs(entries) do
    local at = ("entry %d, %s %s: "):format(i, entry.request.method, entry.request.url)
    check_times(entry, at)
    check_sizes(entry, at)
    assert(M.clock(entry.startedDateTime) >= last, at .. "out of order")
    last = M.clock(entry.startedDateTime)
    local answered = entry.response.status > 0
    assert(answered or entry._error, at .. "it says why there is no response")
    assert(not answered or entry.connection and entry.serverIPAddress, at .. "it names its connection")
  end
  return entries
end

--- Saves what a recorder has, in a task or outside of one, and raises what is wrong with the file.
---@param recorder rill.Recorder
---@return table[] entries
---@return table log
---@return string path
function M.saved(recorder)
  local directory = scratch.directory "har"
  local path = directory .. "/saved.har"
  assert(recorder:save(path))
  process.run({ "node", server.here .. "/node/har_schema.js", path }, directory .. "/schema")
  local log = assert(dkjson.decode(scratch.read(path))).log
  assert(log.version == "1.2" and log.creator.name == "rill")
  return M.check(log.entries), log, path
end

--- Fields by name, the last one of several.
---@param list { name: string, value: string }[]
---@return table<string, string>
function M.map(list)
  local map = {}
  for _, pair in ipairs(list) do map[pair.name] = pair.value end
  return map
end

return M
