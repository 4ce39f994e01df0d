local support = require "support"
local rill = require "rill"

local silent = require "support.silent"
local CANCEL = 8 -- RFC 9113 section 7

local assert_timeout, ended, hostile = silent.assert_timeout, silent.ended, silent.hostile
local wait_timeout = silent.wait_timeout
local stop, of_stream

setup(function() stop, of_stream = silent.shared() end)
teardown(function() stop() end)

describe("idle_timeout", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("fails what waits on a connection where nothing moves, in phase idle", function()
    local server = support.node()
    local client = support.client { idle_timeout = 3, retry_idempotent = false }
    support.run(function()
      local function hold() return client:get(server.url .. "/hold") end
      for _, result in ipairs(rill.all { hold, hold }) do assert_timeout("idle", unpack(result, 1, 2)) end
      assert.equal(200, assert(client:get(server.url .. "/echo")).status)
    end)
    assert.equal(2, client:stats().connections_opened)
  end)

  it("spares a connection on which something moves", function()
    local url, client = of_stream("slow-body-for-ever", { idle_timeout = 3 })
    local quiet_url, other = of_stream("silent-after-headers", { idle_timeout = 3, retries = 0 })
    support.run(function()
      local stream, over = assert(client:open { url = url }), false
      assert(stream:read())
      local quiet = rill.spawn(function()
        assert_timeout("idle", other:get(quiet_url))
        over = true
      end)
      repeat assert(stream:read()) until over -- so this one has lived for longer
      quiet:join()
      stream:cancel()
    end)
  end)
end)

describe("read_timeout", function()
  local node

  setup(function() node = support.node() end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  -- What came; nothing where the server stood still for longer than it may, behind all that is waited for here.
  local function answered(value, err)
    return value or assert.equal("timeout", err.reason) and nil
  end

  -- Waits for longer than the client allows a peer to be silent: until that ends another request.
  local function outwait(client)
    assert_timeout("headers", client:get(node.url .. "/hold?other"))
  end

  it("ends a stream on which the peer is silent, resets it, and leaves the connection alone", function()
    local client = support.client { read_timeout = 0.3 }
    support.run(function()
      local other = rill.spawn(function() return client:get(node.url .. "/slow?ms=600", { read_timeout = 0 }) end)
      local err = assert_timeout("headers", client:get(node.url .. "/hold?read"))
      assert.equal("maybe", err.processed)
      assert.equal(CANCEL, node:wait_events(ended("stream_close", "/hold?read"))[1].code)
      assert.equal(200, assert(other:join()).status)
      assert.equal(200, assert(client:get(node.url .. "/echo", { read_timeout = 0 })).status)
      assert.equal(1, client:stats().connections_opened)
    end)
  end)

  it("ends a body that does not go on, in phase body", function()
    local url, client = of_stream("silent-after-headers", { read_timeout = 3 })
    support.run(function()
      local err = wait_timeout("body", function() return client:get(url) end)
      assert.equal(200, err.status)
      assert.equal("yes", err.processed)
    end)
  end)

  it("ends an upload that the peer has not given a window for", function()
    local server, client = hostile("upload-read-in-part", { read_timeout = 0.3 })
    support.run(function() assert_timeout("headers", client:post(server.url, ("x"):rep(1000000))) end)
  end)

  it("spares a body that trickles", function()
    local url, client = of_stream("slow-body-for-ever", { read_timeout = 3 })
    -- Whether it has lived for longer than another one, which is silent: the server may stand still.
    local function outlives()
      local stream, over = assert(client:open { url = url }), false
      local other = rill.spawn(function()
        wait_timeout("body", function() return client:get((of_stream "silent-after-headers")) end)
        over = true
      end)
      local chunk, err
      repeat chunk, err = stream:read() until over or not chunk
      local _, failed = other:join()
      assert.is_nil(failed)
      stream:cancel()
      return chunk or assert.equal("timeout", err.reason) and false
    end
    support.run(function() support.tries(5, outlives, "a body that outlives the silent one") end)
  end)

  it("does not count the wait for our own body", function()
    local client = support.client { read_timeout = 2 }
    local function upload()
      local stream = assert(client:open { url = node.url .. "/echo", method = "POST", body = rill.streaming })
      for _ = 1, 2 do
        outwait(client)
        assert(stream:write "piece")
      end
      assert(stream:finish())
      return stream:response()
    end
    support.run(function()
      local res = support.tries(5, function() return answered(upload()) end, "a server that answers within 2 s")
      assert.equal(200, res.status)
      assert.truthy(res.body:find('"length":10', 1, true))
    end)
  end)

  it("does not count the wait for our own reader", function()
    local client = support.client { read_timeout = 2, window = 65535, max_window = 65535 }
    support.run(function()
      local body = support.tries(5, function()
        local stream = assert(client:open { url = node.url .. "/size?n=300000" })
        local head, err = stream:headers()
        if not head then return answered(nil, err) end
        outwait(client)
        return answered(stream:body())
      end, "a server that goes on within 2 s")
      assert.equal(300000, #body)
    end)
  end)
end)

describe("a connection that was silent for ping_after", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function wait_for(seconds)
    local started = rill.now()
    support.wait(function() return rill.now() - started > seconds end, seconds + 2)
  end

  it("is asked before a new request, which goes elsewhere when there is no answer", function()
    local server, client = hostile("mute-after-first", { ping_after = 0.1, ping_timeout = 0.3 })
    support.run(function()
      assert(client:get(server.url))
      wait_for(0.15)
      local function post() return client:post(server.url, "text") end -- would not be repeated, had it been sent
      for _, result in ipairs(rill.all { post, post }) do
        local res = assert(result[1], tostring(result[2]))
        assert.equal(200, res.status)
        assert.equal(1, res.attempts)
      end
      assert.equal(2, client:stats().connections_opened)
    end)
  end)

  it("is kept when it answers", function()
    local server, client = hostile("baseline-small", { ping_after = 0.1, ping_timeout = 20 })
    support.run(function()
      assert(client:get(server.url))
      wait_for(0.15)
      assert(client:get(server.url))
      assert.equal(1, client:stats().connections_opened)
      client:close()
      assert.equal(1, server:ends(1)[1].frames_in.PING)
    end)
  end)

  it("is lost with what was sent on it: GET is repeated, POST is not", function()
    local server, client = hostile("mute-after-first", { ping_after = 2, ping_timeout = 0.3 })
    support.run(function()
      assert(client:get(server.url))
      local get = rill.spawn(function() return client:get(server.url) end) -- within ping_after: sent unasked
      local post = rill.spawn(function() return client:post(server.url, "text") end)
      wait_for(2.2)
      assert.equal(200, assert(client:get(server.url)).status) -- asks, and so finds out
      local res, err = get:join()
      assert.equal(2, assert(res, tostring(err)).attempts)
      res, err = post:join()
      assert.is_nil(res)
      assert.equal("connection_lost", err.reason)
      assert.equal("maybe", err.processed)
    end)
  end)

  it("is not asked when ping_after is 0", function()
    local server, client = hostile("mute-after-first", { ping_after = 0 })
    support.run(function()
      assert(client:get(server.url))
      assert_timeout("headers", client:get(server.url, { timeout = 0.3 }))
      assert.equal(1, client:stats().connections_opened)
    end)
  end)
end)
