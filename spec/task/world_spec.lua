-- What a runtime gives, and that no more is needed: a small one made here runs tasks and requests.
local script = require "support.script"
local support = require "support"

local FUNCTIONS = {
  "can_wait", "current", "drop", "hurry", "is_driven", "make_ready", "name", "rest", "run", "start",
  "start_again", "suspend",
}

-- A world of its own: who drives the loop is a plain loop over rill_poll, and tasks go on the newest first.
local WORLD = [[
local world, ready, current, alive = { name = "small" }, {}, nil, 0
package.loaded["rill"], package.loaded["rill.runtime"] = nil, nil
for name in pairs(package.loaded) do
  if name:find "^rill%." then package.loaded[name] = nil end
end
package.loaded["rill.runtime.standalone"] = world
local STATE, WORK = require "rill.task.slots".STATE, require "rill.task.slots".WORK

function world.current() return current end
function world.can_wait(task) return coroutine.running() == task[WORK] and coroutine.isyieldable() end
function world.suspend() coroutine.yield() end
function world.drop() coroutine.yield "dropped" end
function world.make_ready(task) ready[#ready + 1] = task end
function world.hurry() end
function world.is_driven() return false end
function world.start(task, fn, ...)
  local given = require "rill.task.values".pack(...)
  task[STATE], alive = "begun", alive + 1
  task[WORK] = coroutine.create(function()
    require "rill.runtime.core".root(function()
      if task[STATE] == "begun" then return task, fn, given end
    end)
    alive = alive - 1
  end)
  world.make_ready(task)
end
function world.run(stuck, task, fn, ...)
  world.start(task, fn, ...)
  local poll = require "rill.runtime.loop".poll
  while alive > 0 do
    local next_one = table.remove(ready)
    while next_one do
      current = next_one
      if next_one[STATE] ~= "ended" then assert(coroutine.resume(next_one[WORK])) end
      current, next_one = nil, table.remove(ready)
    end
    if alive > 0 and poll(require "rill.runtime.core".is_awaited() and -1 or 0) == 0
      and not require "rill.runtime.core".is_awaited() then stuck() end
  end
  return true
end
rill = require "rill"
]]

describe("a world", function()
  it("that stands alone gives these, and nothing else", function()
    local names = {}
    for name in pairs(require "rill.runtime.standalone") do names[#names + 1] = name end
    table.sort(names)
    assert.same(FUNCTIONS, names)
  end)

  it("of another kind needs no more: tasks, waits, cancelling, requests", function()
    local server = support.node { source = [[
      server.on('stream', (stream, headers) => {
        stream.on('error', () => {});
        stream.respond({ ':status': 200 });
        stream.end(headers[':path']);
      });]] }
    local lines = script.run(WORLD .. [[
      local url, ca = ...
      tell(rill.runtime)
      rill.run(function()
        local client = rill.client { tls = { ca_file = ca } }
        tell(assert(client:get(url .. "/one")).body)
        local seen = 0
        for _, res in rill.map({ "/a", "/b", "/c" }, function(path) return client:get(url .. path) end,
          { concurrency = 2 }) do
          seen = seen + #assert(res).body
        end
        tell(seen)
        local task = rill.spawn(rill.sleep, 60)
        rill.sleep(0)
        task:cancel()
        tell(select(2, task:join()).reason)
        tell(select(2, rill.timeout(0.01, rill.sleep, 60)).reason)
        local queue = rill.queue(1)
        rill.spawn(function() for i = 1, 3 do queue:push(i) end queue:close() end)
        local sum = 0
        for item in queue.pop, queue do sum = sum + item end
        tell(sum)
      end)
      tell(select(2, pcall(rill.run, function() rill.queue():pop() end)):match "^deadlock")]],
      { server.url, server.ca })
    server:stop()
    assert.same({ "small", "/one", "6", "cancelled", "timeout", "6", "deadlock" }, lines)
  end)
end)
