--- Several functions at once, and all of their results.
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local list_of = require("rill.core.list")
local runtime = require("rill.runtime")
local task = require("rill.task")

local KNOWN = { concurrency = true }

-- What a task in rill.all waits for: its children.
local Group = { dormant = "all" }
Group.__index = Group

function Group:child_ended()
  self.running = self.running - 1
  if self.running == 0 or self.next <= self.count then
    runtime.wake(self.task)
  end
end

function Group:abandon()
  for i = 1, self.next - 1 do
    self[i]:cancel()
  end
end
Group.give_back = Group.abandon -- one of them has ended: others go on

local function fill(group, fns, concurrency)
  while group.next <= group.count and group.running < concurrency do
    group[group.next] = task.start(group.task, group, nil, fns[group.next])
    group.next = group.next + 1
    group.running = group.running + 1
  end
end

--- Runs functions as child tasks, at most `concurrency` at once (all of them by default), and waits
--- for all.
---@param fns function[]
---@param options { concurrency: integer? }?
---@return table[] outcomes in the order of `fns`: `{results...}`, or `{nil, err}` of one that raised
return function(fns, options)
  if type(fns) ~= "table" or list_of.is_map(fns) then
    errors.raise("rill.all: fns must be a list of functions, got " .. list_of.shown(fns))
  end
  local count = #fns
  for i = 1, count do
    arguments.callable(("rill.all: fns[%d]"):format(i), fns[i])
  end
  arguments.options("rill.all: options", options, KNOWN)
  local concurrency = options and options.concurrency or math.max(count, 1)
  arguments.count("rill.all: concurrency", concurrency)
  if count == 0 then return {} end
  local group = setmetatable({ next = 1, count = count, running = 0, task = runtime.waiter("rill.all") }, Group)
  fill(group, fns, concurrency)
  while group.running > 0 do
    runtime.park(group)
    fill(group, fns, concurrency)
  end
  local outcomes = {}
  for i = 1, count do
    outcomes[i] = { group[i]:_outcome() }
  end
  return outcomes
end
