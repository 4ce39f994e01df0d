--- What has no client and nobody waits for: where its warnings and errors go.
--- `public` is the table that `require("rill")` returns: scripts assign the hooks as its fields.
local M = { public = {} }

local function write_line(kind, message)
  io.stderr:write("rill: ", kind, ": ", (tostring(message):gsub("%s*[\r\n]+%s*", " | ")), "\n")
end

local defaults = {
  on_warning = function(message)
    write_line("warning", message)
  end,
  on_error = function(message)
    write_line("error in a task that nobody joined", message)
  end,
}

for name, hook in pairs(defaults) do
  M.public[name] = hook
end

--- A hook that fails must not take the task that happens to run it along.
local function call(name, message, fields)
  local ok, err = pcall(M.public[name] or defaults[name], message, fields)
  if not ok then
    write_line("error in rill." .. name, err)
    defaults[name](message)
  end
end

--- Calls rill.on_warning now. From an event handler: `runtime.defer(hooks.warn, message, fields)`.
---@param message string
---@param fields table what the message is about: `url` and the like
function M.warn(message, fields)
  call("on_warning", message, fields)
end

--- Calls rill.on_error now.
---@param message string
---@param fields table `reason`, `traceback`, `value` (what was raised)
function M.report(message, fields)
  call("on_error", message, fields)
end

return M
