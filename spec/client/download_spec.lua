local dkjson = require "dkjson"
local rill = require "rill"
local support = require "support"

local node, web

local function names(directory)
  local list = {}
  for name in io.popen("ls -A '" .. directory .. "'"):lines() do list[#list + 1] = name end
  return list
end

describe("client:download", function()
  setup(function()
    node, web = support.node(), support.node { script = "web.js" }
  end)
  teardown(function()
    node:stop()
    web:stop()
  end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("writes the body to a file, and leaves nothing beside it", function()
    local client, place = support.client(), support.directory()
    support.run(function()
      local res = assert(client:download(node.url .. "/size?n=3000000", place .. "/big"))
      assert.equal(200, res.status)
      assert.equal(place .. "/big", res.path)
      assert.is_nil(res.body)
      assert.equal(3000000, res.bytes_received)
    end)
    assert.same({ "big" }, names(place))
    assert.equal(3000000, #support.read(place .. "/big"))
  end)

  it("replaces what stood there, and only when it is complete", function()
    local client, place = support.client(), support.directory()
    support.write(place .. "/page", "old")
    support.run(function()
      local res, err = client:download(node.url .. "/size?n=1000", place .. "/page", { maxsize = 100 })
      assert.is_nil(res)
      assert.equal("maxsize_exceeded_actual", err.reason)
      assert.equal("old", support.read(place .. "/page"))
      assert(client:download(node.url .. "/size?n=1000", place .. "/page"))
      assert.equal(1000, #support.read(place .. "/page"))
    end)
    assert.same({ "page" }, names(place))
  end)

  it("keeps the body of another status in memory", function()
    local client, place = support.client(), support.directory()
    support.run(function()
      local res = assert(client:download(node.url .. "/status?n=404", place .. "/page"))
      assert.equal(404, res.status)
      assert.is_nil(res.path)
      assert.equal("string", type(res.body))
    end)
    assert.same({}, names(place))
  end)

  it("writes a file without a byte where a 2xx has no body", function()
    local client, place = support.client(), support.directory()
    support.run(function()
      for _, options in ipairs { {}, { resume = true }, { on_progress = function() end } } do
        local res = assert(client:download(node.url .. "/status?n=204", place .. "/page", options))
        assert.same({ 204, place .. "/page" }, { res.status, res.path })
        assert.equal("", support.read(place .. "/page"))
        os.remove(place .. "/page")
      end
    end)
    assert.same({}, names(place))
  end)

  it("is turned away by on_headers before anything is written", function()
    local client, place = support.client(), support.directory()
    support.run(function()
      local _, err = client:download(node.url .. "/size?n=3000000", place .. "/big", {
        on_headers = function() return "cancel" end,
      })
      assert.equal("cancelled", err.reason)
      local res = assert(client:download(node.url .. "/size?n=3000000", place .. "/whole", {
        on_headers = function() return nil end,
      }))
      assert.equal(place .. "/whole", res.path)
    end)
    assert.same({ "whole" }, names(place))
    assert.equal(3000000, #support.read(place .. "/whole"))
  end)

  local function raises() error("no", 0) end
  local answers = { stop = function() return "stop" end, cancel = function() return "cancel" end, raises = raises }

  -- Nothing shows that a body was not wanted but the hook: also one that has come whole before it is asked.
  for name, hook in pairs(answers) do
    it("leaves what stood there when on_headers ends it: " .. name, function()
      local place = support.directory()
      support.write(place .. "/page", "old")
      local client, watched = support.client(), support.client { on_headers = hook }
      support.run(function()
        for _, size in ipairs { 0, 1, 1000, 60000, 3000000 } do
          local url = node.url .. "/size?n=" .. size
          for i, result in ipairs {
            { client:download(url, place .. "/page", { on_headers = hook }) },
            { client:download(url, place .. "/page", { on_headers = hook, on_progress = function() end }) },
            { watched:download(url, place .. "/page") },
          } do
            local res, err = result[1], result[2]
            local what = ("%d bytes, way %d"):format(size, i)
            assert.equal("old", support.read(place .. "/page"), what)
            if name == "stop" then
              assert.is_nil(assert(res, err).path, what)
              assert.is_true(res.flags.stopped, what)
            else
              assert.is_nil(res, what)
              assert.equal(name == "cancel" and "cancelled" or "error", err.reason, what)
            end
          end
        end
      end)
      assert.same({ "page" }, names(place))
    end)
  end

  it("writes every body that on_headers lets through", function()
    local client, place = support.client(), support.directory()
    support.run(function()
      for _, size in ipairs { 0, 1, 1000, 60000, 3000000 } do
        local res = assert(client:download(node.url .. "/size?n=" .. size, place .. "/page", {
          on_headers = function() return nil end,
        }))
        assert.equal(place .. "/page", res.path)
        assert.equal("ended", res.close_reason)
        assert.equal(size, #support.read(place .. "/page"))
      end
    end)
  end)

  it("leaves no file where the body breaks off, or the task is cancelled", function()
    local client, place = support.client(), support.directory()
    local broken = support.hostile { case = "close-mid-body-with-length" }
    local breaking = support.client { tls = { ca_file = broken.ca } }
    support.run(function()
      local _, err = breaking:download(broken.url, place .. "/broken")
      assert.equal("connection_lost", err.reason, tostring(err))
      local task = rill.spawn(function() return client:download(node.url .. "/size?n=300000000", place .. "/big") end)
      support.wait(function() return #names(place) == 1 end, 20)
      task:cancel()
      task:join()
    end)
    assert.same({}, names(place))
  end)

  it("says which file cannot be written, and why", function()
    local client = support.client()
    support.run(function()
      local _, err = client:download(node.url .. "/size?n=10", "/nowhere/at/all")
      assert.equal("file_error", err.reason)
      assert.truthy(err.message:find("/nowhere/at/all: No such file or directory", 1, true), err.message)
      _, err = client:download(node.url .. "/size?n=10", "/dev/full/x")
      assert.equal("file_error", err.reason)
      assert.equal(200, assert(client:get(node.url .. "/size?n=1")).status)
    end)
  end)

  it("has no HEAD: from C a path is refused there, since a HEAD request has no body to save", function()
    local ffi, C = require "ffi", require "rill.clib"
    local client, path = support.client(), support.directory() .. "/page"
    local request, id, err = ffi.new "rill_request", ffi.new "rill_id", ffi.new "rill_error"
    local url = node.url .. "/size?n=1000"
    C.rill_request_init(request)
    request.method, request.method_length, request.url, request.url_length = "HEAD", 4, url, #url
    request.save_path = path
    local code = C.rill_request_start(require("rill.runtime").loop(), client._id, request, id, err)
    assert.equal(-C.RILL_ARGUMENT, code)
    assert.equal("save_path: a HEAD request has no body to save", ffi.string(err.message))
    assert.equal(0, support.counters().requests)
    support.run(function()
      assert.error_matches(function() client:download(url, path, { method = "HEAD" }) end, "method")
    end)
  end)

  it("keeps no part whose validator no field may hold, so that it cannot be sent back", function()
    local answer = 'HTTP/1.1 200 OK\r\netag: "a\1b"\r\ncontent-length: 10\r\n\r\nhello'
    local server = support.http1 { ["/f"] = { answer, ends = "fin" } }
    local client, place = support.client(), support.directory()
    support.run(function()
      for _ = 1, 2 do
        local res, err = client:download(server.url .. "/f", place .. "/f", { resume = true, retries = 0 })
        assert.same({ nil, "connection_lost" }, { res, err.reason })
        assert.same({}, names(place))
      end
    end)
    server:stop()
  end)

  it("sends the method and the body that options name, and follows redirects as other calls", function()
    local client, path = support.client(), support.directory() .. "/page"
    local function sent(url, options)
      local res = assert(client:download(url, path, options))
      assert.equal(path, res.path)
      local seen = dkjson.decode(support.read(path))
      return ("%s %s %s"):format(seen.method, seen.body, seen.fields["content-type"] or "-")
    end
    local function pieces()
      local left = { "a", "=", "b" }
      return function() return table.remove(left, 1) end
    end
    support.run(function()
      local url, watch = web.url .. "/echo", function() end
      assert.equal("POST a=b -", sent(url, { method = "POST", body = "a=b" }))
      assert.equal("PUT a=b -", sent(url, { method = "PUT", body = pieces() }))
      assert.equal("PUT a=b -", sent(url, { method = "PUT", body = pieces(), on_progress = watch }))
      assert.equal("POST a=b application/x-www-form-urlencoded",
        sent(url, { method = "POST", body = rill.form { a = "b" }, on_progress = watch }))
      assert.equal("DELETE  -", sent(url, { method = "DELETE" }))
      for _, hook in ipairs { false, watch } do
        local options = { method = "POST", body = "a=b", on_progress = hook or nil }
        assert.equal("GET  -", sent(web.url .. "/to?status=303&location=/echo", options))
        assert.equal("POST a=b -", sent(web.url .. "/to?status=307&location=/echo", options))
      end
    end)
  end)

  it("raises for what no file could hold, and what could not go on", function()
    local client = support.client()
    local function refused(options, why)
      assert.error_matches(function() client:download(node.url, "x", options) end, "^client:download: " .. why)
    end
    support.run(function()
      refused({ method = "HEAD" }, "method HEAD brings no body that could go to a file")
      refused({ method = "POST", resume = true }, 'resume is for a GET without a body, got "POST"')
      refused({ body = "a", resume = true }, "resume is for a GET without a body, got a body")
      refused({ body = rill.streaming }, "a body of rill.streaming")
      refused({ method = 5 }, "method must be a string, got 5")
      refused({ method = "P T" }, ".*method")
      refused({ body = 5 }, "body must be")
    end)
  end)

  it("raises for a path that is none, and for on_chunk", function()
    local client = support.client()
    support.run(function()
      assert.error_matches(function() client:download(node.url, 5) end, "client:download: path must be a string")
      assert.error_matches(function() client:download(node.url, "x", { on_chunk = print }) end, "on_chunk")
    end)
  end)
end)
