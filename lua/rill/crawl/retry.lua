--- What a response or an error means for its URL: done, given up, once more. The only place that reads `processed`.
local date = require("rill.crawl.date")

local M = {}

local DIAL_PHASES = { dns = true, connect = true, proxy = true, tls = true, settings = true }
local NEVER = {
  protocol_error = true, decode_error = true, maxsize_exceeded = true, maxsize_exceeded_actual = true,
  invalid_hostname = true, invalid_url = true, error = true, file_error = true, body_error = true,
}
local NEVER_KINDS = { tls = true, denied = true, alpn = true }
local MAX_FREE = 10 -- repeats that do not count
local MAX_PAUSE = 300 -- seconds

--- Seconds that a Retry-After asks for.
---@param value string?
---@param now number Unix time
---@return number? seconds nil: it says nothing that can be read
function M.retry_after(value, now)
  if not value then return nil end
  local seconds = value:match "^%s*(%d+)%s*$"
  if seconds then return tonumber(seconds) end
  local time = date.http(value)
  return time and math.max(0, time - now)
end

-- What src/net/resolve.c reports of a name that is not there; all else about names may pass.
local function is_no_name(err)
  local message = tostring(err.message)
  return message:find("no such name", 1, true) ~= nil or message:find("has no address", 1, true) ~= nil
end

--- Whether no connection came about, and why it need not be tried again.
---@param err rill.Error
---@return boolean dial
---@return boolean never
function M.is_dial(err)
  if err.reason == "timeout" then return DIAL_PHASES[err.phase] or false, false end
  if err.reason ~= "connect_failed" then return false, false end
  return true, err.kind == "dns" and is_no_name(err) or NEVER_KINDS[err.kind] or false
end

-- 1 s doubling to 300, half of it by chance.
local function pause(attempts)
  return math.min(MAX_PAUSE, 2 ^ (attempts - 1)) * (0.5 + math.random() / 2)
end

-- Once more after a pause, where `retries` allows it.
local function counted(entry, options, now)
  if entry.attempts > options.retries then return nil end
  return { due = now + pause(entry.attempts) }
end

local function free(entry, now, options)
  if entry.free >= MAX_FREE then return counted(entry, options, now) end
  entry.free = entry.free + 1
  entry.attempts = entry.attempts - 1
  return { due = now }
end

--- Whether to try again after an error. `entry.attempts` counts the one that failed.
---@param err rill.Error
---@param entry rill.CrawlEntry
---@param options table
---@param now number
---@return { due: number }? again
function M.after_error(err, entry, options, now)
  local dial, never = M.is_dial(err)
  if never or NEVER[err.reason] then return nil end
  if not dial and err.processed == "no" then return free(entry, now, options) end
  return counted(entry, options, now)
end

--- Whether to try again after a status.
---@param status integer
---@param retry_after number? seconds
---@param entry rill.CrawlEntry
---@param options table
---@param policy table per_origin
---@param now number
---@return { due: number }? again
---@return string? skip
function M.after_status(status, retry_after, entry, options, policy, now)
  if not options.retry_status[status] then return nil end
  if retry_after and (status == 429 or status == 503) then
    if retry_after > policy.retry_after_max then return nil, "retry_after" end
    if entry.free < MAX_FREE then
      entry.free, entry.attempts = entry.free + 1, entry.attempts - 1
      return { due = now + retry_after }
    end
  end
  return counted(entry, options, now)
end

--- What an error means for its origin.
---@param err rill.Error
---@return table result of rill.crawl.origin
function M.result_of(err)
  local dial = M.is_dial(err)
  local kind = dial and "dial" or err.reason == "timeout" and "timeout" or "other"
  return { kind = kind, reason = err.reason, message = err.message }
end

return M
