--- Errors of tasks that nobody has joined yet. One goes to rill.on_error when the task's handle is
--- collected, or when run ends.
local failure = require("rill.task.failure")
local hooks = require("rill.core.hooks")
local waitlist = require("rill.task.waitlist")
local runtime = require("rill.runtime")

local M = {}

local reports = waitlist()

---@class rill.Report
---@field failure rill.Failure
local Report = {}
Report.__index = Report

--- Somebody joined the task: there is nothing to report.
function Report:seen()
  reports:remove(self)
end

--- Queues the hook, unless the task was joined. Finalizers come here too, so it does no more than that.
local function send(report)
  if reports:remove(report) then
    local failed = report.failure
    runtime.defer(hooks.report, failure.message(failed),
      { reason = "error", value = failed.value, traceback = failed.traceback })
  end
end

--- Watches a task that failed.
---@param failed rill.Failure
---@return rill.Report
---@return userdata sentinel for the task to hold: it is collected with it
function M.watch(failed)
  local report = setmetatable({ failure = failed }, Report)
  reports:push(report)
  local sentinel = newproxy(true) -- tables have no finalizers in Lua 5.1
  getmetatable(sentinel).__gc = function()
    send(report)
  end
  return report, sentinel
end

--- Queues the hook for all errors that are left.
function M.send_all()
  while reports.first do
    send(reports.first)
  end
end

return M
