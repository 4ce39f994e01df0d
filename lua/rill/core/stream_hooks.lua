--- Shows a script's hooks what has arrived, and does what they say: on_headers, on_chunk.
local errors = require("rill.errors")
local follow = require("rill.core.follow")
local runtime = require("rill.runtime")
local HOOK = require("rill.task.slots").HOOK
local URL = require("rill.core.slots").URL

local M = {}

local ANSWERS = { stop = true, cancel = true }

-- Runs a hook, which may not wait. Returns its answer; or nil, what went wrong, and what it raised.
local function run(name, hook, what, stream)
  local task = runtime.current()
  local outer = task and task[HOOK]
  if task then task[HOOK] = "runs" end
  local ok, answer = pcall(hook, what, stream)
  local waited = task and task[HOOK] == "waited"
  if task then task[HOOK] = outer end
  if waited then return nil, name .. " may not wait" end
  if not ok then return nil, name .. " raised: " .. tostring(answer), answer end
  if answer ~= nil and not ANSWERS[answer] then
    return nil, ('%s must return nil, "stop" or "cancel", got %s'):format(name, errors.show(answer))
  end
  return answer
end

local function ask(name, hook, what, stream)
  local own = stream._state
  local outer = own.hook
  own.hook = name
  local answer, wrong, raised = run(name, hook, what, stream)
  if wrong then
    own:reject(own:error("error", wrong, raised))
  elseif answer == "cancel" then
    own:cancel()
  elseif answer == "stop" then
    own:stop()
  end
  own.hook = outer
  if own:is_judged() then own.on_chunk = nil end -- it is shown nothing more
end

-- An answer that only leads to another request is not shown: a redirect that is followed, a part that is of no use.
local function pass_by(own)
  local leads = own.follows and follow.target(own.head.status, own.head.headers, own[URL])
    or own.passes and own.passes(own.head)
  own.follows, own.passes = nil, nil
  if leads then own.on_headers, own.on_chunk = nil, nil end
end

--- Shows the head, once, as soon as there is one.
---@param stream rill.Stream
function M.of_head(stream)
  local own = stream._state
  if (own.follows or own.passes) and own.head then pass_by(own) end
  local hook = own.on_headers
  if not hook or not own.head then return end
  own.on_headers = nil
  ask("on_headers", hook, own.head, stream)
end

--- Shows a piece of the body.
---@param stream rill.Stream
---@param chunk string
function M.of_chunk(stream, chunk)
  local own = stream._state
  if own.on_chunk then ask("on_chunk", own.on_chunk, chunk, stream) end
end

return M
