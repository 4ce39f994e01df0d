-- fork(): a child has the parent's sockets and its epoll set, and must leave both alone.
local lfs = require "lfs"
local script = require "support.script"
local support = require "support"

-- What the scripts share. `child(fn)` runs fn in a child and returns the lines that it told there; a child that does
-- not end by itself ends when fn returns, without closing its Lua state.
local PROLOGUE = [[
local ffi = require("ffi")
local C, runtime = require("rill.clib"), require("rill.runtime")
ffi.cdef("int fork(void); int waitpid(int id, int *status, int options); void _exit(int status);"
  .. "int pipe(int fds[2]); int close(int fd); int dup2(int from, int to);"
  .. "long read(int fd, void *to, unsigned long size);")
local url, ca, place = ...
local say = tell
local function tell(...)
  local words = { ... }
  for i = 1, select("#", ...) do words[i] = tostring(words[i]) end
  say(unpack(words, 1, select("#", ...)))
end
local function client() return rill.client { tls = { ca_file = ca }, timeout = 20 } end
local function child(fn)
  local fds = ffi.new("int[2]")
  assert(ffi.C.pipe(fds) == 0)
  local id = ffi.C.fork()
  if id == 0 then
    ffi.C.dup2(fds[1], 1)
    local ok, err = pcall(fn)
    if not ok then tell("raised", err) end
    ffi.C._exit(0)
  end
  ffi.C.close(fds[1])
  local bytes, text = ffi.new("char[4096]"), {}
  local length
  repeat
    length = ffi.C.read(fds[0], bytes, 4096)
    if length > 0 then text[#text + 1] = ffi.string(bytes, length) end
  until length <= 0
  ffi.C.close(fds[0])
  local status = ffi.new("int[1]")
  ffi.C.waitpid(id, status, 0)
  assert(status[0] == 0, "the child ended with " .. status[0])
  return (table.concat(text):gsub("\n$", ""))
end
local function message(fn, ...)
  local ok, err = pcall(fn, ...)
  return ok and "did not raise" or tostring(err)
end
]]

describe("a process that forks", function()
  local nginx

  setup(function()
    nginx = support.nginx { files = { small = "hello", large = 2 ^ 21 }, config = "location /slow { limit_rate 8k; }" }
    lfs.mkdir(nginx.root .. "/slow")
    local file = assert(io.open(nginx.root .. "/slow/body", "w"))
    file:write(support.content(12000))
    file:close()
  end)
  teardown(function() nginx:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function run(text)
    local place = support.directory "fork"
    return script.run(PROLOGUE .. text, { nginx.url, nginx.ca, place }), place
  end

  it("goes on with its connections when a child closes its Lua state", function()
    local lines = run [[
    local one = client()
    rill.run(function()
      assert(one:get(url .. "/small"))
      local stream = assert(one:open { url = url .. "/large" })
      stream:headers()
      local slow = rill.spawn(function() return #assert(one:get(url .. "/slow/body")).body end)
      rill.sleep(0)
      assert(child(function() os.exit(0, true) end) == "") -- lua_close()
      local length = 0
      for chunk in stream:chunks() do length = length + #chunk end
      tell(stream.close_reason, length)
      tell(select(2, pcall(slow.join, slow)))
      tell(assert(one:get(url .. "/small")).body, one:stats().connections_opened)
    end)
    one:close()
    ]]
    assert.same({ "ended " .. 2 ^ 21, "12000", "hello 1" }, lines)
  end)

  it("goes on when a child collects what it was handed, and its grandchild too", function()
    local lines = run [[
    local one = client()
    rill.run(function()
      assert(one:get(url .. "/small"))
      local stream = assert(one:open { url = url .. "/large" })
      stream:headers()
      assert(child(function()
        stream = nil
        one:close()
        one = nil
        collectgarbage() collectgarbage()
        tell(child(function() os.exit(0, true) end))
        os.exit(0, true)
      end) == "")
      local length = 0
      for chunk in stream:chunks() do length = length + #chunk end
      tell(stream.close_reason, length)
      tell(assert(one:get(url .. "/small")).body, one:stats().connections_opened)
    end)
    one:close()
    ]]
    assert.same({ "ended " .. 2 ^ 21, "hello 1" }, lines)
  end)

  it("has children and grandchildren that make clients of their own", function()
    local lines = run [[
    local one = client()
    local function get()
      local own = client()
      local body
      rill.run(function()
        rill.sleep(0.001)
        body = assert(own:get(url .. "/small")).body
      end)
      own:close()
      return body
    end
    tell(get(), child(function()
      tell(get(), child(function() tell(get()) os.exit(0, true) end))
      os.exit(0, true)
    end), get())
    one:close()
    ]]
    assert.same({ "hello hello hello hello" }, { (table.concat(lines, " ")) })
  end)

  it("raises in a child what is asked of the parent's objects, and no id of theirs names one of the child's", function()
    local lines = run [[
    local one, connection, stream = client(), nil, nil
    rill.run(function()
      connection = assert(rill.connect(url, { tls = { ca_file = ca } }))
      stream = assert(one:open { url = url .. "/large" })
      stream:headers()
      for line in child(function()
        local own = {}
        for i = 1, 20 do own[i] = client() end -- ids of the child's loop begin anew
        tell(message(one.get, one, url .. "/small"))
        tell(message(one.open, one, { url = url .. "/small" }))
        tell(message(one.stats, one))
        tell(message(connection.ping, connection))
        tell(message(connection.request, connection, { url = "/small" }))
        tell(message(stream.read, stream))
        tell(message(stream.closed, stream))
        tell(message(stream.reset, stream))
        stream:cancel()
        connection:close()
        one:close()
        for i = 1, 20 do own[i]:stats() end
        os.exit(0, true)
      end):gmatch("[^\n]+") do
        tell(line)
      end
      tell(connection:ping() ~= nil, stream.close_reason)
      stream:cancel()
    end)
    connection:close()
    one:close()
    ]]
    local last = table.remove(lines)
    assert.equal("true nil", last)
    assert.equal(8, #lines)
    for _, line in ipairs(lines) do
      assert.truthy(line:find("belongs to the process that forked this one", 1, true), line)
    end
  end)

  it("keeps a file that is being written when a child frees its loop", function()
    local lines, place = run [[
    local one = client()
    rill.run(function()
      local function beside()
        for name in require("lfs").dir(place) do
          if name:find("^saved%.") then return name end
        end
      end
      -- Whether it is there behind a child's end. A process that stands still finds all of it saved before.
      local function is_kept()
        local ended = false
        local saving = rill.spawn(function()
          local res, err = one:download(url .. "/slow/body", place .. "/saved")
          ended = true
          return assert(res, tostring(err))
        end)
        while not beside() and not ended do rill.sleep(0.001) end
        child(function() os.exit(0, true) end)
        local kept = beside()
        saving:join()
        return kept
      end
      local kept
      for _ = 1, 5 do kept = kept or is_kept() end
      tell(kept and "there" or "gone")
    end)
    one:close()
    ]]
    assert.same({ "there" }, lines)
    assert.equal(12000, lfs.attributes(place .. "/saved", "size"))
  end)

  it("has a loop that refuses every call in a child, and a timer that no child stops", function()
    local lines = run [[
    local loop, id, err = runtime.loop(), ffi.new("rill_id"), ffi.new("rill_error")
    local events, fd = ffi.new("rill_event[8]"), C.rill_loop_fd(runtime.loop(), ffi.new("rill_error"))
    assert(fd >= 0 and C.rill_timer_start(loop, 0.05, id, err) == 0)
    for line in child(function()
      tell(C.rill_loop_is_own(loop))
      tell(C.rill_poll(loop, events, 8, 0), C.rill_loop_step(loop), C.rill_events(loop, events, 8))
      tell(C.rill_timer_start(loop, 1, id, err), ffi.string(err.message))
      tell(C.rill_loop_fd(loop, err), ffi.string(err.message))
      C.rill_drop(loop, id.slot, id.generation)
      local own = C.rill_loop_renew(loop, err)
      tell(C.rill_timer_start(own, 0, id, err), id.slot >= C.rill_loop_first_slot(own))
      tell(C.rill_poll(own, events, 8, -1))
      C.rill_loop_free(own)
    end):gmatch("[^\n]+") do
      tell(line)
    end
    tell(C.rill_poll(loop, events, 8, -1), events[0].type == C.RILL_EVENT_TIMER)
    ]]
    local wrong = tostring(-require("rill.clib").RILL_ARGUMENT)
    local text = "the loop belongs to another process, which has forked this one: make a loop here"
    assert.same({ "false", ("%s %s %s"):format(wrong, wrong, wrong), wrong .. " " .. text, "-1 " .. text, "0 true", "1",
      "1 true" }, lines)
  end)
end)
