local rill = require "rill"
local support = require "support"

local SMALL = 65535 -- bytes: the smallest window there is
local MIB = 2 ^ 20

local node

local function with_node()
  before_each(function()
    support.begin()
    node = support.node()
  end)
  after_each(support.check_clean)
end

describe("a stream's window", function()
  with_node()

  it("is all that a stream holds which nobody reads, and it delays no other", function()
    local client = support.client { window = SMALL }
    support.run(function()
      local unread = {}
      for i = 1, 20 do
        unread[i] = assert(client:open { url = node.url .. "/size?n=500000&i=" .. i })
      end
      for i = 1, 20 do
        support.wait(function() return unread[i].bytes_received == SMALL end, 3, "the windows to be full")
      end
      assert.equal(20 * SMALL, client:stats().buffered)
      assert.equal(5 * MIB, #assert(client:get(node.url .. "/size?n=" .. 5 * MIB)).body)
      for i = 1, 20 do assert.equal(SMALL, unread[i].bytes_received) end
      for i = 1, 20 do
        assert.equal(500000, #assert(unread[i]:body()))
        assert.is_true(unread[i].timings.stalled_local > 0)
      end
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("grows while the reader keeps up and it is what holds the peer back", function()
    local far = support.delay(node, 0.02)
    local SIZE = 3 * MIB -- 48 round trips with the smallest window
    local order = {}
    local function fetch(name, max_window)
      local client = support.client { window = SMALL, max_window = max_window }
      assert(client:get(far.url .. "/size?n=1"))
      local res = assert(client:get(far.url .. "/size?n=" .. SIZE))
      assert.equal(SIZE, #res.body)
      order[#order + 1] = name
      return res.timings.body
    end
    support.run(function()
      local fixed = rill.spawn(fetch, "fixed", SMALL)
      rill.sleep(0)
      rill.spawn(fetch, "growing", 4 * MIB):join()
      local seconds = fixed:join()
      assert.is_true(seconds > 40 * 0.04, seconds .. " s")
    end, 60)
    assert.same({ "growing", "fixed" }, order)
  end)

  it("grows for those who read in pieces, too", function()
    local far = support.delay(node, 0.02)
    local order = {}
    local function read(name, max_window)
      local client = support.client { window = SMALL, max_window = max_window }
      local stream, total = assert(client:open { url = far.url .. "/size?n=" .. 3 * MIB }), 0
      for chunk in stream:chunks() do total = total + #chunk end
      assert.equal(3 * MIB, total)
      order[#order + 1] = name
    end
    support.run(function()
      local fixed = rill.spawn(read, "fixed", SMALL)
      rill.sleep(0)
      rill.spawn(read, "growing", 4 * MIB):join()
      fixed:join()
    end, 60)
    assert.same({ "growing", "fixed" }, order)
  end)

  it("stays as it is where the reader does not keep up", function()
    support.run(function()
      local connection = assert(support.connect(node.url, { window = SMALL, max_window = 16 * MIB }))
      local round_trip = assert(connection:ping())
      local pause = math.max(0.02, round_trip) -- what makes it slow: half a window takes four of them
      local stream = assert(connection:open { url = "/size?n=" .. 2 * MIB })
      local read = 0
      for _ = 1, 24 do
        rill.sleep(pause)
        assert.is_true(stream.bytes_received - read <= SMALL)
        read = read + #assert(stream:read(8192))
      end
      stream:cancel()
    end)
  end)
end)

describe("the window of a connection", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is given back on receipt: more streams than fill it may lie unread", function()
    local server = support.nghttpd { files = { large = ("x"):rep(2000000), small = "x" } }
    local client = support.client() -- 1 MiB a stream, 16 MiB the connection
    support.run(function()
      local unread = {}
      for i = 1, 20 do unread[i] = assert(client:open { url = server.url .. "/large?" .. i }) end
      for i = 1, 20 do
        support.wait(function() return unread[i].bytes_received == MIB end, 5, "the windows to be full")
      end
      assert.equal("x", assert(client:get(server.url .. "/small")).body)
    end, 10)
  end)
end)

describe("max_buffered", function()
  with_node()

  it("bounds what lies unread, but for the windows that were granted; nothing deadlocks there", function()
    local client = support.client { window = SMALL, max_buffered = 100000 }
    support.run(function()
      local streams, tasks = {}, {}
      for i = 1, 10 do streams[i] = assert(client:open { url = node.url .. "/size?n=500000&i=" .. i }) end
      for i = 1, 10 do
        support.wait(function() return streams[i].bytes_received == SMALL end, 3, "the windows to be full")
      end
      local first = #assert(streams[1]:read(30000))
      assert(client:get(node.url .. "/size?n=1")) -- a round trip
      assert.equal(SMALL, streams[1].bytes_received, "nothing is given back beyond the bound")
      for i = 1, 10 do
        tasks[i] = rill.spawn(function()
          local size = i == 1 and first or 0
          for chunk in streams[i]:chunks() do
            size = size + #chunk
            assert.is_true(client:stats().buffered <= 100000 + 10 * SMALL)
          end
          return size
        end)
      end
      for i = 1, 10 do assert.equal(500000, (assert(tasks[i]:join()))) end
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("does not hold up a body that is collected whole", function()
    local client = support.client { window = SMALL, max_buffered = 1 }
    support.run(function()
      assert.equal(MIB, #assert(client:get(node.url .. "/size?n=" .. MIB)).body)
      local stream = assert(client:open { url = node.url .. "/size?n=" .. MIB })
      assert.equal(MIB, #assert(stream:body()))
    end)
  end)
end)

describe("stats().buffered", function()
  with_node()

  local SIZE = 500000

  -- A stream that has ended and that nobody has read.
  local function unread(client, size)
    local stream = assert(client:open { url = ("%s/size?n=%d"):format(node.url, size or SIZE) })
    support.wait(function() return stream.closed_remote end, 3, "the end")
    return stream
  end

  it("counts a stream that has ended until it is read, piece by piece", function()
    local client = support.client()
    support.run(function()
      local stream = unread(client)
      assert.equal("ended", stream.close_reason)
      assert.equal(SIZE, client:stats().buffered)
      local left = SIZE
      for chunk in stream:chunks() do
        left = left - #chunk
        assert.equal(left, client:stats().buffered)
      end
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("counts it until it is collected, stopped or not", function()
    local client = support.client()
    support.run(function()
      local stream = unread(client)
      assert.equal(SIZE - 1000, #stream:read(1000) and client:stats().buffered)
      assert.equal(SIZE - 1000, #assert(stream:response()).body)
      assert.equal(0, client:stats().buffered)
      stream = assert(client:open { url = node.url .. "/size?n=" .. 5 * MIB })
      support.wait(function() return stream.bytes_received == MIB end, 3, "the window to be full")
      stream:stop()
      stream:closed()
      assert.equal(MIB, client:stats().buffered)
      assert.equal(MIB, #assert(stream:body()))
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("counts it until it is dropped", function()
    local client = support.client()
    support.run(function()
      unread(client)
      assert.equal(SIZE, client:stats().buffered)
      support.wait(function()
        collectgarbage()
        return client:stats().buffered == 0
      end, 3, "the collector")
    end)
  end)

  it("counts one that failed until it is read", function()
    local client = support.client()
    support.run(function()
      local stream = assert(client:open { url = node.url .. "/size?n=" .. 5 * MIB })
      support.wait(function() return stream.bytes_received == MIB end, 3, "the window to be full")
      stream:cancel()
      stream:closed()
      assert.equal(MIB, client:stats().buffered)
      for _ in stream:chunks() do end
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("counts a body that is collected, until the response is handed over", function()
    local client = support.client()
    local seen = 0
    support.run(function()
      local task = rill.spawn(client.get, client, node.url .. "/size?n=" .. 20 * MIB)
      while client:stats().responses == 0 do
        seen = math.max(seen, client:stats().buffered)
        rill.sleep(0)
      end
      assert.equal(20 * MIB, #assert(task:join()).body)
      assert.equal(0, client:stats().buffered)
      for _ = 1, 3 do
        assert(client:get(node.url .. "/size?n=1000"))
        assert.equal(0, client:stats().buffered)
      end
    end)
    assert.is_true(seen > 0)
  end)

  it("is what max_buffered is compared with: streams that have ended hold back those that go on", function()
    local client = support.client { window = SMALL, max_buffered = 100000 }
    support.run(function()
      local streams = {}
      for i = 1, 2 do streams[i] = unread(client, 60000) end
      local stream = assert(client:open { url = node.url .. "/size?n=500000" })
      support.wait(function() return stream.bytes_received == SMALL end, 3, "the window to be full")
      local first = #assert(stream:read(30000))
      assert(client:get(node.url .. "/size?n=1")) -- a round trip
      assert.equal(SMALL, stream.bytes_received)
      for i = 1, 2 do assert.equal(60000, #assert(streams[i]:body())) end
      assert.equal(500000 - first, #assert(stream:body()))
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("does not keep a stream from being read when its client has closed", function()
    local client = support.client()
    support.run(function()
      local stream = unread(client)
      client:close()
      client = nil
      collectgarbage()
      rill.sleep(0.01)
      assert.equal(SIZE, #assert(stream:body()))
    end)
  end)
end)

describe("our SETTINGS", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("announce window, frame size, header list and that nothing may be pushed", function()
    local server = support.hostile { case = "baseline-small" }
    local client = support.client { tls = { ca_file = server.ca }, window = 100000, max_frame_size = 20000,
      max_header_list = 5000 }
    support.run(function()
      assert(client:get(server.url))
      client:close()
      local settings = server:ends(1)[1].client_settings
      assert.equal(100000, settings.INITIAL_WINDOW_SIZE)
      assert.equal(20000, settings.MAX_FRAME_SIZE)
      assert.equal(5000, settings.MAX_HEADER_LIST_SIZE)
      assert.equal(0, settings.ENABLE_PUSH)
    end)
  end)

  it("are kept: a frame larger than allowed is the peer's fault", function()
    local server = support.hostile { case = "frame-too-large" }
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      assert.equal("protocol_error", select(2, client:get(server.url)).reason)
      client:close()
      assert.equal("FRAME_SIZE_ERROR", server:ends(1)[1].client_goaway)
    end)
  end)
end)

describe("padding", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("counts for flow control, and not for maxsize", function()
    local server = support.hostile { case = "body-mostly-padding" }
    local client = support.client { tls = { ca_file = server.ca }, window = SMALL, maxsize = 65536 }
    support.run(function()
      local res = assert(client:get(server.url))
      assert.equal(65536, #res.body)
      assert.equal(65536, res.bytes_received)
      client:close()
      assert.same({}, server:ends(1)[1].violations)
    end)
  end)
end)
