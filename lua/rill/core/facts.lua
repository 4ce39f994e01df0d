--- The numbers of a response: how long its phases took, bytes, attempts. They stand in the array part of its table,
--- [1] to [7]: a C struct of its own costs each response an allocation (measured: 270 of the 21,370 instructions that
--- a GET of 1 KiB takes).
local ffi = require("rill.core.ffi")
require("rill.clib") -- declares rill_timings

local M = {}

-- Two floats of rill_timings fit in one number, bit by bit: [1] to [5]. They are neither negative nor NaN, and so no
-- pair of them is what a double must not be.
local Pairs = ffi.typeof("const double *")
local both = ffi.new("union { rill_timings timings; double pairs[5]; }")
local PAIRS, BYTES_RECEIVED, ATTEMPTS = 5, 6, 7

--- Keeps what an event or a stream's information holds.
---@param own table
---@param timings ffi.cdata* const rill_timings *
---@param bytes_received number
---@param attempts integer
function M.keep(own, timings, bytes_received, attempts)
  local pairs_of = ffi.cast(Pairs, timings)
  own[1], own[2], own[3], own[4], own[5] = pairs_of[0], pairs_of[1], pairs_of[2], pairs_of[3], pairs_of[4]
  own[BYTES_RECEIVED], own[ATTEMPTS] = bytes_received, attempts
end

--- The same that another table holds.
---@param own table
---@param other table
function M.copy(own, other)
  for i = 1, ATTEMPTS do own[i] = other[i] end
end

local function unpacked(own)
  for i = 1, PAIRS do both.pairs[i - 1] = own[i] end
  return both.timings
end

--- Seconds spent in each phase, by name.
---@param timings ffi.cdata* const rill_timings *
---@return table<string, number>
function M.by_name(timings)
  return {
    queue = timings.queue,
    dns = timings.dns,
    connect = timings.connect,
    tls = timings.tls,
    wait = timings.wait,
    body = timings.body,
    stalled_local = timings.stalled_local,
    stalled_remote = timings.stalled_remote,
    total = timings.total,
  }
end

---@param own table
---@return table<string, number> timings
function M.timings(own)
  return M.by_name(unpacked(own))
end

--- What is left of `timeout`, whose clock stands still while a request waits for its turn.
---@param own table
---@return number seconds; 0: there is no limit
function M.left(own)
  return unpacked(own).left
end

---@param own table
---@return integer
function M.attempts(own)
  return own[ATTEMPTS]
end

---@param own table
---@return number
function M.bytes_received(own)
  return own[BYTES_RECEIVED]
end

--- Adds what came before a response: seconds, which are part of `queue` and `total`, and attempts.
---@param own table
---@param seconds number
---@param attempts integer
function M.add_before(own, seconds, attempts)
  local timings = unpacked(own)
  timings.queue, timings.total = timings.queue + seconds, timings.total + seconds
  M.keep(own, timings, own[BYTES_RECEIVED], own[ATTEMPTS] + attempts)
  own.timings, own.attempts = nil, nil -- made anew on the next use
end

return M
