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
    local function seconds(max_window)
      local client = support.client { window = SMALL, max_window = max_window }
      return support.run(function()
        assert(client:get(far.url .. "/size?n=1"))
        local started = rill.now()
        local res = assert(client:get(far.url .. "/size?n=" .. SIZE))
        assert.equal(SIZE, #res.body)
        return rill.now() - started
      end, 20)
    end
    local fixed, growing = seconds(SMALL), seconds(4 * MIB)
    assert.is_true(fixed > 47 * 0.04, fixed .. " s")
    assert.is_true(growing < fixed / 2, ("%g s, and %g s where it may grow"):format(fixed, growing))
  end)

  it("grows for those who read in pieces, too", function()
    local far = support.delay(node, 0.02)
    local client = support.client { window = SMALL, max_window = 4 * MIB }
    support.run(function()
      local stream = assert(client:open { url = far.url .. "/size?n=" .. 3 * MIB })
      local read = 0
      for chunk in stream:chunks() do read = read + #chunk end
      assert.equal(3 * MIB, read)
      assert.is_true(stream.timings.body < 47 * 0.04 / 2, stream.timings.body .. " s")
    end, 10)
  end)

  it("stays as it is where the reader does not keep up", function()
    local client = support.client { window = SMALL, max_window = 16 * MIB }
    support.run(function()
      local stream = assert(client:open { url = node.url .. "/size?n=" .. 2 * MIB })
      local read = 0
      for _ = 1, 24 do
        rill.sleep(0.02) -- what makes it slow
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
