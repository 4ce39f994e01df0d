local dkjson = require "dkjson"
local lfs = require "lfs"
local process = require "support.process"
local rill = require "rill"
local support = require "support"

describe("a body from a file that is not regular", function()
  local server, client

  setup(function() server = support.node() end)
  teardown(function() server:stop() end)
  before_each(function()
    support.begin()
    client = support.client { tls = { ca_file = server.ca } }
  end)
  after_each(function()
    client:close()
    support.check_clean()
  end)

  -- What the server has seen of a POST: its length, sha256, and its fields by name.
  local function seen_of(res)
    local seen = dkjson.decode(res.body)
    for _, field in ipairs(seen.fields) do seen[field[1]] = field[2] end
    return seen
  end

  local function echo(path, options)
    return seen_of(assert(client:post(server.url .. "/echo", { file = path }, options)))
  end

  local function make_pipe()
    local path = support.directory "pipe" .. "/pipe"
    assert(os.execute("mkfifo " .. path) == 0)
    return path
  end

  -- Starts a process that writes `count` bytes to a file: it waits where a pipe has no reader.
  local function write(path, count)
    local log = support.directory "writer" .. "/log"
    return process.start({ "sh", "-c", ("head -c %d /dev/zero > %s"):format(count, path) }, log)
  end

  local function finish(writer)
    assert.equal(0, (writer:wait(5)))
  end

  it("is read to its end where its size says nothing", function()
    support.run(function()
      for _, path in ipairs { "/proc/version", "/proc/cpuinfo", "/sys/kernel/mm/transparent_hugepage/enabled" } do
        if lfs.attributes(path) then
          local text = support.read(path)
          local seen = echo(path)
          assert.equal(#text, seen.length, path)
          assert.is_nil(seen["content-length"])
        end
      end
      local empty = echo "/dev/null"
      assert.equal(0, empty.length)
      assert.is_nil(empty["content-length"])
    end)
  end)

  it("is a pipe, whose writer may be there before or come later", function()
    support.run(function()
      local early = make_pipe()
      local writer = write(early, 3000000)
      local seen = echo(early)
      assert.equal(3000000, seen.length)
      assert.is_nil(seen["content-length"])
      finish(writer)

      local late = make_pipe()
      local stream = assert(client:open { method = "POST", url = server.url .. "/echo", body = { file = late },
        expect_continue = true, trailers = { ["x-end"] = "yes" } })
      assert.equal(200, assert(client:get(server.url .. "/size?n=1")).status) -- the loop is not held up
      assert.is_nil(stream.request_content_length)
      writer = write(late, 100)
      seen = seen_of(assert(stream:response()))
      assert.equal(100, seen.length)
      assert.equal("yes", seen.trailers["x-end"])
      finish(writer)
    end)
  end)

  it("goes on when a writer that paused writes again", function()
    support.run(function()
      local path = make_pipe()
      assert(os.execute("mkfifo " .. path .. ".go") == 0)
      local program = ("exec > %s; echo one; read go < %s.go; echo two"):format(path, path)
      local writer = process.start({ "sh", "-c", program }, path .. ".log")
      local stream = assert(client:open { method = "POST", url = server.url .. "/echo", body = { file = path } })
      while stream.bytes_sent < 4 do rill.sleep(0) end
      assert.is_nil(stream.close_reason)
      support.write(path .. ".go", "go\n")
      assert.equal(8, seen_of(assert(stream:response())).length)
      finish(writer)
    end)
  end)

  it("ends with its stream where nobody ever writes to it", function()
    support.run(function()
      local _, err = client:post(server.url .. "/echo", { file = make_pipe() }, { timeout = 0.1 })
      assert.equal("timeout", err.reason)
      local stream = assert(client:open { method = "POST", url = server.url .. "/echo", body = { file = make_pipe() } })
      assert(client:get(server.url .. "/size?n=1"))
      stream:cancel()
      assert.equal("cancelled", (stream:closed()))
    end)
  end)

  it("is held to a content-length that is given", function()
    support.run(function()
      local path = make_pipe()
      local writer = write(path, 10)
      assert.equal("10", echo(path, { headers = { ["content-length"] = 10 } })["content-length"])
      finish(writer)
      for _, announced in ipairs { 9, 11 } do
        writer = write(path, 10)
        local _, err = client:post(server.url .. "/echo", { file = path },
          { headers = { ["content-length"] = announced } })
        assert.equal("body_error", err.reason)
        assert.truthy(err.message:find(tostring(announced), 1, true), err.message)
        writer:wait(5)
      end
    end)
  end)

  it("is no directory, and no socket", function()
    support.run(function()
      for _, path in ipairs { "/proc/self", "spec", "/nowhere/file" } do
        local res, err = client:post(server.url .. "/echo", { file = path })
        assert.is_nil(res)
        assert.equal("file_error", err.reason)
        assert.equal("no", err.processed)
        assert.truthy(err.message:find(path, 1, true), err.message)
      end
    end)
  end)
end)

describe("a body from a regular file", function()
  local server, client, path

  setup(function() server = support.node() end)
  teardown(function() server:stop() end)
  before_each(function()
    support.begin()
    client = support.client { tls = { ca_file = server.ca } }
    path = support.write(support.directory "upload" .. "/file", ("x"):rep(1000))
  end)
  after_each(function()
    client:close()
    support.check_clean()
  end)

  local function open()
    return assert(client:open { method = "POST", url = server.url .. "/echo", body = { file = path } })
  end

  it("that shrinks on its way is a file_error which names both sizes", function()
    support.run(function()
      local stream = open()
      support.write(path, ("x"):rep(300))
      local res, err = stream:response()
      assert.is_nil(res)
      assert.equal("file_error", err.reason)
      assert.matches("has shrunk: it ends after 300 bytes, content%-length announced 1000", err.message)
      assert(client:get(server.url .. "/size?n=1")) -- the connection goes on
    end)
  end)

  it("that grows on its way is sent as far as was announced", function()
    support.run(function()
      local stream = open()
      support.write(path, ("x"):rep(5000))
      local seen = dkjson.decode(assert(stream:response()).body)
      assert.equal(1000, seen.length)
    end)
  end)
end)
