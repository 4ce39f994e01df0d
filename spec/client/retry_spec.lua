local dkjson = require "dkjson"
local support = require "support"
local rill = require "rill"

local RECOVERING = require("support.server").here .. "/cases/recovering.py"

describe("a request that failed", function()
  local node

  setup(function() node = support.node { script = "failing.js" } end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local serial = 0 -- each spec has URLs of its own

  local function failing(with)
    serial = serial + 1
    return ("%s/fail?with=%s&serial=%d"):format(node.url, with, serial)
  end

  -- How often the server has seen a URL.
  local function seen(url)
    local count = 0
    for _, event in ipairs(node:events()) do
      if event.event == "request" and url:sub(-#event.path) == event.path then count = count + 1 end
    end
    return count
  end

  local function assert_good(attempts, res, err)
    assert(res, tostring(err))
    assert.equal(200, res.status)
    assert.equal(attempts, res.attempts)
  end

  local function assert_failed(reason, attempts, res, err)
    assert.is_nil(res)
    assert.equal(reason, err.reason)
    assert.equal(attempts, err.attempts)
  end

  for _, method in ipairs { "GET", "HEAD", "OPTIONS" } do
    it("is repeated when the connection was lost before a head: " .. method, function()
      local client, url = support.client(), failing "drop"
      support.run(function() assert_good(2, client:request { url = url, method = method }) end)
      assert.equal(2, seen(url))
      assert.equal(1, client:stats().retries)
      assert.equal(2, client:stats().attempts)
      assert.equal(1, client:stats().requests)
    end)
  end

  for _, method in ipairs { "POST", "PUT", "PATCH", "DELETE" } do
    it("is not repeated when the connection was lost: " .. method, function()
      local client, url = support.client(), failing "drop"
      support.run(function()
        local res, err = client:request { url = url, method = method, body = "text" }
        assert_failed("connection_lost", 1, res, err)
        assert.equal("maybe", err.processed)
        assert.is_false(err.retry_safe)
      end)
      assert.equal(1, seen(url))
    end)
  end

  it("is repeated by `idempotent`, whatever its method", function()
    local eager, client = support.client { idempotent = true }, support.client()
    support.run(function()
      assert_good(2, eager:post(failing "drop", "text"))
      assert_good(2, client:post(failing "drop", "text", { idempotent = true }))
      assert_failed("connection_lost", 1, eager:post(failing "drop", "text", { idempotent = false }))
      assert_failed("connection_lost", 1, client:get(failing "drop", { idempotent = false }))
      assert_failed("connection_lost", 1,
        client:post(failing "drop", "text", { idempotent = true, retry_idempotent = false }))
    end)
  end)

  it("is not repeated without retry_idempotent, of the client or its own", function()
    local careful, client = support.client { retry_idempotent = false }, support.client()
    support.run(function()
      assert_failed("connection_lost", 1, careful:get(failing "drop"))
      assert_failed("connection_lost", 1, client:get(failing "drop", { retry_idempotent = false }))
      assert_good(2, careful:get(failing "drop", { retry_idempotent = true }))
    end)
  end)

  it("is not repeated once a head had arrived", function()
    local client, url = support.client(), failing "head"
    support.run(function()
      local res, err = client:get(url)
      assert_failed("connection_lost", 1, res, err)
      assert.equal("yes", err.processed)
    end)
    assert.equal(1, seen(url))
  end)

  it("is repeated as often as retries say, then fails", function()
    local client = support.client()
    support.run(function()
      for retries, options in pairs { [0] = { retries = 0 }, [1] = { retries = 1 }, [2] = {} } do
        local url = failing "drop*"
        local res, err = client:get(url, options)
        assert_failed("connection_lost", retries + 1, res, err)
        assert.equal("maybe", err.processed)
        assert.equal(retries + 1, seen(url))
        assert_good(1, client:get(failing "")) -- a success ends the row of failures that back-off counts
      end
    end)
  end)

  it("is repeated after back-off when the stream was refused, POST too", function()
    local client, url = support.client(), failing "refuse,refuse"
    support.run(function()
      local started = rill.now()
      local res, err = client:post(url, ("x"):rep(100000))
      assert_good(3, res, err)
      assert.equal(100000, dkjson.decode(res.body).length)
      assert.is_true(rill.now() - started >= 0.1 + 0.2, "half of 0.2 s and of 0.4 s at least")
    end)
    assert.equal(3, seen(url))
    assert.equal(1, client:stats().connections_opened, "the connection is sound")
  end)

  it("is repeated without retry_idempotent when it was not processed", function()
    local client = support.client { retry_idempotent = false }
    support.run(function() assert_good(2, client:get(failing "refuse")) end)
  end)

  it("is not repeated for any other code", function()
    local client, url = support.client(), failing "cancel"
    support.run(function()
      local res, err = client:get(url)
      assert_failed("reset", 1, res, err)
      assert.equal("CANCEL", err.code)
      assert.equal("maybe", err.processed)
    end)
    assert.equal(1, seen(url))
  end)

  it("is repeated at once and without counting when a GOAWAY without error excluded it", function()
    local client, url = support.client { retries = 0 }, failing "goaway:0"
    support.run(function()
      assert_good(1, client:get(failing ""))
      assert_good(2, client:get(url))
    end)
    assert.equal(2, client:stats().connections_opened)
    assert.equal(1, client:stats().retries)
  end)

  it("is repeated ten times at most when GOAWAYs exclude it", function()
    local server = support.hostile { case = "goaway-on-every-connection" }
    local client = support.client { tls = { ca_file = server.ca }, retries = 0 }
    support.run(function()
      local res, err = client:get(server.url)
      assert.is_nil(res)
      assert.is_true(err.retry_safe)
      assert.is_true(err.attempts <= 11, err.attempts .. " attempts")
    end)
    assert.is_true(client:stats().connections_opened <= 11)
  end)

  it("is repeated after back-off, counted, when a GOAWAY with an error excluded it", function()
    local server = support.hostile { case = "goaway-calm-at-first", extra = RECOVERING }
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      local started = rill.now()
      assert_good(2, client:get(server.url))
      assert.is_true(rill.now() - started >= 0.1)
      local other = support.hostile { case = "goaway-with-error" }
      local strange = support.client { tls = { ca_file = other.ca }, retries = 1 }
      local res, err = strange:get(other.url)
      assert_failed("goaway", 2, res, err)
      assert.equal("ENHANCE_YOUR_CALM", err.code)
      assert_failed("goaway", 1, strange:get(other.url .. "?once", { retries = 0 }))
    end)
  end)

  it("is told of all attempts together: one that was not processed does not make up for one that may have been",
    function()
      local client = support.client()
      support.run(function()
        local res, err = client:get(failing "drop,refuse*")
        assert_failed("reset", 3, res, err)
        assert.equal("REFUSED_STREAM", err.code)
        assert.equal("maybe", err.processed)
        assert.is_false(err.retry_safe)
      end)
    end)

  it("is repeated with its body whole: a string, a file", function()
    local client = support.client()
    local content = support.content(300000)
    local path = support.write(support.directory "body" .. "/file", content)
    support.run(function()
      local digests = {}
      for i, body in ipairs { content, { file = path } } do
        local res, err = client:put(failing "refuse", body)
        assert_good(2, res, err)
        local got = dkjson.decode(res.body)
        assert.equal(300000, got.length)
        digests[i] = got.sha256
      end
      assert.equal(digests[1], digests[2])
    end)
  end)

  it("is not repeated when its body came in pieces that are gone", function()
    local client, url = support.client(), failing "refuse"
    support.run(function()
      local left, calls = 3, 0
      local res, err = client:post(url, function()
        calls = calls + 1
        left = left - 1
        return left >= 0 and "piece" or nil
      end)
      assert_failed("reset", 1, res, err)
      assert.is_true(err.retry_safe, "the caller may, with a new body")
      assert.equal(4, calls)
    end)
    assert.equal(1, seen(url))
  end)

  it("is never repeated as a stream", function()
    local client, url = support.client(), failing "drop"
    support.run(function()
      local stream = assert(client:open { url = url })
      assert_failed("connection_lost", 1, stream:response())
      assert.equal("connection_lost", stream.close_reason)
    end)
    assert.equal(1, seen(url))
  end)
end)

describe("a request without a connection", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function assert_once(kind, res, err)
    assert.is_nil(res)
    assert.equal("connect_failed", err.reason)
    assert.equal(kind, err.kind)
    assert.equal(1, err.attempts)
    assert.is_true(err.retry_safe)
  end

  it("is tried retries + 1 times where the port refuses", function()
    local client, url = support.client(), support.refused()
    support.run(function()
      for retries, options in pairs { [0] = { retries = 0 }, [2] = {} } do
        local res, err = client:get(url, options)
        assert.is_nil(res)
        assert.equal("tcp", err.kind)
        assert.equal(retries + 1, err.attempts)
      end
    end)
    assert.equal(0, client:stats().attempts, "nothing was sent")
    assert.equal(2, client:stats().retries)
    assert.same({ connect_failed = 2 }, client:stats().closed)
  end)

  it("finds the server that appears meanwhile, with any method, and a body that was not sent yet", function()
    local client, port = support.client { retries = 20 }, support.free_port()
    local url = ("https://localhost:%d/page"):format(port)
    support.run(function()
      local given = false
      local get = rill.spawn(function() return client:get(url) end)
      local put = rill.spawn(function()
        return client:put(url, function()
          given = not given
          return given and "text" or nil
        end)
      end)
      support.wait(function() return client:stats().retries >= 2 end, 20)
      support.nginx { port = port, files = { page = "here" } }
      local res = assert(get:join())
      assert.equal("here", res.body)
      assert.is_true(res.attempts >= 2)
      res = assert(put:join())
      assert.equal(405, res.status)
      assert.is_true(res.attempts >= 2)
      assert.equal(1, client:stats().connections_opened)
    end, 10)
  end)

  it("shares the next dial with those that wait for it", function()
    local client, url = support.client { retries = 1 }, support.refused()
    support.run(function()
      local first = rill.spawn(function() return client:get(url) end)
      support.wait(function() return client:stats().retries == 1 end, 20) -- it backs off
      local _, err = client:get(url, { retries = 0 }) -- does not dial by itself
      assert.equal(1, err.attempts)
      assert.equal(2, select(2, first:join()).attempts)
    end)
  end)

  it("is not tried again for a name that does not exist", function()
    local dns = support.dns {}
    local client = support.client { dns_servers = { dns.address }, retries = 5 }
    support.run(function() assert_once("dns", client:get "https://gone.test/") end)
  end)

  it("is not tried again for a certificate that is wrong", function()
    local server = support.node { certificate = support.ca().wrong_name }
    local client = support.client { retries = 5 }
    support.run(function() assert_once("tls", client:get(server.url .. "/echo")) end)
    assert.equal(0, client:stats().retries)
  end)

  it("is not tried again when the peer closes during the handshake", function()
    local server = support.tcp "close"
    local client = support.client { retries = 5 }
    support.run(function() assert_once("tls", client:get(server.url .. "/")) end)
    assert.equal(1, #server:wait_events(function(event) return event.event == "accept" end))
  end)

  it("is not tried again without h2 in ALPN, and the verdict is remembered", function()
    local server = support.tcp "http1"
    local client = support.client { retries = 5, protocols = { "h2" } }
    support.run(function()
      for _ = 1, 20 do assert_once("alpn", client:get(server.url .. "/")) end
    end)
    assert.equal(1, #server:wait_events(function(event) return event.event == "accept" end))
    local other = support.client { protocols = { "h2" } }
    support.run(function() assert_once("alpn", other:get(server.url .. "/")) end)
    assert.equal(2, #server:wait_events(function(event) return event.event == "accept" end, 2))
  end)

  it("is told the last failure when its timeout runs out during back-off", function()
    local client, url = support.client { retries = 100 }, support.refused()
    support.run(function()
      support.tries(5, function()
        local started = rill.now()
        local res, err = client:get(url, { timeout = 0.8 })
        local took = rill.now() - started
        assert.is_nil(res)
        assert.is_true(took >= 0.75, ("took %g s"):format(took))
        if err.reason == "timeout" then return false end -- it ran out during an attempt: a machine stood still
        assert.equal("connect_failed", err.reason)
        assert.equal("tcp", err.kind)
        return err.attempts >= 2
      end, "a second attempt within the time, and back-off after it")
    end)
  end)
end)
