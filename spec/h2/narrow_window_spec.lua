-- What the SETTINGS of the first stream with on_headers change does not wait for its ACK: some servers send one for all
-- SETTINGS that came together.
local support = require "support"

local MIB = 2 ^ 20
local FIRST = 64 * 1024

local function stop() return "stop" end
local function go_on() return nil end

describe("the narrow window of streams with on_headers, acknowledged with what came before it, or late:", function()
  local SIZE = 1300000
  local LIMITS = support.here .. "/cases/limits.py"
  local server

  before_each(support.begin)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  local function url(size, more)
    return ("%s?%s&n=%d"):format(server.url, more or "", size)
  end

  for _, case in ipairs { "one-ack", "late-ack" } do
    local function client_of(options)
      server = support.hostile { case = case, extra = LIMITS }
      options = options or {}
      options.tls, options.timeout = { ca_file = server.ca }, 60
      return support.client(options)
    end

    for _, window in ipairs { MIB, 65537, 100000, 2 ^ 31 - 1 } do
      it(("all of a body arrives, %s, window of %d"):format(case, window), function()
        local client = client_of { window = window }
        support.run(function()
          for i = 1, 2 do
            assert.equal(SIZE, #assert(client:get(url(SIZE, i), { on_headers = go_on })).body)
            assert.equal(SIZE, #assert(client:get(url(SIZE, i))).body)
            local size = 0
            for chunk in assert(client:open { url = url(SIZE, i), on_headers = go_on }):chunks() do
              size = size + #chunk
            end
            assert.equal(SIZE, size)
          end
          assert.equal(1, client:stats().connections_opened)
        end)
      end)
    end

    it("no more comes before the hook has answered, " .. case, function()
      local client = client_of()
      support.run(function()
        for _ = 1, 3 do
          local res = assert(client:get(url(SIZE), { on_headers = stop }))
          assert.is_true(res.bytes_received <= FIRST, res.bytes_received)
        end
        local stream = assert(client:open { url = url(SIZE), on_headers = go_on })
        support.wait(function() return stream.bytes_received == FIRST end, 15, "the window to be full")
        assert(client:get(url(1)))
        assert.equal(FIRST, stream.bytes_received)
        assert.equal(SIZE, #assert(stream:body()))
      end)
    end)

    it("a stream from before it keeps its window, " .. case, function()
      local client = client_of()
      support.run(function()
        local before = assert(client:open { url = url(SIZE, "before") })
        support.wait(function() return before.request_sent end, 15, "the request to be sent")
        local hooked = assert(client:open { url = url(SIZE), on_headers = go_on })
        support.wait(function() return before.bytes_received == MIB end, 15, "the window to be full")
        assert.equal(SIZE, #assert(client:get(url(SIZE, "beside"))).body)
        support.wait(function() return hooked.bytes_received == FIRST end, 15, "its window to be full")
        assert.equal(MIB, before.bytes_received)
        assert.equal(SIZE, #assert(before:body()))
        assert.equal(SIZE, #assert(hooked:body()))
        assert.equal(1, client:stats().connections_opened)
      end)
    end)
  end
end)
