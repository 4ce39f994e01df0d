local ffi = require "ffi"
local rill = require "rill"
local support = require "support"

ffi.cdef [[
  int kill(int process, int number);
  int getpid(void);
  void *signal(int number, void *handler);
]]

local INT, TERM, USR1 = 2, 15, 10

local function send(number)
  assert.equal(0, ffi.C.kill(ffi.C.getpid(), number))
end

-- Which signals this process catches and ignores, as the kernel sees it.
local function dispositions()
  local status = assert(io.open "/proc/self/status")
  local text = status:read "*a"
  status:close()
  return text:match "SigIgn:%s*%x+" .. text:match "SigCgt:%s*%x+"
end

describe("rill.signal", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("returns the name of the signal that came", function()
    support.run(function()
      for number, name in pairs { [INT] = "INT", [TERM] = "TERM" } do
        local task = rill.spawn(rill.signal, "INT", "TERM")
        rill.sleep(0)
        send(number)
        assert.equal(name, task:join())
      end
    end)
  end)

  it("tells every task that waits for it", function()
    support.run(function()
      local first, second = rill.spawn(rill.signal, "USR1"), rill.spawn(rill.signal, "INT", "USR1")
      rill.sleep(0)
      send(USR1)
      assert.equal("USR1", first:join())
      assert.equal("USR1", second:join())
    end)
  end)

  it("gives back the former disposition, also when it is cancelled", function()
    local ignored = ffi.C.signal(USR1, ffi.cast("void *", 1)) -- SIG_IGN
    local before = dispositions()
    support.run(function()
      local task = rill.spawn(rill.signal, "USR1", "INT")
      rill.sleep(0)
      assert.not_equal(before, dispositions())
      send(USR1)
      assert.equal("USR1", task:join())
      assert.equal(before, dispositions())

      task = rill.spawn(rill.signal, "USR1", "INT")
      rill.sleep(0)
      task:cancel()
      task:join()
      assert.equal(before, dispositions())
    end)
    send(USR1) -- ignored again: the process lives
    ffi.C.signal(USR1, ignored)
  end)

  it("does not keep run alive alone", function()
    local before = dispositions()
    local ended
    assert.equal("done", rill.run(function()
      rill.spawn(function()
        ended = select(2, pcall(rill.signal, "USR1"))
      end)
      return "done"
    end))
    assert.equal(rill.cancelled, ended)
    assert.equal(before, dispositions())
    local ok, err = rill.run(rill.signal, "USR1")
    assert.is_nil(ok)
    assert.equal("cancelled", err.reason)
  end)

  it("still tells of a signal that came as the last other task ended", function()
    assert.equal("USR1", rill.run(function()
      rill.spawn(send, USR1)
      return rill.signal "USR1"
    end))
  end)

  it("does not hide that the other tasks wait only for each other", function()
    local ok, err = pcall(rill.run, function()
      rill.spawn(rill.signal, "USR1")
      rill.queue():pop()
    end)
    assert.is_false(ok)
    assert.matches("^deadlock: [^\n]*1 in queue:pop", err)
  end)

  it("names a wrong argument and shows its value", function()
    support.run(function()
      for _, case in ipairs {
        { 'unknown signal "NOPE"', "INT", "NOPE" },
        { 'unknown signal "KILL"', "KILL" },
        { "unknown signal 15", 15 },
        { "one or more names of signals, got nil" },
      } do
        local ok, err = pcall(function() rill.signal(unpack(case, 2)) end)
        assert.is_false(ok)
        assert.matches("signal_spec.lua:%d+: rill.signal: ", err)
        assert.is_truthy(err:find(case[1], 1, true), err)
      end
    end)
  end)
end)
