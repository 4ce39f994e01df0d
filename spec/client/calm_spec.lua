-- A server that resets streams with ENHANCE_YOUR_CALM because its session has no memory left, as node does.
local support = require "support"
local rill = require "rill"

describe("a request that is reset with ENHANCE_YOUR_CALM before a head", function()
  local node

  setup(function() node = support.node { script = "failing.js" } end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function request(method, query, options)
    local client = support.client(options)
    local url = ("%s/fail?%s&%s"):format(node.url, query, method)
    local res, err = support.run(function()
      return client:request { method = method, url = url, body = method == "POST" and "text" or nil }
    end)
    return res, err, client
  end

  for _, method in ipairs { "GET", "HEAD", "OPTIONS" } do
    it("is repeated after back-off, on the same connection: " .. method, function()
      local res, err, client = request(method, "with=calm")
      assert.equal(2, res and res.attempts, tostring(err))
      assert.equal(1, client:stats().connections_opened)
    end)
  end

  it("costs a retry each time", function()
    local _, err = request("GET", "with=calm*&two", { retries = 2 })
    assert.equal("reset", err.reason)
    assert.equal("ENHANCE_YOUR_CALM", err.code)
    assert.equal(3, err.attempts)
  end)

  it("is not repeated where it may do harm, or where the script does not want it", function()
    local _, err = request("POST", "with=calm")
    assert.equal(1, err.attempts)
    _, err = request("GET", "with=calm&wanted", { retry_idempotent = false })
    assert.equal(1, err.attempts)
  end)
end)

describe("a connection whose server asks for calm", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local server, other

  -- Waits until the server has seen so many requests for /hold, and returns how many of them it has seen.
  local function held(count)
    local function is_held(event) return event.event == "request" and event.path == "/hold" end
    return #server:wait_events(is_held, count)
  end

  local function tell(path)
    assert(other:get(server.url .. path))
  end

  it("carries half the streams once for all that are reset, and one more for as many responses", function()
    server, other = support.node { script = "held.js" }, support.client()
    local client = support.client { max_streams = 8, retries = 5 }
    support.run(function()
      local calls = {}
      for i = 1, 30 do calls[i] = function() return client:get(server.url .. "/hold") end end
      local results
      rill.spawn(function() results = rill.all(calls) end)
      assert.equal(8, held(8))
      tell "/calm"
      assert.equal(12, held(12))
      tell "/release" -- 4 responses: 5 streams at a time
      assert.equal(17, held(17))
      tell "/calm"
      assert.equal(19, held(19))
      while not results do tell "/release" end
      for _, result in ipairs(results) do assert(result[1], tostring(result[2])) end
      assert.equal(1, client:stats().connections_opened)
    end)
  end)

  it("carries one at least", function()
    server, other = support.node { script = "held.js" }, support.client()
    local client = support.client { max_streams = 1 }
    support.run(function()
      local call = rill.spawn(function() return client:get(server.url .. "/hold") end)
      assert.equal(1, held(1))
      tell "/calm"
      assert.equal(2, held(2))
      tell "/release"
      assert.equal(200, assert(call:join()).status)
    end)
  end)
end)

describe("node with the session memory it has by default", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function stop() return "stop" end

  for how, options in pairs { ["in whole"] = {}, ["up to a hook's stop"] = { on_headers = stop } } do
    it("loses none of 600 bodies of 300 KiB, a hundred at a time, " .. how, function()
      local node, client = support.node(), support.client()
      local left = 600
      local function items()
        left = left - 1
        return left >= 0 and left or nil
      end
      local function get() return client:get(node.url .. "/size?n=307200&announce=1", options) end
      support.run(function()
        for _, res, err in rill.map(items, get, { concurrency = 100 }) do assert(res, tostring(err)) end
      end, 30)
      assert.equal(600, client:stats().responses)
    end)
  end

  it("answers after 60 streams that were cancelled in mid-body, on another connection", function()
    local node, client = support.node(), support.client { window = 65536, max_window = 65536 }
    local url = node.url .. "/size?n=307200&announce=1"
    support.run(function()
      for _ = 1, 60 do
        local stream = assert(client:open { url = url })
        stream:headers()
        stream:cancel()
      end
      for _ = 1, 8 do assert.equal(307200, #assert(client:get(url)).body) end
      assert.is_true(client:stats().connections_opened > 1)
    end)
  end)
end)
