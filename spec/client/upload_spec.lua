local dkjson = require "dkjson"
local rill = require "rill"
local support = require "support"

local MIB = 2 ^ 20
local HIGH_WATER = 256 * 1024 -- bytes that a body may be queued beyond the window

local node

local function sha256(text)
  local path = support.write(support.directory "sha" .. "/text", text)
  local pipe = io.popen("sha256sum " .. path)
  local digest = pipe:read "*a":match "^%x+"
  pipe:close()
  return digest
end

-- A body function over a text, in pieces of `size` bytes.
local function pieces(text, size)
  local at = 1
  return function()
    if at > #text then return nil end
    local piece = text:sub(at, at + size - 1)
    at = at + size
    return piece
  end
end

local function closed_with(server, path)
  return server:wait_events(function(event) return event.event == "stream_close" and event.path == path end)[1].code
end

-- A body whose pieces are all empty, to the end of a deadline and until another task has done something. In a process
-- of its own: what gives nobody a turn never comes back.
local EMPTY = [[
  local url, ca = ...
  rill.run(function()
    local client = rill.client { tls = { ca_file = ca } }
    local function nothing() return "" end
    tell(select(2, client:post(url, nothing, { timeout = 0.2 })).reason)
    tell(select(2, rill.timeout(0.2, client.post, client, url, nothing)).reason)
    local other = rill.spawn(function() return client:get(url) end)
    local ended = false
    rill.spawn(function() ended = other:join() ~= nil end)
    tell(client:post(url, function() return not ended and "" or nil end).status)
  end)
]]

local function with_node()
  before_each(function()
    support.begin()
    node = support.node()
  end)
  after_each(support.check_clean)
end

local function hostile(case)
  local server = support.hostile { case = case }
  return server, support.client { tls = { ca_file = server.ca } }
end

