-- Who a worker is: whether the process that a state names still lives.
local owner = require "rill.crawl.frontier.owner"
local process = require "support.process"
local script = require "support.script"
local support = require "support"

describe("the owner of a worker's name", function()
  after_each(support.check_clean)

  -- State and start of a process, as Linux tells them.
  local function stat(pid)
    local fields = {}
    for field in support.read(("/proc/%d/stat"):format(pid)):gsub("^.*%) ", ""):gmatch "%S+" do
      fields[#fields + 1] = field
    end
    return fields[1], fields[20]
  end

  it("is dead when its process has ended, though nobody has asked how", function()
    support.begin()
    local child = process.start({ "sleep", "60" }, support.directory "owner" .. "/output")
    local _, began = stat(child.pid)
    local named = owner.own():gsub("(%d+) %d+ (%d+)$", ("%d %s %%2"):format(child.pid, began))
    assert.is_false(owner.is_dead(named))
    child:signal "KILL"
    repeat
      local state = stat(child.pid)
    until state == "Z"
    assert.is_true(owner.is_dead(named))
    child:wait(10)
    assert.is_true(owner.is_dead(named))
    assert.is_false(owner.is_dead(owner.own()))
  end)

  it("is not taken for dead where /proc is not there, for it or for who asks", function()
    support.begin()
    local unknown = owner.own():gsub("%d+ (%d+)$", "0 %1")
    assert.is_false(owner.is_dead(unknown))
    local lines = script.run([[
      local open = io.open
      function io.open(path, ...)
        if path:find "^/proc/" then return nil, path .. ": No such file or directory", 2 end
        return open(path, ...)
      end
      local owner = require "rill.crawl.frontier.owner"
      tell(owner.host())
      tell(tostring(owner.is_dead(...)), tostring(owner.is_dead(owner.own())))
    ]], { owner.own() })
    assert.same({ owner.host(), "false false" }, lines)
  end)
end)
