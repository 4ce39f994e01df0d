local support = require "support"
local rill = require "rill"

local function peer(case)
  local server = support.hostile { case = case }
  return server, support.client { tls = { ca_file = server.ca } }
end

-- Closes the client and returns what the server saw of its connections, in the order of their end.
local function seen(client, server, connections)
  client:close()
  return support.run(function() return server:ends(connections) end)
end

describe("a graceful GOAWAY", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("every hundred requests loses none of 2,000, and repeats none that was answered", function()
    local TOTAL, EACH = 2000, 100
    local server = support.nginx { files = { page = 1000 }, keepalive_requests = EACH }
    local client = support.client()
    local paths = {}
    for i = 1, TOTAL do paths[i] = "/page?" .. i end
    local done = 0
    support.run(function()
      for path, res, err in rill.map(paths, function(path) return client:get(server.url .. path) end,
                                     { concurrency = 50 }) do
        assert(res, ("%s: %s"):format(path, tostring(err)))
        assert.equal(200, res.status)
        assert.equal(1000, #res.body)
        done = done + 1
      end
    end, 20)
    assert.equal(TOTAL, done)
    local log = server:wait_log(TOTAL)
    local times, connections = {}, {}
    for _, entry in ipairs(log) do
      times[entry.uri] = (times[entry.uri] or 0) + 1
      connections[entry.connection] = true
    end
    for _, path in ipairs(paths) do assert.equal(1, times[path], path) end
    local count = 0
    for _ in pairs(connections) do count = count + 1 end
    assert.is_true(count >= TOTAL / EACH, count .. " connections")
    assert.equal(count, client:stats().connections_opened)
  end)

  it("keeps large bodies apart while several connections are at work", function()
    local server = support.nginx { files = { large = 3000000 }, keepalive_requests = 6 }
    local client = support.client { window = 65536 }
    local numbers = {}
    for i = 1, 60 do numbers[i] = i end
    support.run(function()
      for number, res, err in rill.map(numbers, function(i) return client:get(server.url .. "/large?" .. i) end,
                                       { concurrency = 20 }) do
        assert(res, ("%d: %s"):format(number, tostring(err)))
        assert.equal(3000000, #res.body)
      end
    end, 20)
    assert.is_true(client:stats().connections_opened >= 10)
  end)

  it("costs no request where each connection takes but ten: the oldest go first again", function()
    local server = support.nginx { files = { page = 1000 }, keepalive_requests = 10 }
    local client = support.client()
    local numbers = {}
    for i = 1, 200 do numbers[i] = i end
    support.run(function()
      for number, res, err in rill.map(numbers, function(i) return client:get(server.url .. "/page?" .. i) end,
                                       { concurrency = 50 }) do
        assert(res, ("%d: %s"):format(number, tostring(err)))
        assert.is_true(res.attempts <= 7, ("number %d took %d attempts"):format(number, res.attempts))
      end
    end, 20)
  end)

  it("costs no request where each connection takes but one", function()
    local server = support.nginx { files = { page = 1000 }, keepalive_requests = 1 }
    local client = support.client { retries = 0 }
    local numbers = {}
    for i = 1, 60 do numbers[i] = i end
    support.run(function()
      for number, res, err in rill.map(numbers, function(i) return client:get(server.url .. "/page?" .. i) end,
                                       { concurrency = 30 }) do
        assert(res, ("%d: %s"):format(number, tostring(err)))
      end
    end, 20)
    assert.equal(60, client:stats().connections_opened)
    assert.equal(60, #server:wait_log(60))
  end)

  it("during a reload of nginx loses no request", function()
    local server = support.nginx { files = { page = 1000 } }
    local client = support.client()
    local numbers, reloaded = {}, false
    for i = 1, 600 do numbers[i] = i end
    support.run(function()
      local good = 0
      for i, res, err in rill.map(numbers, function(i) return client:get(server.url .. "/page?" .. i) end,
                                  { concurrency = 20 }) do
        assert(res, ("request %d: %s"):format(i, tostring(err)))
        good = good + 1
        if good == 200 then
          server:reload()
          reloaded = true
        end
      end
      assert.equal(600, good)
    end, 15)
    assert.is_true(reloaded)
    assert.is_true(client:stats().connections_opened >= 2)
  end)

  it("that excludes a request has it sent again on a new connection", function()
    local server, client = peer "goaway-not-processed"
    local res = support.run(function() return assert(client:get(server.url)) end)
    assert.equal(200, res.status)
    assert.equal(2, res.attempts)
    local ends = seen(client, server, 2)
    assert.equal(1, ends[1].streams)
    assert.equal(1, ends[2].streams)
    assert.same({}, ends[1].violations)
  end)

  it("in the middle of a batch costs no request", function()
    local server, client = peer "goaway-halfway-through-a-batch"
    support.run(function()
      local calls = {}
      for i = 1, 20 do calls[i] = function() return client:get(server.url) end end
      for _, result in ipairs(rill.all(calls)) do
        assert.equal(200, assert(result[1], tostring(result[2])).status)
      end
    end)
    local ends = seen(client, server, 2)
    for _, each in ipairs(ends) do assert.same({}, each.violations) end
    local sent = ends[1].streams + ends[2].streams -- the server may not have read those that it excluded
    assert.is_true(sent >= 20 and sent <= 30, ("only the ten that were excluded are sent twice: %d"):format(sent))
  end)

  for _, case in ipairs { "goaway-then-serve", "goaway-graceful" } do
    it(("lets a request that it covers finish (%s)"):format(case), function()
      local server, client = peer(case)
      local res = support.run(function() return assert(client:get(server.url)) end)
      assert.equal(200, res.status)
      assert.equal(1, res.attempts)
      assert.same({}, seen(client, server, 1)[1].violations)
    end)
  end

  it("while idle sends the next request to a new connection", function()
    local server, client = peer "goaway-when-done"
    support.run(function()
      assert.equal(200, assert(client:get(server.url)).status)
      support.wait(function() return client:stats().connections == 0 end, 2, "the connection to end")
      assert.equal(200, assert(client:get(server.url)).status)
    end)
    local ends = seen(client, server, 2)
    assert.equal(1, ends[1].streams)
    assert.equal(0, ends[1].streams_after_goaway)
    assert.equal(1, ends[2].streams)
  end)

  it("from every connection is followed by a few attempts, not by a storm", function()
    local server, client = peer "goaway-on-every-connection"
    local res, err = support.run(function() return client:get(server.url, { timeout = 60 }) end)
    assert.is_nil(res)
    assert.equal("no", err.processed)
    assert.is_true(client:stats().connections_opened <= 12, client:stats().connections_opened .. " connections")
  end)
end)

describe("a GOAWAY with an error", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("that excludes a request closes it as goaway and says that it was not processed", function()
    local server, client = peer "goaway-with-error"
    support.run(function()
      local res, err = client:get(server.url)
      assert.is_nil(res)
      assert.equal("goaway", err.reason)
      assert.equal("ENHANCE_YOUR_CALM", err.code)
      assert.equal("no", err.processed)
      assert.is_true(err.retry_safe)
    end)
  end)

  it("carries debug data that cannot upset a terminal", function()
    local server, client = peer "goaway-huge-debug"
    support.run(function()
      local _, err = client:get(server.url)
      assert.equal("goaway", err.reason)
      assert.is_nil(tostring(err):find "%c")
    end)
  end)

  it("in the middle of a body is no short success", function()
    local server, client = peer "goaway-mid-body"
    support.run(function()
      local res, err = client:get(server.url)
      assert.is_nil(res)
      assert.truthy(err.reason == "goaway" or err.reason == "connection_lost", err.reason)
      assert.equal("yes", err.processed)
    end)
  end)
end)

describe("a refused stream", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is sent again", function()
    local server, client = peer "rst-refused-once"
    local res = support.run(function() return assert(client:get(server.url)) end)
    assert.equal(200, res.status)
    assert.equal(2, res.attempts)
  end)

  it("is not sent again for ever", function()
    local server, client = peer "rst-refused-always"
    local res, err = support.run(function() return client:get(server.url) end)
    assert.is_nil(res)
    assert.equal("reset", err.reason)
    assert.equal("REFUSED_STREAM", err.code)
    assert.equal("no", err.processed)
    assert.is_true(err.retry_safe)
    local streams = 0
    for _, each in ipairs(seen(client, server, client:stats().connections_opened)) do
      streams = streams + each.streams
    end
    assert.equal(err.attempts, streams)
    assert.is_true(streams > 1 and streams <= 11, streams .. " streams")
  end)

  it("is only one that says REFUSED_STREAM: any other code ends the request", function()
    local server, client = peer "rst-before-headers-internal-error"
    support.run(function()
      local res, err = client:get(server.url)
      assert.is_nil(res)
      assert.equal("reset", err.reason)
      assert.equal("INTERNAL_ERROR", err.code)
      assert.equal("maybe", err.processed)
      assert.equal(1, err.attempts)
    end)
    assert.equal(1, seen(client, server, 1)[1].streams)
  end)
end)
