-- RILL_TRACE: what a script's stderr gets with it, and that it gets nothing without.
local script = require "support.script"
local support = require "support"

local GET = [[
local url, ca = ...
rill.run(function()
  local client = rill.client { tls = { ca_file = ca }, headers = { ["x-secret"] = "field-of-request" } }
  for _ = 1, 2 do client:post(url, "payload-of-request") end
  client:close()
end)
]]

local SERVER = [[
server.on('stream', (stream) => {
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'x-told': 'field-of-response' });
  stream.end('payload-of-response');
});
]]

-- What a script that is run with RILL_TRACE=topics writes; nil: without it.
local function traced(topics, text, arguments)
  local child = script.start(text, arguments, { environment = { topics and "RILL_TRACE=" .. topics or "UNUSED=" } })
  assert.equal(0, child:wait(60), child:output())
  return child:output()
end

describe("RILL_TRACE", function()
  local server

  setup(function() server = support.node { source = SERVER } end)
  teardown(function() server:stop() end)

  local function of_get(topics)
    return traced(topics, GET, { server.url .. "/?query-of-request", server.ca })
  end

  it("unset, empty, or of a loop that does nothing: not a byte is written", function()
    assert.equal("", of_get(nil))
    assert.equal("", of_get "")
    assert.equal("", traced("frames,dial,pool,tls", "rill.run(function() rill.sleep(0.001) end)"))
  end)

  it("shows frames in both directions: time, connection, type, stream, length, flags", function()
    local shown = of_get "frames"
    for line in shown:gmatch "[^\n]+" do
      assert.matches("^rill %d+%.%d%d%d%d%d%d frames conn 1 %l+ [%u_]+ stream %d+ length %d+[%u_ ]*$", line)
    end
    for _, part in ipairs {
      "sent SETTINGS stream 0 length %d+\n", "recv SETTINGS stream 0 length 0 ACK\n",
      "sent HEADERS stream 1 length %d+ END_HEADERS\n", "sent DATA stream 1 length 18 END_STREAM\n",
      "recv HEADERS stream 3 length %d+ END_HEADERS\n", "recv DATA stream 3 length %d+",
      "sent GOAWAY stream 0 length 8\n",
    } do assert.matches(part, shown) end
  end)

  it("shows messages where HTTP/1.1 is spoken: parts in both directions, method, status, sizes", function()
    local answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: secret-sum\r\n\r\n"
    local old = support.http1 { ["/?query-of-request"] = {
      "HTTP/1.1 103 Hints\r\nlink: secret-link\r\n\r\n", answer } }
    local shown = traced("frames", GET, { old.url .. "/?query-of-request" })
    old:stop()
    for line in shown:gmatch "[^\n]+" do
      assert.matches("^rill %d+%.%d%d%d%d%d%d frames conn 1 %l+ %u+ stream [12] length %d+[%u%d ]*$", line)
    end
    for _, part in ipairs {
      "sent REQUEST stream 1 length %d+ POST\n", "sent BODY stream 1 length 18\n", "sent END stream 1 length 0\n",
      "recv RESPONSE stream 1 length 41 103\n", "recv RESPONSE stream 2 length 47 200\n",
      "recv BODY stream 2 length 5\n", "recv TRAILERS stream 2 length 21\n", "recv END stream 2 length 0\n",
    } do assert.matches(part, shown) end
    for _, secret in ipairs { "of%-request", "secret" } do assert.is_nil(shown:find(secret), shown) end
  end)

  it("shows the steps of a dial: addresses, where they come from, why they failed", function()
    local refused = require("support.tcp").refused()
    local text = [[
      local url, host = ...
      rill.run(function()
        local client = rill.client { retries = 0, resolve = { [host] = { "127.0.0.1", "unix:/nobody" } } }
        client:get(url)
        rill.client({ deny_private = true }):get "https://127.0.0.1/"
      end)]]
    local shown = traced("dial", text, { refused .. "/", refused:match "//(.*)" })
    for _, part in ipairs {
      "conn 1 to localhost:%d+ with TLS\n", "conn 1 address 127%.0%.0%.1 %(given by resolve%)\n",
      "conn 1 connect 127%.0%.0%.1:%d+ %(address 1 of 2%)\n", "conn 1 failed 127%.0%.0%.1: Connection refused\n",
      "conn 1 failed /nobody: No such file or directory\n", "conn 1 failed: localhost:%d+: ",
      "conn 2 1 addresses turned away by deny_private: 127%.0%.0%.1\n",
    } do assert.matches(part, shown) end
  end)

  it("shows what the pool does: connections opened and closed, calls assigned, sent, ended", function()
    local shown = of_get "pool"
    for _, part in ipairs {
      "pool call 1 %(POST localhost:%d+%) assigned to a connection that is coming\n",
      "pool conn 1 opened: h2 over TLS to localhost:%d+\n",
      "pool conn 1 call 2 %(POST localhost:%d+%) sent as stream 3, attempt 1\n",
      "pool conn 1 call 2 %(POST localhost:%d+%) ends: ended, attempt 1\n",
      "pool conn 1 closed while draining: not needed any more\n",
    } do assert.matches(part, shown) end
  end)

  it("shows what TLS has chosen, and alerts", function()
    local shown = of_get "tls"
    assert.matches("tls conn 1 TLSv1%.3 TLS_[%u%d_]+\n", shown)
    assert.matches("tls conn 1 alert sent: warning close notify\n", shown)
    local distrusted = traced("tls", "rill.run(function(url) rill.client():get(url) end, ...)", { server.url .. "/" })
    assert.matches("tls conn 1 alert sent: fatal unknown CA\n", distrusted)
  end)

  it("shows a session that is resumed", function()
    local closing = support.node { source = [[
      server.on('stream', (stream) => {
        stream.on('error', () => {});
        stream.respond({ ':status': 200 });
        stream.end();
        stream.session.close();
      });]] }
    local shown = traced("tls", [[
      local url, ca = ...
      rill.run(function()
        local client = rill.client { tls = { ca_file = ca } }
        assert(client:get(url))
        repeat rill.sleep(0.01) until client:stats().connections == 0
        client:get(url)
      end)]], { closing.url .. "/", closing.ca })
    closing:stop()
    assert.matches("tls conn 2 TLSv1%.3 %S+ resumed\n", shown)
  end)

  it("shows a call that is repeated, and why", function()
    local refusing = support.node { source = [[
      let refused = 0;
      server.on('stream', (stream) => {
        stream.on('error', () => {});
        if (!refused++) return stream.close(7); // REFUSED_STREAM
        stream.respond({ ':status': 200 });
        stream.end();
      });]] }
    local shown = traced("pool", [[
      local url, ca = ...
      rill.run(function() rill.client({ tls = { ca_file = ca } }):get(url) end)]], { refusing.url .. "/", refusing.ca })
    refusing:stop()
    assert.matches("call 1 %(GET %S+%) is repeated after back%-off: reset, attempt 1\n", shown)
    assert.matches("call 1 %(GET %S+%) sent as stream 3, attempt 2\n", shown)
  end)

  it("never shows fields, payload or credentials", function()
    local url = server.url:gsub("//", "//me:pass-word@") .. "/?query-of-request"
    local shown = traced("frames,dial,pool,tls", GET, { url, server.ca })
    assert.matches("sent as stream 3", shown)
    for _, secret in ipairs { "of%-request", "of%-response", "pass%-word", "bWU6", "x%-secret", "x%-told" } do
      assert.is_nil(shown:find(secret), shown)
    end
  end)

  it("warns once of words that it does not know, and names those it does", function()
    local idle = "rill.run(function() rill.sleep(0) end) rill.run(function() rill.sleep(0) end)"
    assert.equal('rill: RILL_TRACE knows frames, dial, pool and tls, not "frame", "ALL"\n',
      traced("frame,tls,ALL", idle))
    assert.equal('rill: RILL_TRACE knows frames, dial, pool and tls, not "a\\x0Ab"\n', traced("a\nb", idle))
  end)
end)
