-- A server that answers, or hangs up, as the connection opens: with TLS 1.2 that comes with its last words of the
-- handshake, before a request can have been sent.
local support = require "support"

local OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

describe("an HTTP/1.1 server", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function serve(greeting, options)
    local server = support.http1({}, { tls = true, greeting = greeting })
    options.tls = { ca_file = server.ca, max_version = "1.2", session_cache = false } -- a resumed one ends with us
    return server, support.client(options)
  end

  local function assert_dialled(server, count)
    assert.equal(count, #server:wait_events(function(event) return event.event == "accept" end, count))
  end

  for method, body in pairs { GET = false, POST = "text" } do
    it("that answers before it is asked has answered nothing, and is dialled once: " .. method, function()
      local server, client = serve({ bytes = OK .. OK }, {})
      support.run(function()
        for i = 1, 5 do
          local res, err = client:request { url = server.url .. "/" .. i, method = method, body = body or nil }
          assert.is_nil(res)
          assert.equal("connect_failed", err.reason, tostring(err))
          assert.equal("preface", err.kind)
          assert.truthy(err.message:find('answers before it is asked: "HTTP/1.1 200 OK', 1, true), err.message)
          assert.equal(1, err.attempts)
          assert.equal("no", err.processed)
        end
      end)
      assert_dialled(server, 5)
    end)

    it("that hangs up as it opens is a dial that failed: as often as retries say, for " .. method, function()
      local server, client = serve({ bytes = "", ends = true }, { retries = 2 })
      support.run(function()
        local res, err = client:request { url = server.url .. "/", method = method, body = body or nil }
        assert.is_nil(res)
        assert.equal("connect_failed", err.reason, tostring(err))
        assert.equal("tcp", err.kind)
        assert.equal(3, err.attempts)
        assert.equal("no", err.processed)
      end)
      assert_dialled(server, 3)
    end)
  end
end)
