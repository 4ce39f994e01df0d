--- What to say when every task waits for another one.
local failure = require("rill.task.failure")

local MAX_SHOWN = 3 -- tasks whose stacks the error shows

--- What the tasks wait for, and where.
---@param live rill.Task[] tasks that have not ended
---@return string
return function(live)
  local count, names, stacks = {}, {}, {}
  for _, task in ipairs(live) do
    local name = task:waits_in() or "?"
    if not count[name] then names[#names + 1] = name end
    count[name] = (count[name] or 0) + 1
    if #stacks < MAX_SHOWN then stacks[#stacks + 1] = name .. ": " .. failure.standing(task) end
  end
  for i, name in ipairs(names) do
    names[i] = ("%d in %s"):format(count[name], name)
  end
  return ("deadlock: every task waits for another one: %s\n%s"):format(
    table.concat(names, ", "), table.concat(stacks, "\n"))
end
