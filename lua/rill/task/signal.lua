--- Waiting for signals of the operating system.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local runtime = require("rill.runtime")

local NUMBERS = {
  HUP = 1, INT = 2, QUIT = 3, PIPE = 13, ALRM = 14, TERM = 15,
  USR1 = 10, USR2 = 12, CHLD = 17, CONT = 18, TSTP = 20, TTIN = 21, TTOU = 22, WINCH = 28,
}
if ffi.os ~= "Linux" then
  NUMBERS.USR1, NUMBERS.USR2, NUMBERS.CHLD, NUMBERS.CONT, NUMBERS.TSTP = 30, 31, 20, 19, 18
end

local id = ffi.new("rill_id")
local err = ffi.new("rill_error")

local catchers = {} -- by signal name; there is one while somebody waits

-- Catches one signal for all tasks that wait for it; a receiver of events.
local Catcher = {}
Catcher.__index = Catcher

-- What a task in rill.signal waits for: any of its catchers.
local Wait = { dormant = "signal", background = true }
Wait.__index = Wait

--- Leaves all catchers; one that nobody needs gives the signal its former disposition back.
function Wait:abandon()
  for _, catcher in ipairs(self.catchers) do
    catcher.waits[self] = nil
    if next(catcher.waits) == nil then
      catchers[catcher.name] = nil
      runtime.unwatch(catcher.slot)
      C.rill_drop(runtime.loop(), catcher.slot, catcher.generation)
    end
  end
  self.catchers = {}
end

function Catcher:on_event()
  local waits = {}
  for wait in pairs(self.waits) do
    waits[#waits + 1] = wait
  end
  for _, wait in ipairs(waits) do
    wait.caught = self.name
    wait:abandon()
    runtime.wake(wait.task)
  end
end

local function catch(name)
  if not catchers[name] then
    if C.rill_signal_start(runtime.loop(), NUMBERS[name], id, err) ~= 0 then
      return nil, ffi.string(err.message)
    end
    catchers[name] = setmetatable({
      name = name, slot = id.slot, generation = id.generation, waits = {},
    }, Catcher)
    runtime.watch(id.slot, id.generation, catchers[name])
  end
  return catchers[name]
end

--- Waits for one of the named signals. When the last task that waits for a signal has it, that gets
--- its former disposition back: a second Ctrl-C ends the process. Such a wait alone does not keep
--- rill.run alive.
---@param ... string "INT", "TERM", "HUP", "USR1", ...
---@return string name of the signal that came
return function(...)
  if runtime.name == "openresty" then errors.raise("rill.signal: signals of a worker are nginx's own") end
  local names = { ... }
  if #names == 0 or #names < select("#", ...) then
    errors.raise("rill.signal: one or more names of signals, got " .. errors.show((...)))
  end
  for _, name in ipairs(names) do
    if not NUMBERS[name] then
      errors.raise("rill.signal: unknown signal " .. errors.show(name))
    end
  end
  local wait = setmetatable({ task = runtime.waiter("rill.signal"), catchers = {} }, Wait)
  for _, name in ipairs(names) do
    local catcher, message = catch(name)
    if not catcher then
      wait:abandon()
      errors.raise(("rill.signal: cannot wait for %s: %s"):format(name, message))
    end
    catcher.waits[wait] = true
    table.insert(wait.catchers, catcher)
  end
  repeat
    runtime.park(wait)
  until wait.caught
  return wait.caught
end