describe("a request body", function()
  with_node()

  local function echo(body, options)
    local client = support.client()
    return support.run(function()
      local seen = dkjson.decode(assert(client:post(node.url .. "/echo", body, options)).body)
      for _, field in ipairs(seen.fields) do seen[field[1]] = field[2] end
      return seen
    end)
  end

  it("is a file's content, with its length", function()
    local text = support.content(3 * MIB + 5)
    local path = support.write(support.directory "upload" .. "/file", text)
    local seen = echo { file = path }
    assert.equal(#text, seen.length)
    assert.equal(sha256(text), seen.sha256)
    assert.equal(tostring(#text), seen["content-length"])
    assert.equal(0, echo { file = support.write(path .. ".empty", "") }.length)
  end)

  it("is a file_error where the file cannot be read, before anything is sent", function()
    local client = support.client()
    support.run(function()
      for _, path in ipairs { "/nowhere/at/all", "/tmp", "/proc/self/fd" } do
        local res, err = client:post(node.url .. "/echo", { file = path })
        assert.is_nil(res)
        assert.equal("file_error", err.reason)
        assert.equal("no", err.processed)
        assert.truthy(err.message:find(path, 1, true), err.message)
      end
    end)
    assert.equal(0, client:stats().connections_opened)
  end)

  it("is asked of a function, piece by piece, which may wait", function()
    local text = support.content(2 * MIB)
    assert.equal(sha256(text), echo(pieces(text, 50000)).sha256)
    local count = 0
    local seen = echo(function()
      count = count + 1
      rill.sleep(0.01)
      return count <= 3 and ("%d"):format(count) or nil
    end)
    assert.equal(3, seen.length)
    assert.is_nil(seen["content-length"])
    assert.equal(0, echo(function() end).length)
  end)

  it("is written to a stream", function()
    local text = support.content(2 * MIB)
    local client = support.client()
    support.run(function()
      local stream = assert(client:open { url = node.url .. "/echo", method = "PUT", body = rill.streaming })
      for piece in pieces(text, 70000) do assert.is_true(stream:write(piece)) end
      assert.is_true(stream:write "")
      assert.is_nil(stream.request_content_length)
      assert.is_true(stream:finish())
      local seen = dkjson.decode(assert(stream:body()))
      assert.equal(sha256(text), seen.sha256)
      assert.equal("PUT", seen.pseudo.method)
      assert.equal(#text, stream.bytes_sent)
      assert.is_true(stream.closed_local)
    end)
  end)

  it("is accounted for: its length, what is left of it, what was sent", function()
    local server, client = hostile "upload-read-in-part" -- 64 KiB, then no window
    support.run(function()
      local stream = assert(client:open { url = server.url, method = "POST", body = ("x"):rep(MIB) })
      assert.equal(MIB, stream.request_content_length)
      assert.equal(MIB, stream.remaining_content_length)
      assert.is_false(stream.request_sent)
      support.wait(function() return stream.bytes_sent == 65535 end, 2, "the window to be used up")
      assert.equal(MIB - 65535, stream.remaining_content_length)
      assert.is_true(stream.request_sent)
      assert.is_false(stream.closed_local)
      assert.is_false(stream.closed_remote)
      stream:cancel()
      stream:closed()
      assert.equal(65535, stream.bytes_sent)
      stream = assert(client:open { url = server.url })
      assert.equal(0, stream.request_content_length)
      stream:cancel()
    end)
  end)

  it("tells how long the peer's window held it back", function()
    local server, client = hostile "window-raised-mid-upload" -- which waits for 0.1 s
    support.run(function()
      local timings = assert(client:post(server.url, ("x"):rep(200 * 1024))).timings
      assert.is_true(timings.stalled_remote > 0.05, timings.stalled_remote .. " s")
      assert.equal(0, timings.stalled_local)
    end)
  end)

  it("goes both ways at once", function()
    local own = support.node { source = [[
      server.on('stream', (stream) => { stream.respond({ ':status': 200 }); stream.pipe(stream); });
    ]] }
    local client = support.client()
    support.run(function()
      local stream = assert(client:open { url = own.url .. "/", method = "POST", body = rill.streaming })
      for i = 1, 10 do
        local text = ("message %d"):format(i)
        assert(stream:write(text))
        assert.equal(text, stream:read())
      end
      assert(stream:finish())
      assert.is_nil((stream:read()))
      assert.equal("ended", stream.close_reason)
    end)
  end)

  it("of 1 MiB, ten at once, comes to each its own reply", function()
    local client = support.client()
    support.run(function()
      local texts, calls = {}, {}
      for i = 1, 10 do
        texts[i] = i .. support.content(MIB)
        calls[i] = function() return client:post(node.url .. "/echo", texts[i]) end
      end
      for i, result in ipairs(rill.all(calls)) do
        assert.equal(sha256(texts[i]), dkjson.decode(assert(result[1]).body).sha256)
      end
      assert.equal(1, client:stats().connections_opened)
      assert.equal(0, client:stats().streams)
    end)
  end)

  it("is followed by trailers: a map or a function, the option's or those of finish", function()
    local client = support.client()
    support.run(function()
      local function seen(given)
        given.url, given.method = node.url .. "/echo", "POST"
        local res = assert(client:request(given))
        return dkjson.decode(res.body).trailers
      end
      local path = support.write(support.directory "upload" .. "/file", "text")
      for _, body in ipairs { "text", "", { file = path }, function() end } do
        assert.same({ ["x-sum"] = "1" }, seen { body = body, trailers = { ["X-Sum"] = "1" } })
        assert.same({ ["x-sum"] = "2" }, seen { body = body, trailers = function() return { ["x-sum"] = 2 } end })
      end
      assert.same({ ["x-sum"] = "3" }, seen { trailers = { ["x-sum"] = "3" } })
      local length = 0
      assert.same({ ["x-length"] = "10" }, seen {
        body = pieces(("x"):rep(10), 3),
        trailers = function() return { ["x-length"] = 10 + length } end,
      })
      local cases = { { { a = "1" }, nil, "1" }, { { a = "1" }, { a = "2" }, "2" }, { nil, { a = "3" }, "3" } }
      for _, case in ipairs(cases) do
        local stream = assert(client:open { url = node.url .. "/echo", method = "POST", body = rill.streaming,
          trailers = case[1] })
        assert(stream:write "x")
        assert(stream:finish(case[2]))
        assert.equal(case[3], dkjson.decode(assert(stream:body())).trailers.a)
      end
    end)
  end)

  it("must be of a kind that can be sent", function()
    local client = support.client()
    support.run(function()
      local function raises(word, body, fn)
        local ok, message = pcall(fn or client.post, client, node.url .. "/echo", body)
        assert.is_false(ok)
        assert.truthy(message:find("upload_spec.lua", 1, true), message)
        assert.truthy(message:find(word, 1, true), message)
      end
      raises("5", 5)
      raises("true", true)
      raises("file", {})
      raises("file", { file = 5 })
      raises("fiel", { fiel = "x" })
      raises("open", rill.streaming)
      local stream = assert(client:open { url = node.url .. "/echo", method = "POST", body = rill.streaming })
      raises("data", nil, function() return (stream:write(nil)) end)
      raises("trailers", nil, function() return (stream:finish { ["a b"] = "1" }) end)
      assert(stream:finish())
      raises("finish", nil, function() return (stream:write "x") end)
      raises("finish", nil, function() return (stream:finish()) end)
      assert(stream:body())
      raises("finish", nil, function() return (stream:write "x") end)
      stream = assert(client:open { url = node.url .. "/echo" })
      raises("streaming", nil, function() return (stream:write "x") end)
      stream:cancel()
    end)
  end)
end)

describe("a content-length of the caller's", function()
  with_node()

  local function upload(length, ...)
    local client, written = support.client(), { ... }
    return support.run(function()
      local stream = assert(client:open { url = node.url .. "/echo", method = "POST", body = rill.streaming,
        headers = { ["content-length"] = tostring(length) } })
      assert.equal(length, stream.request_content_length)
      local ok, err = true, nil
      for _, piece in ipairs(written) do
        if ok then ok, err = stream:write(piece) end
      end
      if ok then ok, err = stream:finish() end
      if ok then return dkjson.decode(assert(stream:body())), stream end
      assert.equal(err, select(2, stream:closed()))
      return err, stream
    end)
  end

  it("is sent with a body in pieces", function()
    local seen = upload(6, "abc", "def")
    assert.equal(6, seen.length)
    local sent = {}
    for _, field in ipairs(seen.fields) do sent[field[1]] = field[2] end
    assert.equal("6", sent["content-length"])
  end)

  it("is held against it: longer and shorter are body_error", function()
    for _, written in ipairs { { "abc", "defg" }, { "abc" }, {} } do
      local err, stream = upload(6, unpack(written))
      assert.equal("body_error", err.reason)
      assert.truthy(err.message:find("6", 1, true))
      assert.equal("body_error", stream.close_reason)
    end
  end)
end)

describe("a body function", function()
  with_node()

  it("that raises, or returns nil and an error, is body_error, and the server is told", function()
    local client = support.client()
    local raised = setmetatable({}, { __tostring = function() return "out of paper" end })
    local bad = {
      function() error(raised) end,
      function() error "out of paper" end,
      function() return nil, "out of paper" end,
    }
    support.run(function()
      for i, fail in ipairs(bad) do
        local path, first = "/echo?" .. i, true
        local res, err = client:post(node.url .. path, function()
          if first then
            first = false
            return "some"
          end
          node:wait_events(function(event) return event.path == path end)
          return fail()
        end)
        assert.is_nil(res)
        assert.equal("body_error", err.reason)
        assert.truthy(err.message:find("out of paper", 1, true), err.message)
        assert.equal(8, closed_with(node, path))
        if i == 1 then assert.equal(raised, err.value) end
      end
      assert.truthy(select(2, client:post(node.url .. "/echo", function() return {} end)).message:find "string")
      assert.equal("body_error", select(2, client:post(node.url .. "/echo", pieces("x", 1), {
        trailers = function() error "no sum" end })).reason)
      assert.equal("body_error", select(2, client:post(node.url .. "/echo", "x", {
        trailers = function() error "no sum" end })).reason)
      assert.equal(200, assert(client:get(node.url .. "/size?n=1")).status)
      assert.equal(1, client:stats().connections_opened)
    end)
  end)

  it("of empty pieces gives deadlines and other tasks their turn", function()
    local said = require("support.script").run(EMPTY, { node.url .. "/echo", node.ca })
    assert.same({ "timeout", "timeout", "200" }, said)
  end)

  it("is never asked for more than the high-water mark ahead of the window", function()
    local server, client = hostile "upload-read-in-part" -- 64 KiB, then no window
    local CHUNK, WINDOW = 16 * 1024, 65535
    local produced = 0
    support.run(function()
      assert(client:open { url = server.url })
      support.wait(function() return client:stats().streams == 1 end, 10, "the connection")
      local err = select(2, client:post(server.url, function()
        produced = produced + CHUNK
        return ("x"):rep(CHUNK)
      end, { timeout = 5 }))
      assert.equal("timeout", err.reason)
      assert.equal("headers", err.phase)
      assert.is_true(produced >= HIGH_WATER, produced .. " bytes were asked for")
      assert.is_true(produced <= WINDOW + HIGH_WATER + CHUNK, produced .. " bytes were asked for")
      local before = produced
      for _ = 1, 20 do rill.sleep(0) end
      assert.equal(before, produced)
    end)
  end)

  it("is let go when the response comes first, even while it waits", function()
    local server, client = hostile "upload-answered-early"
    local never, ended = rill.queue(), false
    support.run(function()
      local first = true
      local res = assert(client:post(server.url, function()
        if not first then
          local ok = pcall(never.pop, never)
          ended = not ok
          return nil
        end
        first = false
        return ("x"):rep(32768)
      end))
      assert.equal(200, res.status)
      assert.equal("ended", res.close_reason)
      rill.sleep(0)
      assert.is_true(ended)
      client:close()
      assert.equal(1, server:ends(1)[1].client_resets.NO_ERROR)
    end)
  end)

  it("is let go when the task that waits is cancelled, and the stream with it", function()
    local client = support.client()
    local never = rill.queue()
    support.run(function()
      local task = rill.spawn(function()
        return client:post(node.url .. "/echo?cancelled", function() return never:pop() end)
      end)
      node:wait_events(function(event) return event.path == "/echo?cancelled" end)
      task:cancel()
      assert.equal("cancelled", select(2, task:join()).reason)
      assert.equal(8, closed_with(node, "/echo?cancelled"))
      assert.equal(0, client:stats().streams)
    end)
  end)

  it("feeds a stream that was opened, and needs a task", function()
    local client = support.client()
    assert.has_error(function() client:open { url = node.url .. "/echo", method = "POST", body = function() end } end)
    support.run(function()
      local stream = assert(client:open { url = node.url .. "/echo", method = "POST", body = pieces("abcdef", 2) })
      assert.has_error(function() stream:write "x" end)
      assert.equal(6, dkjson.decode(assert(stream:body())).length)
    end)
  end)
end)

describe("an upload", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- Every kind of body, each on a server of its own.
  local function each_kind(size, send)
    local text = ("\1"):rep(size)
    local path = support.write(support.directory "upload" .. "/file", text)
    send(text)
    send { file = path }
    send(pieces(text, 30000))
  end

  for _, case in ipairs { "window-zero-then-trickle", "window-falls-below-zero", "window-raised-mid-upload",
    "settings-max-frame-16mib" } do
    it(("keeps within the peer's windows and frame size (%s)"):format(case), function()
      local SIZES = { ["window-zero-then-trickle"] = 68 * 1024 }
      local size = SIZES[case] or 200 * 1024
      each_kind(size, function(body)
        local server, client = hostile(case)
        support.run(function()
          local res = assert(client:post(server.url, body))
          assert.truthy(res.body:find(tostring(size), 1, true), res.body)
          client:close()
          assert.same({}, server:ends(1)[1].violations)
        end, 10)
      end)
    end)
  end

  it("stops when the server has answered: 413 and RST_STREAM NO_ERROR", function()
    each_kind(4 * MIB, function(body)
      local server, client = hostile "upload-refused-early"
      support.run(function()
        local res = assert(client:post(server.url, body))
        assert.equal(413, res.status)
        assert.equal("ended", res.close_reason)
        client:close()
        local last = server:ends(1)[1]
        assert.same({}, last.violations)
        assert.is_true(last.bytes_in < MIB)
      end)
    end)
  end)

  it("that is reset without a response fails, whatever the code", function()
    local server, client = hostile "upload-reset-then-silence"
    support.run(function()
      local err = select(2, client:post(server.url, ("x"):rep(MIB)))
      assert.equal("reset", err.reason)
      assert.equal("NO_ERROR", err.code)
      assert.equal("maybe", err.processed)
    end)
  end)

  it("in pieces is told when the stream has ended: write returns nil, err", function()
    local server, client = hostile "upload-refused-early"
    support.run(function()
      local stream = assert(client:open { url = server.url, method = "POST", body = rill.streaming })
      local written = 0
      local ok, err
      repeat
        ok, err = stream:write(("x"):rep(16384))
        written = written + 16384
      until not ok
      assert.is_true(written < MIB)
      assert.equal("ended", err.reason)
      assert.equal(413, assert(stream:response()).status)
      assert.is_nil((stream:write "more"))
      assert.is_nil((stream:finish()))
    end)
  end)

  it("in pieces waits while more than the high-water mark is queued, and is cancelled with its task", function()
    local server = support.hostile { case = "upload-read-in-part" }
    support.run(function()
      local conn = assert(support.connect(server.url, { tls = { ca_file = server.ca } }))
      local written, stream = 0
      local task = rill.spawn(function()
        stream = assert(conn:open { url = "/", method = "POST", body = rill.streaming })
        while true do
          assert(stream:write(("x"):rep(16384)))
          written = written + 16384
        end
      end)
      support.wait(function() return stream and stream.bytes_sent == 65535 and written >= HIGH_WATER end, 20)
      for _ = 1, 20 do rill.sleep(0) end -- turns in which it could go on
      assert.is_true(written <= 65535 + HIGH_WATER)
      task:cancel()
      assert.equal("cancelled", select(2, task:join()).reason)
      assert(conn:ping()) -- a server whose answer finds a closed connection reads no further
      conn:close()
      assert.equal(1, server:ends(1)[1].client_resets.CANCEL)
    end)
  end)
end)
