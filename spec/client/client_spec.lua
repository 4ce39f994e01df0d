local rill = require "rill"
local support = require "support"

describe("a client", function()
  local node

  setup(function() node = support.node() end)
  teardown(function() node:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("counts what it does", function()
    local hostile = support.hostile { case = "rst-mid-body-cancel" }
    local client = support.client { tls = { verify = false } }
    support.run(function()
      assert.same({}, client:stats().closed)
      assert.equal(0, client:stats().requests)
      for i = 1, 3 do assert(client:get(node.url .. "/size?n=1000&i=" .. i)) end
      assert.is_nil((client:get(hostile.url)))
      assert.is_nil((client:get(node.url .. "/hold", { timeout = 0.1 })))
      local stats = client:stats()
      assert.equal(5, stats.requests)
      assert.equal(5, stats.attempts)
      assert.equal(3, stats.responses)
      assert.equal(2, stats.connections)
      assert.equal(2, stats.connections_opened)
      assert.equal(2, stats.handshakes)
      assert.equal(0, stats.resumptions)
      assert.equal(0, stats.streams)
      assert.equal(0, stats.pending)
      assert.equal(0, stats.retries)
      assert.is_true(stats.bytes_received > 3000 and stats.bytes_sent > 0)
      assert.equal("number", type(stats.buffered))
      assert.same({ ended = 3, reset = 1, timeout = 1 }, stats.closed)
    end)
  end)

  it("keeps its connection from one run to the next", function()
    local client = support.client()
    for _ = 1, 2 do
      support.run(function() assert(client:get(node.url .. "/size?n=1")) end)
    end
    assert.equal(1, client:stats().connections_opened)
  end)

  it("may be closed twice, and raises when it is used afterwards", function()
    local client = support.client()
    support.run(function()
      assert(client:get(node.url .. "/size?n=1"))
      client:close()
      client:close()
      for _, call in ipairs {
        function() client:get(node.url .. "/") return end,
        function() client:post(node.url .. "/", "x") return end,
        function() client:open { url = node.url .. "/" } return end,
        function() client:stats() return end,
      } do
        local ok, message = pcall(call)
        assert.is_false(ok)
        assert.truthy(message:find("closed", 1, true), message)
        assert.truthy(message:find("client_spec.lua", 1, true), message)
      end
    end)
  end)

  it("ends what is sent as cancelled and what is not as inactive when it closes", function()
    local client = support.client { max_streams = 1 }
    support.run(function()
      local sent = rill.spawn(client.get, client, node.url .. "/hold?close")
      node:wait_events(function(event) return event.path == "/hold?close" end)
      local unsent = rill.spawn(client.get, client, node.url .. "/hold?unsent")
      rill.sleep(0)
      client:close()
      local _, err = sent:join()
      assert.equal("cancelled", err.reason)
      assert.equal(499, err.status)
      assert.equal("maybe", err.processed)
      _, err = unsent:join()
      assert.equal("inactive", err.reason)
      assert.is_true(err.retry_safe)
    end)
  end)

  it("closes when a script drops it", function()
    support.run(function()
      local client = rill.client { tls = { ca_file = support.ca().file } }
      assert(client:get(node.url .. "/size?n=1"))
      assert.equal(1, support.counters().clients)
      client = nil -- luacheck: ignore
      support.wait(function()
        jit.flush() -- compiled code keeps what it was made for
        collectgarbage()
        return support.counters().clients == 0 and support.counters().connections == 0
      end, 3, "the client to close")
    end)
  end)

  it("lives as long as a request of it", function()
    support.run(function()
      local task = rill.spawn(function()
        return rill.client({ tls = { ca_file = support.ca().file } }):get(node.url .. "/slow?ms=100")
      end)
      node:wait_events(function(event) return event.path == "/slow?ms=100" end)
      collectgarbage()
      collectgarbage()
      assert.equal("ok", assert(task:join()).body)
    end)
  end)

  it("warns through its own hook, or the one of rill", function()
    local default = rill.on_warning
    local function warning(options)
      local message
      local function hook(text) message = text end
      if options.own then options.on_warning, options.own = hook, nil else rill.on_warning = hook end
      local client = support.client(options)
      support.run(function()
        assert(client:post(node.url .. "/echo", "12345", { headers = { ["content-length"] = "6" } }))
        rill.sleep(0)
      end)
      rill.on_warning = default
      return message
    end
    assert.truthy(warning { own = true }:find("content-length", 1, true))
    assert.truthy(warning {}:find("content-length", 1, true))
  end)

  it("names itself and the URL with a warning; a hook that raises is reported as one", function()
    local on_error, reported, seen = rill.on_error, {}, nil
    rill.on_error = function(...) reported = { ... } end
    local client = support.client { on_warning = function(_, fields)
      seen = fields
      error "boom"
    end }
    support.run(function()
      assert(client:post(node.url .. "/echo?a=b", "12345", { headers = { ["content-length"] = "6" } }))
      rill.sleep(0)
    end)
    rill.on_error = on_error
    assert.equal(client, seen.client)
    assert.equal(node.url .. "/echo?a=b", seen.url)
    assert.matches("^on_warning raised: .*boom$", reported[1])
    assert.equal("on_warning", reported[2].hook)
  end)
end)
