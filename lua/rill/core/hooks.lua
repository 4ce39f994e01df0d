--- What has no client and nobody waits for: where its warnings and errors go.
--- `public` is the table that `require("rill")` returns: scripts assign the hooks as its fields.
local cancelled = require("rill.task.cancelled")

local M = { public = {} }

--- What was raised, as a text: also where its __tostring raises.
---@param value any
---@return string
local function text_of(value)
  local ok, text = pcall(tostring, value)
  return ok and text or type(value) .. " whose __tostring raises"
end

M.text_of = text_of

--- Writes a line somewhere: a world may replace it.
---@param kind string "warning", "error ..."
---@param message string one line
function M.write(kind, message)
  io.stderr:write("rill: ", kind, ": ", message, "\n")
end

local function write_line(kind, message)
  M.write(kind, (text_of(message):gsub("%s*[\r\n]+%s*", " | ")))
end

local defaults = {
  on_warning = function(message)
    write_line("warning", message)
  end,
  on_error = function(message, fields)
    write_line(fields.hook and "error" or "error in a task that nobody joined", message)
  end,
}

for name, hook in pairs(defaults) do
  M.public[name] = hook
end

-- A hook that fails must not take the task that happens to run it along, nor what it was given.

--- Calls rill.on_error now.
---@param message string
---@param fields table `reason`, `traceback`, `value` (what was raised), `hook` (the name of one that raised)
function M.report(message, fields)
  local ok, err = pcall(M.public.on_error or defaults.on_error, message, fields)
  if not ok then
    write_line("error in rill.on_error", err)
    defaults.on_error(message, fields)
  end
end

--- Calls on_warning now: that of the client or connection among the fields, or rill's. From an event
--- handler: `runtime.defer(hooks.warn, message, fields)`.
---@param message string
---@param fields table what the message is about: `client`, `connection`, `url`
function M.warn(message, fields)
  local owner = fields.client or fields.connection
  local hook = owner and owner._on_warning or M.public.on_warning or defaults.on_warning
  local ok, err = pcall(hook, message, fields)
  if not ok and err ~= cancelled then
    M.report("on_warning raised: " .. text_of(err), { reason = "error", value = err, hook = "on_warning" })
    defaults.on_warning(message)
  end
end

return M
