-- What a HAR entry has as `send`: from the request's head to the last byte of its body on their way out.
local rill = require "rill"
local support = require "support"

local LONG = 0.2 -- seconds that the peer takes nothing, at least
local PARTS = { "blocked", "dns", "connect", "send", "wait", "receive" }

-- Bodies are not read before /go is asked for.
local SOURCE = [[
let held;
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  if (headers[':path'] === '/go') {
    held.on('end', () => { held.respond({ ':status': 200 }); held.end('read'); });
    held.resume();
  } else if (headers[':path'] === '/held') {
    held = stream;
    return;
  }
  stream.respond({ ':status': 200 });
  stream.end('hello');
});
]]

local function check_sum(entry)
  local sum = 0
  for _, phase in ipairs(PARTS) do sum = sum + math.max(entry.timings[phase], 0) end
  assert.is_true(math.abs(sum - entry.time) < 0.01, ("%f of %f ms"):format(sum, entry.time))
end

for _, protocol in ipairs { { "HTTP/2", {}, 2 ^ 20 }, { "HTTP/1.1", { http1 = true }, 2 ^ 25 } } do
  describe("a HAR entry of a request over " .. protocol[1], function()
    local server

    setup(function()
      protocol[2].source = SOURCE
      server = support.node(protocol[2])
    end)
    teardown(function() server:stop() end)
    before_each(support.begin)
    after_each(support.check_clean)

    it("has what its upload took as `send`, and not as `wait`", function()
      local client = support.client()
      local recorder = rill.har.recorder(client)
      support.run(function()
        local body = ("x"):rep(protocol[3])
        local stream = assert(client:open { url = server.url .. "/held", method = "POST", body = body })
        support.wait(function() return stream.timings.stalled_remote > LONG end, 20, "the peer to take no more")
        assert(client:get(server.url .. "/go"))
        assert.equal("ended", (stream:closed()))
        assert.equal("read", (stream:body()))
      end, 60)
      for _, entry in ipairs(recorder:entries()) do
        check_sum(entry)
        if entry.request.method == "POST" then
          assert.is_true(entry.timings.send > LONG * 1000 - 2, entry.timings.send)
          assert.is_true(entry.timings.wait >= 0, entry.timings.wait)
        else
          assert.equal(0, entry.timings.send)
        end
      end
      assert.equal(2, #recorder:entries())
    end)

    it("has what was sent as `send` where it was cancelled meanwhile", function()
      local client = support.client()
      local recorder = rill.har.recorder(client)
      support.run(function()
        local body = ("x"):rep(protocol[3])
        local stream = assert(client:open { url = server.url .. "/held", method = "POST", body = body })
        support.wait(function() return stream.timings.stalled_remote > LONG end, 20, "the peer to take no more")
        stream:cancel()
        stream:closed()
        local entry = recorder:entries()[1]
        check_sum(entry)
        assert.is_true(entry.timings.send > LONG * 1000 - 2, entry.timings.send)
      end, 60)
    end)
  end)
end
