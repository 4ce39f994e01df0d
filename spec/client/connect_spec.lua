local support = require "support"
local rill = require "rill"

local RECOVERING = support.here .. "/cases/recovering.py"

-- Several requests at a time; returns the error of each.
local function refused(client, url, count)
  local calls = {}
  for i = 1, count do
    calls[i] = function() return client:get(url .. "?" .. i) end
  end
  local errors = {}
  for i, result in ipairs(rill.all(calls)) do
    assert.is_nil(result[1])
    assert.equal(url .. "?" .. i, result[2].url)
    errors[i] = result[2]
  end
  assert.equal(count, #errors)
  return errors
end

local function assert_failed(kind, err)
  assert.equal("connect_failed", err.reason)
  assert.equal(kind, err.kind)
  assert.equal("no", err.processed)
  assert.is_true(err.retry_safe)
  assert.is_nil(err.status)
end

local function ended(event)
  return event.event == "end"
end

describe("a refused port", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("fails every waiting request with kind tcp", function()
    local client, url = support.client(), support.refused()
    support.run(function()
      for _, err in ipairs(refused(client, url .. "/", 5)) do
        assert_failed("tcp", err)
        assert.truthy(tostring(err):find(url:match ":(%d+)$", 1, true), tostring(err))
      end
    end)
    assert.equal(0, client:stats().connections_opened)
  end)

  it("does not spoil the origin: once somebody listens, requests succeed", function()
    local client, port = support.client(), support.free_port()
    local url = ("https://localhost:%d/page"):format(port)
    support.run(function() assert_failed("tcp", select(2, client:get(url))) end)
    support.nginx { port = port, files = { page = "here" } }
    local res = support.run(function() return assert(client:get(url)) end)
    assert.equal("here", res.body)
  end)
end)

describe("a certificate", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for _, kind in ipairs { "wrong_name", "expired", "self_signed", "untrusted" } do
    it("that is " .. kind .. " fails with kind tls before any request is sent", function()
      local server = support.node { certificate = support.ca()[kind] }
      local client = support.client()
      support.run(function()
        for _, err in ipairs(refused(client, server.url .. "/echo", 3)) do
          assert_failed("tls", err)
          assert.truthy(err.message:find("certificate", 1, true), err.message)
          assert.truthy(err.message:find("localhost", 1, true), err.message)
        end
      end)
      for _, event in ipairs(server:events()) do assert.not_equal("request", event.event) end
    end)

    it("that is " .. kind .. " is accepted when verify is off", function()
      local server = support.node { certificate = support.ca()[kind] }
      local warned = {}
      local client = support.client {
        tls = { verify = false }, on_warning = function(message) warned[#warned + 1] = message end,
      }
      local res = support.run(function() return assert(client:get(server.url .. "/echo")) end)
      assert.equal(200, res.status)
      assert.equal(1, #warned)
      assert.truthy(warned[1]:find("verify", 1, true))
    end)
  end

  it("is checked against the system's store when no ca_file is given", function()
    local server = support.node()
    local client = support.client { tls = {} }
    support.run(function() assert_failed("tls", select(2, client:get(server.url .. "/echo"))) end)
  end)

  it("is checked against tls.server_name when that is given", function()
    local server = support.node { certificate = support.ca().wrong_name }
    local client = support.client { tls = { ca_file = support.ca().file, server_name = "elsewhere.example" } }
    local res = support.run(function() return assert(client:get(server.url .. "/echo")) end)
    assert.equal(200, res.status)
    assert.truthy(res.body:find(('"authority":"localhost:%d"'):format(server.port), 1, true))
  end)

  it("covers an address when its names do", function()
    local server = support.node()
    local client = support.client()
    local url = ("https://127.0.0.1:%d/echo"):format(server.port)
    local res = support.run(function() return assert(client:get(url)) end)
    assert.equal("127.0.0.1", res.ip_address)
    assert.equal("h2", res.protocol)
  end)

  it("is shown by the response", function()
    local server = support.node()
    local client = support.client()
    local certificate = support.run(function() return assert(client:get(server.url .. "/echo")).certificate end)
    assert.truthy(certificate.subject:find("CN=leaf", 1, true))
    assert.truthy(certificate.issuer:find("CN=ca", 1, true))
    assert.same("localhost", certificate.names[1])
    assert.equal(64, #certificate.sha256)
    assert.is_true(certificate.not_before < os.time() + 60 and os.time() < certificate.not_after)
    assert.truthy(certificate.pem:find("-----BEGIN CERTIFICATE-----", 1, true))
  end)
end)

describe("a server without h2, where nothing else is spoken,", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for _, behaviour in ipairs { "no_alpn", "http1" } do
    it(("fails with kind alpn and is sent nothing (%s)"):format(behaviour), function()
      local server = support.tcp(behaviour)
      local client = support.client { protocols = { "h2" } }
      support.run(function()
        for _, err in ipairs(refused(client, server.url .. "/", 3)) do assert_failed("alpn", err) end
      end)
      assert.equal(0, server:wait_events(ended)[1].bytes)
    end)
  end

  it("fails with kind tls when it answers the handshake in plain text", function()
    local server = support.tcp "text405"
    local client = support.client()
    support.run(function() assert_failed("tls", select(2, client:get(server.url .. "/"))) end)
  end)

  it("fails with kind tls when it closes during the handshake", function()
    local server = support.tcp "close"
    local client = support.client()
    support.run(function() assert_failed("tls", select(2, client:get(server.url .. "/"))) end)
  end)

  for _, case in ipairs { "http2-text-405", "http1-response" } do
    it(("fails with kind preface where SETTINGS is due (%s)"):format(case), function()
      local server = support.hostile { case = case }
      local client = support.client { tls = { ca_file = server.ca } }
      support.run(function()
        local res, err = client:get(server.url)
        assert.is_nil(res)
        assert.equal("connect_failed", err.reason)
        assert.equal("preface", err.kind)
      end)
    end)
  end

  it("is no success when it closes in place of SETTINGS", function()
    local server = support.hostile { case = "close-after-handshake" }
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      local err = refused(client, server.url, 1)[1]
      if err.reason == "connection_lost" then -- it had been sent, behind the handshake
        assert.equal("maybe", err.processed)
      else
        assert_failed("preface", err)
      end
    end)
  end)

  it("is asked again by the next request", function()
    local server = support.hostile { case = "text-405-at-first", extra = RECOVERING }
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      assert.equal("preface", select(2, client:get(server.url)).kind)
      assert.equal(200, assert(client:get(server.url)).status)
    end)
  end)

  it("says what the server answered when that was text", function()
    local server = support.hostile { case = "http2-text-405" }
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      local _, err = client:get(server.url)
      assert.truthy(err.message:find("HTTP/2.0 405 Method Not Allowed", 1, true), err.message)
    end)
  end)

  for _, case in ipairs { "tls-garbage", "tls-alert", "tls-plain-http", "tls-1-1-only" } do
    it(("fails with kind tls (%s)"):format(case), function()
      local server = support.hostile { case = case }
      local client = support.client { tls = { ca_file = server.ca } }
      support.run(function() assert_failed("tls", select(2, client:get(server.url))) end)
    end)
  end
end)

describe("a silent server", function()
  local LIMIT = 2 -- seconds: enough for a handshake, on a busy machine too

  before_each(support.begin)
  after_each(support.check_clean)

  local silences = {
    ["connect-blackhole"] = "connect",
    ["accept-silent"] = "tls",
    ["tls-stall-midway"] = "tls",
    ["silent-after-handshake"] = "settings",
  }
  for case, phase in pairs(silences) do
    it(("times out in phase %s within connect_timeout, and each request is told (%s)"):format(phase, case), function()
      local server = support.hostile { case = case }
      local client = support.client { tls = { ca_file = server.ca }, connect_timeout = LIMIT }
      -- Where a machine stands still an earlier phase may take all the time there is, but not each time.
      local function time_out()
        local started = rill.now()
        local errors = refused(client, server.url, 3)
        local took = rill.now() - started
        assert.is_true(took > LIMIT - 0.05, ("took %g s"):format(took))
        for i, err in ipairs(errors) do
          assert.equal("timeout", err.reason)
          if err.phase ~= phase then return false end
          -- one request goes out behind the handshake, before the server's SETTINGS
          assert.equal(phase == "settings" and i == 1 and "maybe" or "no", err.processed)
        end
        return true
      end
      support.run(function() support.tries(5, time_out, "a timeout in phase " .. phase) end)
    end)
  end

  for _, case in ipairs { "silent-at-first", "no-settings-at-first" } do
    it(("leaves the origin usable for the next request (%s)"):format(case), function()
      local server = support.hostile { case = case, extra = RECOVERING }
      local client, dials = support.client { tls = { ca_file = server.ca }, connect_timeout = LIMIT }, 1
      support.run(function()
        local _, err = client:get(server.url)
        assert.equal("timeout", err.reason)
        support.tries(5, function() -- a machine that stands still takes the time of one handshake, and not of each
          dials = dials + 1
          local res, again = client:get(server.url)
          if not res then
            assert.equal("timeout", again.reason)
            return false
          end
          assert.equal(200, res.status)
          return true
        end, "an answer")
      end)
      client:close()
      support.run(function()
        for _, ended_so in ipairs(server:ends(dials)) do assert.same({}, ended_so.violations) end
      end)
    end)
  end
end)

describe("a slow handshake", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("succeeds while it keeps within connect_timeout", function()
    local server = support.hostile { case = "tls-slow-handshake" }
    local client = support.client { tls = { ca_file = server.ca } }
    local res = support.run(function() return assert(client:get(server.url)) end)
    assert.equal(200, res.status)
    assert.is_true(res.timings.tls > 0.2)
  end)

  it("names the host to a server that demands it", function()
    local server = support.hostile { case = "tls-requires-sni" }
    local client = support.client { tls = { ca_file = server.ca } }
    assert.equal(200, support.run(function() return assert(client:get(server.url)).status end))
  end)
end)
