-- What an error says of a server that breaks HTTP/2: the rule, and the limit that was passed.
local support = require "support"

local STRANGE = support.here .. "/cases/strange.py"

local RULES = {
  ["window-overflow-stream"] = "the peer opened the stream's window beyond 2147483647 bytes (RFC 9113 6.9.1)",
  ["trailers-without-end"] = "a second head came that does not end the response (RFC 9113 8.1)",
  ["interim-with-end"] = "an interim status, 103, ends the response (RFC 9113 8.1)",
  ["interim-then-data"] = "the response has no final :status (RFC 9113 8.1)",
  ["status-missing"] = "the response has no final :status (RFC 9113 8.1)",
  ["block-empty"] = "the response has no final :status (RFC 9113 8.1)",
  ["body-on-204"] = "DATA came: a response with status 204 has no body (RFC 9110 6.4.1)",
  ["body-on-304"] = "DATA came: a response with status 304 has no body (RFC 9110 6.4.1)",
  ["length-zero"] = "content-length announced 0 bytes, more arrived (RFC 9113 8.1.1)",
  ["length-too-short"] = "content-length announced 5 bytes, more arrived (RFC 9113 8.1.1)",
  ["length-too-long"] = "content-length announced 20 bytes, 10 arrived (RFC 9113 8.1.1)",
  ["length-without-body"] = "content-length announced 20 bytes, 0 arrived (RFC 9113 8.1.1)",
  ["trailers-before-their-time"] = "content-length announced 10 bytes, 1 arrived (RFC 9113 8.1.1)",
  ["field-connection"] = "name: [connection], value: [keep-alive]",
  ["window-overflow-connection"] = "a window opened beyond 2147483647 bytes, or more DATA than one (RFC 9113 6.9.1)",
  ["ping-bad-length"] = "a frame of a length that its type cannot have (RFC 9113 4.2)",
  ["hpack-bad-huffman"] = "a head that cannot be decoded, or a field above 65536 bytes (RFC 7541)",
  ["value-of-100-kib"] = "a head that cannot be decoded, or a field above 65536 bytes (RFC 7541)",
}

describe("the error of a server that breaks HTTP/2", function()
  local server, host

  setup(function()
    server = support.hostile { case = "baseline-small", extra = STRANGE }
    host = server.url:match "^https://[^/]*"
  end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  for case, rule in pairs(RULES) do
    it("names what was wrong: " .. case, function()
      local client = support.client { tls = { ca_file = server.ca }, timeout = 60 }
      local _, err = support.run(function() return client:get(host .. "/case/" .. case) end)
      assert.equal("protocol_error", err.reason)
      assert.is_truthy(err.message:find(rule, 1, true), err.message)
    end)
  end

  it("names the method where HEAD has a body", function()
    local client = support.client { tls = { ca_file = server.ca }, timeout = 60 }
    local _, err = support.run(function()
      return client:request { method = "HEAD", url = host .. "/case/head-with-body" }
    end)
    local rule = "DATA came: a response to HEAD has no body (RFC 9110 6.4.1)"
    assert.is_truthy(err.message:find(rule, 1, true), err.message)
  end)

  it("does not name an older complaint of another stream", function()
    local client = support.client { tls = { ca_file = server.ca }, timeout = 60 }
    support.run(function()
      assert.is_nil((client:get(host .. "/case/field-connection")))
      assert(client:get(host .. "/case/baseline-small"))
      local _, err = client:get(host .. "/case/ping-bad-length")
      assert.equal("the peer broke HTTP/2: " .. RULES["ping-bad-length"] .. " (FRAME_SIZE_ERROR)", err.message)
    end)
  end)

  it("names SETTINGS that open a stream's window too far", function()
    local client = support.client { tls = { ca_file = server.ca }, timeout = 60 }
    local _, err = support.run(function() return client:get(host .. "/case/window-opened-by-settings") end)
    assert.equal("SETTINGS opened the stream's window beyond 2147483647 bytes (RFC 9113 6.9.2)", err.message)
    assert.equal("FLOW_CONTROL_ERROR", err.code)
  end)

  it("names the window of a stream that was passed", function()
    local client = support.client { tls = { ca_file = server.ca }, window = 100000, max_window = 100000, timeout = 60 }
    support.run(function()
      local stream = assert(client:open { url = host .. "/case/data-beyond-the-window" })
      local reason, err = stream:closed()
      assert.equal("protocol_error", reason)
      assert.equal("FLOW_CONTROL_ERROR", err.code)
      local window = "more DATA came than the stream's window of 100000 bytes (RFC 9113 6.9.1)"
      assert.is_truthy(err.message:find(window, 1, true), err.message)
    end)
  end)
end)
