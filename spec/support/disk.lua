--- A file system that is soon full: 64 KiB in memory.
local scratch = require "support.scratch"

local M = {}
local mounted = {}

--- Mounts one. Needs root.
---@return string? directory nil where mounting is not permitted
function M.small()
  local directory = scratch.directory "disk"
  if os.execute(("mount -t tmpfs -o size=64k rill-spec '%s' 2>/dev/null"):format(directory)) ~= 0 then return nil end
  mounted[#mounted + 1] = directory
  return directory
end

--- Gives one room for a MiB.
---@param directory string
function M.grow(directory)
  assert(os.execute(("mount -o remount,size=1m '%s'"):format(directory)) == 0)
end

--- Unmounts them: for after_each.
function M.unmount()
  for _, directory in ipairs(mounted) do os.execute(("umount -l '%s'"):format(directory)) end
  mounted = {}
end

return M
