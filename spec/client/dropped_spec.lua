local ffi = require "ffi"
local rill = require "rill"
local support = require "support"

-- What the loop holds, in bytes.
local function bytes()
  local counters = ffi.new "rill_counters"
  require("rill.clib").rill_loop_counters(require("rill.runtime").loop(), counters)
  return counters.bytes
end

-- Collects what nobody holds any more; compiled code may hold on to what it was made from.
local function collect()
  jit.flush()
  collectgarbage()
  collectgarbage()
end

-- Runs `fn` twice, and checks that the second time leaves no byte behind: the first one may fill caches.
local function assert_leaves_nothing(fn)
  local before
  for _ = 1, 2 do
    before = bytes()
    fn()
    collect()
    support.run(function()
      support.wait(function() return support.counters().connections == 0 and support.counters().clients == 0 end, 20)
    end)
  end
  assert.equal(before, bytes())
end

describe("streams that a script drops", function()
  local node

  before_each(function()
    support.begin()
    node = support.node { settings = { maxConcurrentStreams = 100 } }
  end)
  after_each(support.check_clean)

  it("1,000 of them half read, leave the connection with all its slots", function()
    support.run(function()
      local conn = assert(support.connect(node.url))
      for i = 1, 1000 do
        local stream = assert(conn:open { url = "/size?n=30000&i=" .. i })
        assert.equal(1000, #assert(stream:read(1000)))
        stream = nil -- luacheck: ignore
        if i % 50 == 0 then collect() end
      end
      collect()
      support.wait(function() return conn.streams == 0 and conn.pending == 0 end, 3, "the slots")
      local tasks = {}
      for i = 1, 100 do
        tasks[i] = rill.spawn(function() return conn:request { url = "/hold?" .. i } end)
      end
      node:wait_events(function(event) return event.event == "request" and event.open == 100 end)
      for i = 1, 100 do
        tasks[i]:cancel()
        tasks[i]:join()
      end
      assert.equal(200, assert(conn:request { url = "/size?n=1" }).status)
      assert.is_nil(conn.closed)
    end, 20)
  end)

  it("before they are sent, are never sent", function()
    support.run(function()
      local conn = assert(support.connect(node.url, { max_streams = 1 }))
      local first = assert(conn:open { url = "/hold" })
      node:wait_events(function(event) return event.path == "/hold" end)
      for i = 1, 10 do assert(conn:open { url = "/dropped?" .. i }) end
      assert.equal(10, conn.pending)
      collect()
      assert.equal(0, conn.pending)
      first:cancel()
      assert(conn:request { url = "/size?n=1" })
    end)
    for _, event in ipairs(node:events()) do assert.is_nil((event.path or ""):find "dropped") end
  end)

  it("with a body function go on while that is asked", function()
    support.run(function()
      local conn = assert(support.connect(node.url))
      local count = 0
      assert(conn:open { url = "/echo?fed", method = "POST", body = function()
        collect()
        count = count + 1
        return count <= 3 and "x" or nil
      end })
      support.wait(function() return count == 4 end, 2, "the body to be asked for")
      node:wait_events(function(event) return event.path == "/echo?fed" end)
      collect()
      support.wait(function() return conn.streams == 0 end, 2, "the stream to end")
    end)
  end)
end)

describe("what a client leaves", function()
  local server

  before_each(function()
    support.begin()
    server = support.nghttpd { files = { page = "x", large = ("x"):rep(200000) }, max_concurrent_streams = 100 }
  end)
  after_each(support.check_clean)

  local function at_once(client, count)
    local calls = {}
    for i = 1, count do
      calls[i] = function() return client:get(server.url .. (i % 10 == 0 and "/large?" or "/page?") .. i) end
    end
    return rill.all(calls)
  end

  it("is nothing, after 500 requests at once over a server of 100 streams", function()
    assert_leaves_nothing(function()
      support.run(function()
        local client = rill.client { tls = { ca_file = server.ca } }
        for _, result in ipairs(at_once(client, 500)) do assert.equal(200, assert(result[1]).status) end
        assert.equal(1, client:stats().connections_opened)
        assert.equal(500, client:stats().attempts)
        assert.equal(0, client:stats().pending)
        client:close()
      end)
    end)
  end)

  it("is nothing, after 110 requests that its close ends", function()
    assert_leaves_nothing(function()
      support.run(function()
        local client = rill.client { tls = { ca_file = server.ca } }
        assert(client:get(server.url .. "/page"))
        local tasks = {}
        for i = 1, 110 do
          tasks[i] = rill.spawn(client.get, client, server.url .. "/large?" .. i)
        end
        rill.sleep(0)
        client:close()
        local reasons = {}
        for i = 1, 110 do
          local _, err = tasks[i]:join()
          local reason = err and err.reason or "ended"
          reasons[reason] = (reasons[reason] or 0) + 1
        end
        local inactive, ended = reasons.inactive or 0, reasons.ended or 0
        assert.equal(110, inactive + ended + (reasons.cancelled or 0))
        assert.is_true(inactive <= 10 and inactive + ended >= 10, inactive .. " unsent, " .. ended .. " ended")
      end)
    end)
  end)
end)
