-- The last frames of a connection: err.frames, conn:frames().
local rill = require "rill"
local support = require "support"

local REPEATS = support.here .. "/cases/repeats.py"
local FRAMES = support.here .. "/cases/frames.py"
local OK = "HTTP/1.1 200 OK\r\n"

-- The frames of that direction and type.
local function of(list, direction, type)
  local found = {}
  for _, frame in ipairs(list) do
    if frame.direction == direction and frame.type == type then found[#found + 1] = frame end
  end
  return found
end

local function fail(server, options, request)
  options = options or {}
  options.tls = { ca_file = server.ca }
  options.retries = 0
  local client = support.client(options)
  return support.run(function()
    local res, err = client:get(server.url, request)
    assert.is_nil(res)
    return err
  end)
end

describe("the frames of a connection", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("have type, stream, length, flags, direction and time, in order", function()
    local server = support.node()
    local before = rill.now()
    support.run(function()
      local conn = support.connect(server.url)
      assert(conn:request { url = "/", method = "POST", body = "four" })
      local frames = conn:frames()
      local last = before
      for _, frame in ipairs(frames) do
        assert.is_true(frame.time >= last and frame.time <= rill.now())
        assert.is_truthy(frame.direction == "sent" or frame.direction == "recv")
        last = frame.time
      end
      local sent = of(frames, "sent", "HEADERS")[1]
      assert.equal(1, sent.stream)
      assert.equal("END_HEADERS", sent.flags)
      assert.is_true(sent.length > 10)
      local body = of(frames, "sent", "DATA")[1]
      assert.equal("END_STREAM", body.flags)
      assert.equal(4, body.length)
      assert.equal(1, #of(frames, "recv", "HEADERS"))
      assert.equal("ACK", of(frames, "sent", "SETTINGS")[2].flags)
    end)
    server:stop()
  end)

  it("note settings, increments, codes and GOAWAY's last stream, either way", function()
    local server = support.hostile { case = "frames-of-all-kinds", extra = FRAMES }
    local err = fail(server)
    assert.equal("goaway", err.reason)
    local noted = {}
    for _, frame in ipairs(err.frames) do
      local name = frame.direction .. " " .. frame.type
      noted[name] = (noted[name] or "") .. frame.note .. ";"
    end
    assert.matches("ENABLE_PUSH=0 INITIAL_WINDOW_SIZE=1048576 MAX_FRAME_SIZE=16384", noted["sent SETTINGS"], 1, true)
    assert.matches("MAX_CONCURRENT_STREAMS=7 0x4242=99;", noted["recv SETTINGS"], 1, true)
    assert.matches("+1000;", noted["recv WINDOW_UPDATE"], 1, true)
    assert.matches("+%d+;", noted["sent WINDOW_UPDATE"])
    assert.matches("ENHANCE_YOUR_CALM last stream 0;", noted["recv GOAWAY"], 1, true)
    assert.equal(1, #of(err.frames, "recv", "type 0xfa"))
    assert.equal(1, #of(err.frames, "recv", "PRIORITY"))
    server:stop()
  end)

  it("show what went wrong where the peer breaks HTTP/2: its last frame, then our GOAWAY", function()
    local server = support.hostile { case = "settings-enable-push-2" }
    local err = fail(server)
    assert.same({ "connect_failed", "preface" }, { err.reason, err.kind })
    local shown = tostring(err.frames)
    assert.matches("recv SETTINGS +stream 0 +length %d+ +ENABLE_PUSH=2", shown)
    assert.matches("\n[^\n]*sent GOAWAY +stream 0 +length %d+ +PROTOCOL_ERROR last stream 0$", shown)
    local _, lines = shown:gsub("\n", "")
    assert.equal(#err.frames, lines + 1)
    server:stop()
  end)

  it("come with a connection that was lost, one that timed out, and one that never became HTTP/2", function()
    local lost = support.hostile { case = "lost-after-head", extra = REPEATS }
    local err = fail(lost)
    assert.equal("connection_lost", err.reason)
    local body = of(err.frames, "recv", "DATA")
    assert.equal(4, body[#body].length)
    lost:stop()

    local silent = support.hostile { case = "frames-then-silence", extra = FRAMES }
    err = fail(silent, { idle_timeout = 2 })
    assert.same({ "timeout", "idle" }, { err.reason, err.phase })
    assert.equal("PROTOCOL_ERROR last stream 0", of(err.frames, "sent", "GOAWAY")[1].note)
    silent:stop()
  end)

  it("are those of the error with which rill.connect's connection has closed", function()
    local server = support.hostile { case = "lost-after-head", extra = REPEATS }
    support.run(function()
      local conn = support.connect(server.url, { tls = { ca_file = server.ca } })
      conn:request { url = "/" }
      conn:request { url = server.url:match "//[^/]*(.*)" }
      conn:ping() -- until it has closed
      local closed = assert(conn.closed)
      assert.equal("connection_lost", closed.reason)
      assert.equal(tostring(closed.frames), tostring(conn:frames()))
      assert.is_true(#closed.frames > 4)
    end)
    server:stop()
  end)

  it("are 256 at most, the last ones", function()
    local server = support.hostile { case = "frames-by-the-hundred", extra = FRAMES }
    local err = fail(server)
    assert.equal("connection_lost", err.reason)
    assert.equal(256, #err.frames)
    local settings = of(err.frames, "recv", "SETTINGS")
    assert.equal("MAX_CONCURRENT_STREAMS=99 0x4241=1 0x4242=2 0x4243=3", settings[#settings].note)
    assert.equal("4 settings", settings[1].note) -- numbers of so many frames are not kept
    local numbers = 0
    for _, frame in ipairs(settings) do numbers = numbers + (frame.note:find "=" and 1 or 0) end
    assert.equal(64, numbers)
    server:stop()
  end)

  it("outlive the client, and hold no field value and no payload", function()
    local server = support.hostile { case = "frames-with-secrets", extra = FRAMES }
    local err = fail(server, { headers = { ["x-secret"] = "of-the-request" } }, { query = { word = "of-the-request" } })
    collectgarbage()
    local shown = tostring(err.frames)
    assert.matches("recv DATA", shown)
    assert.is_nil(shown:find("of-the", 1, true))
    assert.is_nil(shown:find("x-secret", 1, true))
    assert.equal(err.frames, err.frames)
    server:stop()
  end)

  it("come with no error that leaves its connection open", function()
    local server = support.node { source = [[
      server.on('stream', (stream) => { stream.on('error', () => {}); stream.close(2); });]] }
    local client = support.client()
    support.run(function()
      local _, err = client:get(server.url .. "/")
      assert.equal("reset", err.reason)
      assert.is_nil(err.frames)
    end)
    server:stop()
  end)
end)

describe("the messages of an HTTP/1.1 connection", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function broken(answer)
    local server = support.http1 { ["/"] = answer }
    local client = support.client { retries = 0 }
    local err = support.run(function()
      local res, err = client:post(server.url .. "/", "12345")
      assert.is_nil(res)
      return err
    end)
    server:stop()
    return err
  end

  it("stand for frames: what was asked, what came, whether it was complete", function()
    local hints = "HTTP/1.1 103 Early Hints\r\n\r\n"
    local server = support.http1 { ["/"] = hints .. OK .. "content-length: 5\r\n\r\nhello" }
    support.run(function()
      local conn = support.connect(server.url)
      for _ = 1, 2 do assert(conn:request { url = "/", method = "POST", body = "12345" }) end
      local seen = {}
      for i, frame in ipairs(conn:frames()) do
        seen[i] = ("%s %s %d %s %s"):format(frame.direction, frame.type, frame.stream, frame.flags, frame.note)
      end
      assert.same({ "sent REQUEST 1 END POST", "recv RESPONSE 1 END 103", "recv RESPONSE 1 END 200",
        "sent REQUEST 2 END POST", "recv RESPONSE 2 END 103", "recv RESPONSE 2 END 200" }, seen)
      assert.equal(#OK + #"content-length: 5\r\n\r\nhello", conn:frames()[3].length)
      assert.is_true(conn:frames()[1].length > 50)
    end)
    server:stop()
  end)

  it("show a response that was cut, and one that is none", function()
    local err = broken { OK .. "content-length: 10\r\n\r\nhello", ends = "fin" }
    assert.equal("connection_lost", err.reason)
    local last = err.frames[#err.frames]
    assert.same({ "RESPONSE", "", "200" }, { last.type, last.flags, last.note })
    assert.equal(#OK + 27, last.length)
    err = broken "HTTP/9.9 nothing of use\r\n\r\n"
    last = err.frames[#err.frames]
    assert.same({ "protocol_error", "RESPONSE", "", "" }, { err.reason, last.type, last.flags, last.note })
    assert.is_nil(tostring(err.frames):find("of use", 1, true))
  end)
end)
