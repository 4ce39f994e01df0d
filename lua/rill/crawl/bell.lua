--- Wakes the one task that waits, at once or when its time has come.
local rill = require("rill")

---@class rill.CrawlBell
---@field private _permit rill.Semaphore
---@field private _rung boolean
local Bell = {}
Bell.__index = Bell

function Bell:ring()
  if self._rung then return end
  self._rung = true
  self._permit:release()
end

--- Waits until it was rung since the last wait, or for that many seconds.
---@param seconds number
function Bell:wait(seconds)
  if self._permit:acquire(seconds) then self._rung = false end
end

---@return rill.CrawlBell
return function()
  local permit = rill.semaphore(1)
  permit:acquire()
  return setmetatable({ _permit = permit, _rung = false }, Bell)
end
