local ffi = require "ffi"
local rill = require "rill"
local support = require "support"

pcall(ffi.cdef, [[
int pipe2(int *fds, int flags);
int close(int fd);
ssize_t read(int fd, void *data, size_t length);
ssize_t write(int fd, const void *data, size_t length);
int open(const char *path, int flags, ...);
]])

local NONBLOCK = 2048
local run = support.run

describe("rill.wait", function()
  local reading, writing

  before_each(function()
    support.begin()
    local fds = ffi.new "int[2]"
    assert.equal(0, ffi.C.pipe2(fds, NONBLOCK))
    reading, writing = fds[0], fds[1]
  end)

  after_each(function()
    ffi.C.close(reading)
    ffi.C.close(writing)
    support.check_clean()
  end)

  it("waits until there is something to read, and leaves it there", function()
    local order = {}
    run(function()
      local reader = rill.spawn(function()
        local ready = rill.wait(reading, "r")
        order[#order + 1] = tostring(ready)
        local data = ffi.new "char[8]"
        return ffi.string(data, ffi.C.read(reading, data, 8))
      end)
      rill.sleep(0)
      order[#order + 1] = "written"
      ffi.C.write(writing, "hello", 5)
      assert.equal("hello", reader:join())
    end)
    assert.same({ "written", "true" }, order)
  end)

  it("waits for room to write", function()
    run(function()
      assert.is_true(rill.wait(writing, "w"))
      local block = ("x"):rep(65536)
      while ffi.C.write(writing, block, #block) > 0 do end
      local full = rill.spawn(rill.wait, writing, "w")
      rill.sleep(0)
      local sink = ffi.new "char[65536]"
      while ffi.C.read(reading, sink, 65536) > 0 do end
      assert.is_true(full:join())
    end)
  end)

  it("ends with timeout", function()
    run(function()
      local ready, err = rill.wait(reading, "r", 0.01)
      assert.is_nil(ready)
      assert.equal("timeout", err.reason)
      assert.is_nil((rill.wait(reading, "r", 0)))
      ffi.C.write(writing, "x", 1)
      assert.is_true(rill.wait(reading, "r", math.huge))
    end)
  end)

  it("is ready at the end of a stream, and at once for a file", function()
    run(function()
      ffi.C.close(writing)
      assert.is_true(rill.wait(reading, "r"))
      local file = ffi.C.open("README.md", 0)
      assert.is_true(rill.wait(file, "r"))
      assert.is_true(rill.wait(file, "w"))
      ffi.C.close(file)
      local device = ffi.C.open("/dev/zero", 0) -- epoll takes none of these
      assert.is_true(rill.wait(device, "r"))
      ffi.C.close(device)
    end)
  end)

  it("may be done by several tasks at once, and ends with them", function()
    run(function()
      local both = { rill.spawn(rill.wait, reading, "r"), rill.spawn(rill.wait, reading, "r") }
      local given_up = rill.spawn(rill.wait, reading, "r")
      rill.sleep(0)
      given_up:cancel()
      assert.equal("cancelled", select(2, given_up:join()).reason)
      ffi.C.write(writing, "x", 1)
      for _, task in ipairs(both) do assert.is_true(task:join()) end
    end)
  end)

  it("raises for what is no descriptor, and waits for nothing then", function()
    run(function()
      local closed = ffi.C.open("README.md", 0)
      ffi.C.close(closed)
      for _, case in ipairs { { closed, "r", nil, "is not open" }, { -1, "r", nil, "is not open" },
        { "1", "r", nil, "descriptor's number" }, { 1.5, "r", nil, "descriptor's number" },
        { reading, "x", nil, '"r" or "w"' }, { reading, "r", "soon", "timeout" } } do
        local ok, message = pcall(rill.wait, case[1], case[2], case[3])
        assert.is_false(ok)
        assert.truthy(message:find(case[4], 1, true), message)
      end
    end)
    assert.is_false((pcall(rill.wait, reading, "r")))
  end)
end)
