-- Until on_headers has answered the peer has a window of 64 KiB: what it wants no more of costs no more.
local support = require "support"
local rill = require "rill"

local KIB = 1024
local MIB = 2 ^ 20
local FIRST = 64 * KIB

describe("a stream with on_headers", function()
  local node

  before_each(function()
    support.begin()
    node = support.node()
  end)
  after_each(support.check_clean)

  local function stop() return "stop" end
  local function go_on() return nil end

  it("has received no more than 64 KiB when the hook stops it", function()
    for _, of in ipairs { "client", "request" } do
      local client = support.client { on_headers = of == "client" and stop or nil }
      support.run(function()
        local options = of == "request" and { on_headers = stop } or nil
        for _ = 1, 3 do
          local res = assert(client:get(node.url .. "/size?n=4000000", options))
          assert.equal("stopped", res.close_reason)
          assert.is_true(res.bytes_received <= FIRST, res.bytes_received)
        end
      end)
    end
  end)

  it("has received no more than that and one read where there are no windows", function()
    local plain = support.node { http1 = true, source = [[server.on('stream', (stream) => {
      stream.on('error', () => {}); // the client goes in the middle
      stream.respond();
      stream.end(Buffer.alloc(4000000));
    });]] }
    local client = support.client()
    support.run(function()
      for _ = 1, 20 do
        local res = assert(client:get(plain.url, { on_headers = stop }))
        assert.equal("stopped", res.close_reason)
        assert.is_true(res.bytes_received <= FIRST + 64 * KIB, res.bytes_received)
      end
      assert.equal(4000000, #assert(client:get(plain.url, { on_headers = go_on })).body)
    end)
    plain:stop()
  end)

  it("receives no more before somebody reads", function()
    local client = support.client()
    support.run(function()
      assert.equal(1, #assert(client:get(node.url .. "/size?n=1")).body)
      local stream = assert(client:open { url = node.url .. "/size?n=4000000", on_headers = go_on })
      support.wait(function() return stream.bytes_received == FIRST end, 15, "the window to be full")
      assert(client:get(node.url .. "/size?n=1"))
      assert.equal(FIRST, stream.bytes_received)
      assert.equal(4000000, #assert(stream:body()))
    end)
  end)

  it("receives all of it when the hook goes on, however the body is taken", function()
    for _, options in ipairs { {}, { window = 65535 }, { window = 3 * MIB }, { window = 1000 } } do
      local client = support.client(options)
      support.run(function()
        local url = node.url .. "/size?n=4000000"
        assert.equal(4000000, #assert(client:get(url, { on_headers = go_on })).body)
        local size = 0
        for chunk in assert(client:open { url = url, on_headers = go_on }):chunks() do size = size + #chunk end
        assert.equal(4000000, size)
        assert.equal(4000000, #assert(client:get(url, { on_headers = go_on, on_chunk = go_on })).body)
        local path = support.directory "head" .. "/file"
        assert(client:download(url, path, { on_headers = go_on }))
        assert.equal(4000000, #support.read(path))
      end)
    end
  end)

  it("leaves nothing of a download that it cancels", function()
    local client = support.client()
    support.run(function()
      local path = support.directory "head" .. "/file"
      local options = { on_headers = function() return "cancel" end }
      local _, err = client:download(node.url .. "/size?n=4000000", path, options)
      assert.equal("cancelled", err.reason)
      assert.is_nil(io.open(path, "rb"))
    end)
  end)

  it("leaves the windows of all others on its connection as they are", function()
    local client = support.client()
    support.run(function()
      local before = assert(client:open { url = node.url .. "/size?n=1300000&before" })
      support.wait(function() return before.bytes_received == MIB end, 15, "the window to be full")
      local hooked = assert(client:open { url = node.url .. "/size?n=1300000", on_headers = go_on })
      local tasks = {}
      for i = 1, 4 do
        tasks[i] = rill.spawn(function() return client:get(("%s/size?n=300000&i=%d"):format(node.url, i)) end)
      end
      local after = assert(client:open { url = node.url .. "/size?n=1300000&after" })
      support.wait(function() return after.bytes_received == MIB end, 15, "the window to be full")
      for i = 1, 4 do assert.equal(300000, #assert(tasks[i]:join()).body) end
      assert.equal(FIRST, hooked.bytes_received)
      assert.equal(1300000, #assert(before:body()))
      assert.equal(1300000, #assert(after:body()))
      assert.equal(1300000, #assert(hooked:body()))
      assert.equal(1, client:stats().connections_opened)
    end)
  end)
end)
