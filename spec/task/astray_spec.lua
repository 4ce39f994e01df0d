-- Scripts that reach into what runs their tasks: they resume coroutines of tasks, or change globals of others.
local script = require "support.script"
local support = require "support"

-- A victim that is woken, and resumed by another task or, on luv, by a callback, before rill does so.
local VICTIM = [[
local queue, co = rill.queue(), nil
local function start(fn)
  local task = rill.spawn(function()
    co = coroutine.running()
    queue:pop()
    return fn()
  end)
  rill.sleep(0)
  return task
end
local function fails() error("mine", 0) end
local function returns() return "result" end
local function tell_end(task)
  local result, err = task:join()
  tell(result or err.message, coroutine.status(co))
end
]]

describe("a task whose coroutine a script resumes", function()
  it("ends itself, and not the task that did so", function()
    assert.same({ "mine dead", "other", "result dead", "other", "over" }, script.run(VICTIM .. [[
      for _, fn in ipairs { fails, returns } do
        rill.run(function()
          local victim = start(fn)
          local other = rill.spawn(function()
            queue:push(1)
            coroutine.resume(co)
            rill.sleep(0)
            tell_end(victim)
            return "other"
          end)
          tell(other:join())
        end)
      end
      tell "over"]]))
  end)

  it("ends as well where it is a map's worker", function()
    for _, world in ipairs { "", 'rill.use "luv"' } do
      assert.same({ "1 popped", "over" }, script.run(world .. [[
        local queue, co = rill.queue(), nil
        rill.run(function()
          local other = rill.spawn(function()
            rill.sleep(0)
            queue:push "popped"
            coroutine.resume(co)
            coroutine.resume(co) -- it rests
          end)
          for item, result, err in rill.map({ 1 }, function()
            co = coroutine.running()
            return queue:pop()
          end) do tell(item, result or err) end
          other:join()
        end)
        tell "over"]]))
    end
  end)

  it("is left to the collector where it was one of a bulk", function()
    assert.same({ "mine dead", "result suspended", "over" }, script.run(VICTIM .. [[
      for _, fn in ipairs { fails, returns } do
        rill.run(function()
          for i = 1, 1000 do rill.spawn(tostring, i) end
          local victim = start(fn)
          queue:push(1)
          coroutine.resume(co)
          tell_end(victim)
        end)
      end
      tell "over"]]))
  end)

  it("ends itself where a callback of luv did so", function()
    assert.same({ "mine dead", "result dead", "over" }, script.run([[
      local uv = require "luv"
      rill.use "luv"
      ]] .. VICTIM .. [[
      for _, fn in ipairs { fails, returns } do
        rill.run(function()
          local victim = start(fn)
          local timer = uv.new_timer()
          timer:start(0, 0, function()
            timer:close()
            queue:push(1)
            coroutine.resume(co)
          end)
          tell_end(victim)
        end)
      end
      tell "over"]]))
  end)
end)

describe("a task that changes globals", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("changes none that other tasks are run with", function()
    assert.same({ "the task was cancelled", "boom", "over" }, script.run [[
      rill.run(function()
        for level = 2, 8 do
          rill.spawn(function() pcall(setfenv, level, {}) end):join()
        end
        local task = rill.spawn(function() end)
        task:cancel()
        tell(select(2, task:join()).message)
        tell(select(2, rill.spawn(error, "boom"):join()).message)
      end)
      tell "over"]])
  end)

  it("changes none of a module that it is the first to ask for", function()
    assert.same({ "true true", "true", "true" }, script.run [[
      rill.run(function()
        local globals = setmetatable({}, { __index = _G })
        rill.spawn(function()
          setfenv(0, globals)
          local parse = rill.url.parse
          tell(tostring(getfenv(parse) == _G), tostring(getfenv(0) == globals))
          package.preload["rill.form"] = function() error("no such thing", 0) end
          tell(tostring(not pcall(function() return rill.form end)))
          tell(tostring(getfenv(0) == globals))
        end):join()
      end)]])
  end)
end)
