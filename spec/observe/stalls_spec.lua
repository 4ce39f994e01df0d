-- How long a window held a request back, ours and the peer's, by a peer that lets go when it is told to.
local rill = require "rill"
local support = require "support"

local LONG = 0.2 -- seconds that each of them lasts at least
local MIB = 2 ^ 20

-- Bodies are not read before /go is asked for; /size is one to be read.
local SOURCE = [[
let held;
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  stream.respond({ ':status': 200 });
  if (path === '/go') {
    if (options.settings) held.session.settings({ initialWindowSize: 1 << 20 });
    held.on('end', () => held.end('read'));
    held.resume();
    stream.end('on');
  } else if (path === '/size') {
    stream.end(Buffer.alloc(32 << 20));
  } else if (path === '/first') {
    stream.end('hello');
  } else {
    held = stream;
  }
});
]]

local PROTOCOLS = {
  { name = "HTTP/2", server = {}, bytes = MIB },
  { name = "HTTP/1.1", server = { http1 = true }, bytes = 32 * MIB }, -- more than sockets hold
}

local function long(stream, column)
  support.wait(function() return stream.timings[column] > LONG end, 20, column .. " to grow")
end

local function start(options)
  options.source = SOURCE
  return support.node(options)
end

for _, protocol in ipairs(PROTOCOLS) do
  describe("a request over " .. protocol.name, function()
    local server, client

    setup(function() server = start(protocol.server) end)
    teardown(function() server:stop() end)
    before_each(function()
      support.begin()
      client = support.client { window = 65535, max_window = 65535 }
    end)
    after_each(support.check_clean)

    it("is stalled by the peer for as long as it takes no more of the body", function()
      support.run(function()
        local body = ("x"):rep(protocol.bytes)
        local stream = assert(client:open { url = server.url .. "/", method = "POST", body = body })
        long(stream, "stalled_remote")
        local before = stream.timings.stalled_remote
        assert(client:get(server.url .. "/go"))
        assert.equal("ended", (stream:closed()))
        local timings = stream.timings
        assert.is_true(timings.stalled_remote >= before, timings.stalled_remote)
        assert.is_true(timings.stalled_remote <= timings.total + 0.002)
        assert.equal(0, timings.stalled_local)
      end, 60)
    end)

    it("has what it was stalled by the peer also when it is cancelled meanwhile", function()
      support.run(function()
        local body = ("x"):rep(protocol.bytes)
        local stream = assert(client:open { url = server.url .. "/", method = "POST", body = body })
        long(stream, "stalled_remote")
        stream:cancel()
        stream:closed()
        assert.is_true(stream.timings.stalled_remote > LONG)
        assert.equal(0, stream.timings.stalled_local)
      end, 60)
    end)

    it("is stalled by us for as long as its reader takes nothing", function()
      support.run(function()
        local stream = assert(client:open { url = server.url .. "/size" })
        assert(stream:headers())
        long(stream, "stalled_local")
        local before = stream.timings.stalled_local
        for _ in stream:chunks() do end
        assert.equal("ended", (stream:closed()))
        local timings = stream.timings
        assert.is_true(timings.stalled_local >= before, timings.stalled_local)
        assert.is_true(timings.stalled_local <= timings.total + 0.002)
        assert.equal(0, timings.stalled_remote)
      end, 60)
    end)

    it("is stalled by nobody where its own script has nothing to send", function()
      support.run(function()
        local stream = assert(client:open { url = server.url .. "/", method = "POST", body = rill.streaming })
        support.wait(function() return stream.request_sent end, 10, "the head to be sent")
        assert(client:get(server.url .. "/first"))
        assert.equal(0, stream.timings.stalled_remote)
        stream:cancel()
        stream:closed()
        assert.equal(0, stream.timings.stalled_remote)
      end)
    end)
  end)
end

describe("a peer whose window is 0 from the beginning", function()
  local server, client

  setup(function() server = start { settings = { initialWindowSize = 0 } } end)
  teardown(function() server:stop() end)
  before_each(function()
    support.begin()
    client = support.client()
    support.run(function() assert(client:get(server.url .. "/first")) end) -- its settings have come
  end)
  after_each(support.check_clean)

  it("stalls a body before its first byte", function()
    support.run(function()
      local stream = assert(client:open { url = server.url .. "/", method = "POST", body = "few" })
      long(stream, "stalled_remote")
      assert(client:get(server.url .. "/go"))
      assert.equal("ended", (stream:closed()))
      assert.is_true(stream.timings.stalled_remote > LONG)
    end, 60)
  end)

  it("stalls what a script feeds it from when there is something", function()
    support.run(function()
      local stream = assert(client:open { url = server.url .. "/", method = "POST", body = rill.streaming })
      support.wait(function() return stream.request_sent end, 10, "the head to be sent")
      assert(client:get(server.url .. "/first"))
      assert.equal(0, stream.timings.stalled_remote)
      assert(stream:write "few")
      long(stream, "stalled_remote")
      assert(stream:finish())
      assert(client:get(server.url .. "/go"))
      assert.equal("ended", (stream:closed()))
    end, 60)
  end)
end)
