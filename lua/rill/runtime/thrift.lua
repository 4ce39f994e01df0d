--- Settings of LuaJIT's collector while many tasks wait to begin. It looks at these quickly. Memory that is touched for
--- the first time, or is in no cache any more, costs more: as the collector usually is, what requests leave grows to
--- the size of all these tasks.
local M = {}

local OWN = { setpause = 120, setstepmul = 1000 } -- percent

local usual -- what was set before; nil: OWN is not in force

--- Collects early from now on.
function M.begin()
  if usual then return end
  usual = {}
  for name, value in pairs(OWN) do usual[name] = collectgarbage(name, value) end
end

--- Restores what was set before, unless the script has set something else since.
function M.finish()
  if not usual then return end
  for name, value in pairs(OWN) do
    local now = collectgarbage(name, usual[name])
    if now ~= value then collectgarbage(name, now) end
  end
  usual = nil
end

return M
