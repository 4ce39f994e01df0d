--- Standard output of the command `rill`, and whether all that was written has arrived there.
require("rill.core.ffi") -- raises a clear error where there is no LuaJIT

local M = {}

local unwritten

--- Writes data to stdout.
---@param ... string
---@return boolean? ok
function M.write(...)
  local ok, why = io.stdout:write(...)
  if ok then ok, why = io.stdout:flush() end
  if not ok and not why:find "Broken pipe" then unwritten = why end -- else nobody reads any more: no failure
  return ok and true
end
jit.off(M.write) -- compiled code drops the results that nobody looks at

--- Why data could not be written to stdout; nil where all was.
---@return string? why
function M.unwritten()
  return unwritten
end

return M
