--- Addresses of a host name, as requests find them: by hosts file and name servers, without blocking.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local runtime = require("rill.runtime")

local id = ffi.new("rill_id")
local failure = ffi.new("rill_error[1]")

-- What a task waits for; a receiver of events.
local Question = {}
Question.__index = Question

function Question:on_event(event)
  runtime.unwatch(self.slot)
  self.slot = nil
  if event.error_count > 0 then
    self.failure = errors.from_core(event.errors, event.error_count)
  else
    self.text = ffi.string(event.text)
  end
  runtime.wake(self.task)
end

function Question:abandon()
  if not self.slot then return end
  runtime.unwatch(self.slot, self)
  C.rill_drop(runtime.loop(), self.slot, self.generation)
  self.slot = nil
end

--- Looks a name up. In a task.
---@param host string a name, or an address without brackets
---@param servers string? "ip[:port],..."; the system's otherwise
---@return string[]? addresses numeric, to be tried in this order
---@return rill.Error? err reason "connect_failed", kind "dns"; "argument": servers are none
return function(host, servers)
  local question = setmetatable({ task = runtime.waiter("looking a name up") }, Question)
  if C.rill_lookup_start(runtime.loop(), host, servers, id, failure) ~= 0 then
    return nil, errors.from_core(failure, 1)
  end
  question.slot, question.generation = id.slot, id.generation
  runtime.watch(question.slot, question.generation, question)
  repeat
    runtime.park(question)
  until not question.slot
  if question.failure then return nil, question.failure end
  local addresses = {}
  for address in question.text:gmatch "[^\n]+" do addresses[#addresses + 1] = address end
  return addresses
end
