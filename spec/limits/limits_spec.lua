local support = require "support"
local rill = require "rill"

local wait_timeout = require("support.silent").wait_timeout
local CANCEL = 8 -- RFC 9113 section 7
local LIMITS = support.here .. "/cases/limits.py"

-- The paths of the requests the server saw, in order, and the most that were open at once.
local function requests(server)
  local paths, most = {}, 0
  for _, event in ipairs(server:events()) do
    if event.event == "request" then
      paths[#paths + 1] = event.path
      most = math.max(most, event.open)
    end
  end
  return paths, most
end

local function saw(server, path)
  return function()
    for _, each in ipairs((requests(server))) do
      if each == path then return true end
    end
  end
end

local function is(name)
  return function(event) return event.event == name end
end

describe("streams beyond the limit", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function crowd(server, client)
    local expected, calls = {}, {}
    for i = 1, 12 do
      expected[i] = "/slow?ms=20&i=" .. i
      calls[i] = function() return client:get(server.url .. expected[i]) end
    end
    support.run(function()
      for _, result in ipairs(rill.all(calls)) do assert.equal(200, assert(result[1]).status) end
    end)
    local paths, most = requests(server)
    assert.same(expected, paths)
    assert.equal(1, client:stats().connections_opened)
    assert.equal(12, client:stats().attempts, "none was refused by the server")
    return most
  end

  it("wait, first in first out, where max_streams is the limit", function()
    assert.equal(3, crowd(support.node(), support.client { max_streams = 3 }))
  end)

  it("wait, first in first out, where the server's setting is the limit", function()
    local server = support.node { settings = { maxConcurrentStreams = 2 } }
    assert.equal(2, crowd(server, support.client()))
  end)

  it("wait until the server raises its limit from zero", function()
    local server = support.hostile { case = "settings-zero-streams-then-100" }
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      local function get() return client:get(server.url) end
      local results = rill.all { get, get } -- the first is sent before the limit is known
      for _, result in ipairs(results) do assert.equal(200, assert(result[1], tostring(result[2])).status) end
      assert.is_true(results[2][1].timings.queue > 0.8, results[2][1].timings.queue .. " s in the queue")
      client:close()
      assert.same({}, server:ends(1)[1].violations)
    end)
  end)

  it("keep to a limit that shrinks", function()
    local server = support.hostile { case = "settings-limit-shrinks" }
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      local calls = {}
      for i = 1, 50 do calls[i] = function() return client:get(server.url) end end
      for _, result in ipairs(rill.all(calls)) do assert.equal(200, assert(result[1]).status) end
      client:close()
      assert.same({}, server:ends(1)[1].violations)
    end)
  end)

  it("fail as queue timeout, unseen by the server, when queue_timeout runs out", function()
    local server = support.node()
    local client = support.client { max_streams = 1, queue_timeout = 0.2 }
    support.run(function()
      local first = rill.spawn(function() return client:get(server.url .. "/hold") end)
      support.wait(saw(server, "/hold"), 10)
      local res, err = client:get(server.url .. "/echo")
      assert.is_nil(res)
      assert.equal("timeout", err.reason)
      assert.equal("queue", err.phase)
      assert.equal("no", err.processed)
      first:cancel()
    end)
    assert.same({ "/hold" }, (requests(server)))
  end)
end)

