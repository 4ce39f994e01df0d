--- Holding back crowds: while many requests wait to be sent, tasks that have not begun would only make
--- that line longer, and a task that has not begun takes a fifth of the memory of one that waits.
local C = require("rill.clib")
local loops = require("rill.runtime.loop")
local thrift = require("rill.runtime.thrift")

local STATE = require("rill.task.slots").STATE

local M = {
  BULK = 1000, -- held back are those of a task that has started more than that without waiting itself
}

local CROWD = 256 -- requests that wait to be sent without a connection on its way: four looks at the network take them
local BEGIN_IN_CROWD = 8 -- tasks that begin all the same, each time the network was looked at
local CROWD_MS = 1 -- how long a look at the network waits for something to happen, where no task is ready
local STILL = 100 -- looks in a row that left the line as it was, and more begin; a few say that the machine is busy

local held, head, tail = {}, 1, 0 -- tasks, in order
local still = 0 -- the last looks at the network that left the line as it was

-- How many requests wait to be sent.
local function in_line()
  return C.rill_loop_in_line(loops.get())
end

--- Whether there is a crowd now.
---@return boolean
function M.is_here()
  return in_line() >= CROWD
end

--- Whether tasks are held back.
---@return boolean
function M.holds()
  return head <= tail
end

--- Holds a new task back.
---@param task rill.Task
function M.hold(task)
  if head > tail then thrift.begin() end
  task[STATE] = "held"
  tail = tail + 1
  held[tail] = task
end

--- Forgets all.
function M.clear()
  held, head, tail, still = {}, 1, 0, 0
  thrift.finish()
end

--- The task that was held back first; nil: none is left.
local function take()
  while head <= tail do
    local task = held[head]
    held[head] = nil
    head = head + 1
    if task[STATE] == "held" then -- else somebody was in a hurry
      task[STATE] = "new"
      return task
    end
  end
end

--- A pass of the loop while tasks are held back: looks at the network, then lets some of them begin.
---@param idle boolean no task is ready
---@param begin fun(task: rill.Task)
---@param most integer tasks that begin where there is no crowd any more
function M.pass(idle, begin, most)
  local before = in_line()
  local waits = idle and before >= CROWD
  loops.poll(waits and CROWD_MS or 0)
  local after = in_line()
  still = waits and after >= before and still + 1 or 0
  if after >= CROWD and still < STILL then most = BEGIN_IN_CROWD end
  for _ = 1, most do
    local task = take()
    if not task then break end
    begin(task)
  end
  if not M.holds() then M.clear() end
end

return M