describe("max_connections", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("closes the idle connection of one origin, gracefully, for another origin", function()
    local first, second = support.node(), support.node()
    local client = support.client { max_connections = 1 }
    support.run(function()
      assert(client:get(first.url .. "/echo"))
      assert(client:get(second.url .. "/echo"))
      assert.equal(0, first:wait_events(is "goaway")[1].code)
      first:wait_events(is "session_close")
    end)
    assert.equal(1, client:stats().connections)
    assert.equal(2, client:stats().connections_opened)
  end)

  it("keeps a connection for its own origin's requests that wait", function()
    local first, second = support.node(), support.node()
    local client = support.client { max_connections = 1, max_streams = 1 }
    support.run(function()
      local tasks = {}
      for i = 1, 10 do
        local server = i <= 5 and first or second
        tasks[i] = rill.spawn(function() return client:get(server.url .. "/echo") end)
      end
      for i = 1, 10 do assert.equal(200, assert(tasks[i]:join()).status) end
    end)
    assert.equal(2, client:stats().connections_opened)
  end)

  it("lets a request wait while every connection is busy", function()
    local first, second = support.node(), support.node()
    local client = support.client { max_connections = 1 }
    support.run(function()
      local busy = rill.spawn(function() return client:get(first.url .. "/slow?ms=300") end)
      support.wait(saw(first, "/slow?ms=300"), 10)
      local waiting = rill.spawn(function() return client:get(second.url .. "/echo") end)
      assert.equal(200, assert(busy:join()).status)
      assert.equal(0, #requests(second), "the second origin was dialled while the first was busy")
      assert.equal(200, assert(waiting:join()).status)
    end)
  end)
end)

describe("idle_timeout", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("closes a connection gracefully, and the next request opens another", function()
    local server = support.hostile { case = "baseline-small" }
    local client = support.client { tls = { ca_file = server.ca }, idle_timeout = 3 }
    support.run(function()
      assert(client:get(server.url))
      local last = server:ends(1)[1]
      assert.equal("NO_ERROR", last.client_goaway)
      assert.is_nil(last.ended_by, "close_notify, then FIN") -- or it says who broke the connection off
      assert.same({}, last.violations)
      assert.equal(0, client:stats().connections)
      assert.equal(200, assert(client:get(server.url)).status)
      assert.equal(2, client:stats().connections_opened)
    end)
  end)

  it("ends a connection on which nothing moves, with the streams that wait for a response", function()
    local server = support.node()
    local client = support.client { idle_timeout = 3, timeout = 0, retry_idempotent = false }
    support.run(function()
      local res, err = client:get(server.url .. "/hold")
      assert.is_nil(res)
      assert.equal("timeout", err.reason)
      assert.equal("idle", err.phase)
      assert.equal("maybe", err.processed)
      assert.equal(0, client:stats().connections)
    end)
  end)

  it("spares a connection that a slow reader of ours holds back", function()
    local server = support.node()
    local options = { idle_timeout = 3, timeout = 0, retries = 0, window = 65535, max_window = 65535 }
    local client, other = support.client(options), support.client(options)
    support.run(function()
      local stream = assert(client:open { url = server.url .. "/size?n=300000" })
      support.wait(function() return stream.bytes_received == 65535 end, 10)
      local _, err = other:get(server.url .. "/hold") -- for as long as that takes, nothing moves on the first one
      assert.equal("idle", err.phase)
      assert.equal(300000, #assert(stream:body()))
      assert.equal(1, client:stats().connections_opened)
    end)
  end)
end)

describe("timeout", function()
  local server

  setup(function() server = support.node() end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("ends a request whose head does not come, and tells the server", function()
    local client = support.client()
    support.run(function()
      assert(client:get(server.url .. "/echo")) -- the connection is there
      local started = rill.now()
      local res, err = client:get(server.url .. "/hold?timeout", { timeout = 0.3 })
      local took = rill.now() - started
      assert.is_nil(res)
      assert.equal("timeout", err.reason)
      assert.equal("headers", err.phase)
      assert.equal("maybe", err.processed)
      assert.is_true(took > 0.25, ("took %g s"):format(took))
      local closed = server:wait_events(function(event)
        return event.event == "stream_close" and event.path == "/hold?timeout"
      end)
      assert.equal(CANCEL, closed[1].code)
    end)
  end)

  it("leaves the other streams of the connection alone", function()
    local client = support.client()
    support.run(function()
      local slow = rill.spawn(function() return client:get(server.url .. "/slow?ms=500") end)
      local _, err = client:get(server.url .. "/hold", { timeout = 0.2 })
      assert.equal("timeout", err.reason)
      assert.equal(200, assert(slow:join()).status)
      assert.equal(1, client:stats().connections_opened)
    end)
  end)

  it("ends a body that does not go on, in phase body", function()
    local hostile = support.hostile { case = "silent-after-headers" }
    local client = support.client { tls = { ca_file = hostile.ca } }
    support.run(function()
      assert(client:get((hostile.url:gsub("[^/]+$", "baseline-small")))) -- the connection stands
      local err = wait_timeout("body", function() return client:get(hostile.url, { timeout = 3 }) end)
      assert.equal(200, err.status)
      assert.equal("yes", err.processed)
    end)
  end)

  it("ends a body that trickles in for ever", function()
    local hostile = support.hostile { case = "slow-body-for-ever" }
    local client = support.client { tls = { ca_file = hostile.ca } }
    support.run(function()
      assert(client:get((hostile.url:gsub("[^/]+$", "baseline-small")))) -- the connection stands
      wait_timeout("body", function() return client:get(hostile.url, { timeout = 3 }) end)
    end)
  end)
end)

describe("maxsize", function()
  local server

  setup(function() server = support.node() end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("turns an announced body away before it comes", function()
    local hostile = support.hostile { case = "body-256mib-over-maxsize" }
    local client = support.client { tls = { ca_file = hostile.ca }, maxsize = 2 ^ 20 }
    support.run(function()
      local res, err = client:get(hostile.url)
      assert.is_nil(res)
      assert.equal("maxsize_exceeded", err.reason)
      assert.equal(256 * 2 ^ 20, err.expected)
      assert.equal(2 ^ 20, err.limit)
      client:close()
      local last = hostile:ends(1)[1]
      assert.is_true(last.bytes_out < 24 * 2 ^ 20, last.bytes_out .. " bytes sent")
      assert.equal(1, last.client_resets.CANCEL)
    end)
  end)

  it("stops an unannounced body where it is passed", function()
    local client = support.client { maxsize = 1000 }
    support.run(function()
      local res, err = client:get(server.url .. "/size?n=200000")
      assert.is_nil(res)
      assert.equal("maxsize_exceeded_actual", err.reason)
      assert.equal(1000, err.limit)
    end)
  end)

  it("lets exactly that size pass, announced or not", function()
    local client = support.client { maxsize = 1000 }
    support.run(function()
      assert.equal(1000, #assert(client:get(server.url .. "/size?n=1000")).body)
      assert.equal(1000, #assert(client:get(server.url .. "/size?n=1000&announce=1")).body)
      assert.equal("maxsize_exceeded", select(2, client:get(server.url .. "/size?n=1001&announce=1")).reason)
      assert.equal("maxsize_exceeded_actual", select(2, client:get(server.url .. "/size?n=1001")).reason)
    end)
  end)

  it("is off at 0, and a request's own goes before the client's", function()
    local client = support.client { maxsize = 1000 }
    support.run(function()
      local res = assert(client:get(server.url .. "/size?n=200000", { maxsize = 0 }))
      assert.equal(200000, #res.body)
      assert.equal(2000, #assert(client:get(server.url .. "/size?n=2000", { maxsize = 5000 })).body)
    end)
  end)

  it("is not applied to HEAD", function()
    local nginx = support.nginx { files = { page = 5000 } }
    local client = support.client { maxsize = 1000 }
    support.run(function()
      local res = assert(client:head(nginx.url .. "/page"))
      assert.equal(200, res.status)
      assert.equal("5000", res.headers["content-length"])
      assert.equal("", res.body)
    end)
  end)
end)

describe("max_header_list", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("fails a response whose head is larger, and spares one below", function()
    local server = support.node()
    local client = support.client { max_header_list = 4000 }
    support.run(function()
      assert.equal(3000, #assert(client:get(server.url .. "/bigheader?n=3000")).headers["x-big"])
      local res, err = client:get(server.url .. "/bigheader?n=5000")
      assert.is_nil(res)
      assert.equal("protocol_error", err.reason)
      assert.equal(200, assert(client:get(server.url .. "/echo")).status)
    end)
  end)

  for _, case in ipairs { "header-list-1mib", "header-list-10000-fields" } do
    it(("holds by default (%s)"):format(case), function()
      local server = support.hostile { case = case }
      local client = support.client { tls = { ca_file = server.ca } }
      support.run(function()
        local res, err = client:get(server.url)
        assert.is_nil(res)
        assert.equal("protocol_error", err.reason)
      end)
    end)
  end
end)

describe("the header fields of a request", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("are raised when they are larger than any server takes, and sent or refused by the server below that", function()
    local server = support.node()
    local client = support.client { timeout = 30 }
    support.run(function()
      assert.error_matches(function()
        client:get(server.url .. "/echo", { headers = { ["x-big"] = ("x"):rep(300 * 1024) } })
      end, "header fields have %d+ bytes, more than 262144")
      local res, err = client:get(server.url .. "/echo", { headers = { ["x-big"] = ("x"):rep(70000) } })
      assert.is_true(res ~= nil or err.reason ~= "timeout", tostring(err)) -- node's own limit is below
      assert.equal(200, assert(client:get(server.url .. "/echo")).status)
    end)
  end)
end)

describe("requests with large header fields", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("wait, but for 256 KiB of them, while the server is slow to read", function()
    local REQUESTS, SIZE, MORE = 400, 60000, 3 * 2 ^ 20
    local server = support.hostile { case = "slow-to-read", extra = LIMITS }
    local client = support.client { tls = { ca_file = server.ca }, max_streams = REQUESTS }
    local options = { headers = { ["x-large"] = ("{"):rep(SIZE) } } -- Huffman's code does not make it smaller
    support.run(function()
      assert(client:get(server.url)) -- the connection stands, and knows its limits
      local held, most, done, calls = support.counters().bytes, 0, false, {}
      for i = 1, REQUESTS do calls[i] = function() return client:get(server.url, options) end end
      local watcher = rill.spawn(function()
        while not done do
          most = math.max(most, support.counters().bytes - held)
          rill.sleep(0)
        end
      end)
      for _, result in ipairs(rill.all(calls)) do assert.equal(200, assert(result[1], tostring(result[2])).status) end
      done = true
      watcher:join()
      assert.is_true(most < REQUESTS * SIZE + MORE, most .. " bytes for the requests, and on their way")
      assert.equal(1, client:stats().connections_opened)
    end, 20)
  end)
end)

describe("the budget for frames of no use", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is not spent by empty frames that end empty responses", function()
    local server = support.nghttpd { files = { empty = 0 } }
    local client = support.client()
    local numbers = {}
    for i = 1, 21000 do numbers[i] = i end -- more than SESSION_POINTS
    support.run(function()
      for _, res, err in rill.map(numbers, function() return client:get(server.url .. "/empty") end,
                                  { concurrency = 100 }) do
        assert(res, tostring(err))
      end
    end, 20)
    assert.equal(1, client:stats().connections_opened)
  end)
end)
