-- A part of spec/hostile through the Lua API; `make hostile` judges all of it.
local process = require "support.process"
local support = require "support"
local rill = require "rill"

local server -- every stream case is a path of it
local before -- connections that it had seen

local function cases(name)
  return support.here .. "/cases/" .. name .. ".py"
end

local function begin()
  support.begin()
  before = server:settled()
end

local function url_of(case)
  return server.url:match "^https://[^/]*" .. "/case/" .. case
end

local function client_of(options)
  options = options or {}
  options.tls = { ca_file = server.ca }
  options.timeout = options.timeout or 60
  return support.client(options)
end

-- What the server saw of the connections since begin(), after the client has closed.
local function seen(client, connections)
  client:close()
  local ends = support.run(function() return server:ends(before + (connections or 1)) end)
  return { unpack(ends, before + 1) }
end

local function get(client, case, options)
  return support.run(function() return client:get(url_of(case), options) end)
end

local function assert_well_behaved(ends)
  for _, each in ipairs(ends) do assert.same({}, each.violations) end
end

local function setup_server()
  server = support.hostile { case = "baseline-small", extra = cases "limits" }
end

local function teardown_server()
  server:stop()
end

describe("a flood", function()
  setup(setup_server)
  teardown(teardown_server)
  before_each(begin)
  after_each(support.check_clean)

  local SENT_MOST = 64 * 2 ^ 20
  local TURNS = 20 -- without a byte of it sent: the socket is full

  local function fill(upload)
    local sent, turns = -1, 0
    repeat
      turns = upload.bytes_sent == sent and turns + 1 or 0
      sent = upload.bytes_sent
      rill.sleep(0)
    until turns == TURNS
  end

  for _, case in ipairs {
    "ping-flood", "settings-flood", "window-update-flood", "window-update-stream-flood",
    "empty-data-flood", "padding-only-flood", "priority-flood", "unknown-frame-flood", "rst-flood", "goaway-flood",
    "interim-flood", "continuation-flood", "hpack-bomb", "header-list-10000-fields",
  } do
    it("ends the request as protocol_error, and the server is told to calm down: " .. case, function()
      local client = client_of()
      local started = os.clock()
      local res, err = get(client, case)
      local spent = os.clock() - started
      assert.is_nil(res)
      assert.equal("protocol_error", err.reason, tostring(err))
      assert.equal("ENHANCE_YOUR_CALM", err.code, tostring(err))
      assert.is_false(err.retry_safe)
      assert.equal(1, client:stats().connections_opened)
      if not os.getenv "RILL_SANITIZED" then assert.is_true(spent < 3, spent .. " s of processor time") end
      local last = seen(client)[1]
      assert.is_true(last.bytes_out < SENT_MOST, last.bytes_out .. " bytes sent")
      assert_well_behaved { last }
    end)
  end

  it("is given up also where the server does not read our answers", function()
    local deaf = support.hostile { case = "ping-flood-unread" }
    local client = support.client { tls = { ca_file = deaf.ca }, timeout = 60 }
    local res, err = support.run(function() return client:get(deaf.url) end)
    assert.is_nil(res)
    assert.equal("protocol_error", err.reason)
    assert.equal("ENHANCE_YOUR_CALM", err.code)
    deaf:stop() -- it tells of a connection that it does not read only then
    local last = deaf:ends(1)[1]
    assert.is_true(last.bytes_out < SENT_MOST, last.bytes_out .. " bytes sent")
  end)

  it("is one, however slow, as soon as 256 KiB of answers wait for a server that reads no more", function()
    local deaf = support.hostile { case = "deaf-to-the-first", extra = cases "limits" }
    local trusting = { tls = { ca_file = deaf.ca } }
    local client, other = support.client(trusting), support.client(trusting)
    local path = support.directory "upload" .. "/file"
    process.run({ "truncate", "--size=1G", path }, path .. ".output") -- fills the socket
    support.run(function()
      local upload = assert(client:open { url = deaf.url, method = "POST", body = { file = path } })
      local rounds = 0
      while client:stats().attempts == 0 do rill.sleep(0) end
      while client:stats().streams == 1 do -- has the first connection sent 900 PINGs
        assert(other:get(deaf.url))
        fill(upload) -- from the first round on nothing is read
        rounds = rounds + 1
        assert.is_true(rounds <= 60, "still open after 54,000 PINGs") -- the socket may take some answers still
      end
      local _, err = upload:response()
      assert.equal("protocol_error", err.reason)
      assert.equal("ENHANCE_YOUR_CALM", err.code)
      assert.matches("does not read what it makes us answer", err.message)
      assert.is_true(rounds * 900 * 17 > 256 * 1024, rounds .. " rounds") -- an answer has 17 bytes
    end)
  end)

  it("is one also where it goes to a stream that has ended", function()
    local client = client_of()
    assert.equal(200, assert(get(client, "closed-stream-flood?first")).status)
    local res, err = get(client, "closed-stream-flood")
    assert.is_nil(res)
    assert.equal("protocol_error", err.reason, tostring(err))
    assert.equal("ENHANCE_YOUR_CALM", err.code)
    local last = seen(client)[1]
    assert.is_true(last.bytes_out < SENT_MOST, last.bytes_out .. " bytes sent")
    assert_well_behaved { last }
  end)

  it("is not what was on its way when streams were reset", function()
    local client = client_of { maxsize = 1000 }
    support.run(function()
      local calls = {}
      for i = 1, 10 do calls[i] = function() return client:get(url_of "in-flight") end end
      for _, result in ipairs(rill.all(calls)) do assert.equal("maxsize_exceeded", result[2].reason) end
    end)
    assert.equal(200, assert(get(client, "baseline-small")).status)
    assert.equal(1, client:stats().connections_opened)
    assert_well_behaved(seen(client))
  end)

  for _, case in ipairs { "frames-15000", "pings-1500", "settings-of-1500" } do
    it("is more than this, which does no harm: " .. case, function()
      local client = client_of()
      assert.equal(200, assert(get(client, case)).status)
      assert_well_behaved(seen(client))
    end)
  end

  local WIDE = { max_frame_size = 2 ^ 24 - 1, window = 2 ^ 24, max_window = 2 ^ 24 }

  it("is not one DATA frame of 8 MiB, where that may come", function()
    local client = client_of(WIDE)
    assert.equal(8 * 2 ^ 20, #assert(get(client, "one-large-frame")).body)
    assert_well_behaved(seen(client))
  end)

  it("is a SETTINGS frame of 5,000 entries, where that may come", function()
    local client = client_of(WIDE)
    local res, err = get(client, "settings-of-5000")
    assert.is_nil(res)
    assert.same({ "protocol_error", "ENHANCE_YOUR_CALM" }, { err.reason, err.code })
  end)

  it("is a few frames of 8 MiB that are of no use: what they owe is not forgiven with time", function()
    local client = client_of(WIDE)
    local res, err = get(client, "large-frames-of-no-use")
    assert.is_nil(res)
    assert.equal("ENHANCE_YOUR_CALM", err.code)
    local last = seen(client)[1]
    assert.is_true(last.bytes_out < 5 * 8 * 2 ^ 20, last.bytes_out .. " bytes sent")
  end)

  it("is not made of a few frames with each response", function()
    local client = client_of()
    local numbers = {}
    for i = 1, 3500 do numbers[i] = i end -- times 7 is more than SESSION_POINTS
    support.run(function()
      local function fetch() return client:get(url_of "talkative") end
      for _, res, err in rill.map(numbers, fetch, { concurrency = 100 }) do assert(res, tostring(err)) end
    end, 20)
    assert.equal(1, client:stats().connections_opened)
    assert_well_behaved(seen(client))
  end)

  it("takes along what was under way on its connection, but not what had ended", function()
    local client = client_of()
    support.run(function()
      local first = rill.spawn(function() return client:get(url_of "flood-of-another-stream?first") end)
      support.wait(function() return client:stats().attempts == 1 end, 20)
      assert.equal(200, assert(client:get(url_of "flood-of-another-stream")).status)
      local res, err = first:join()
      assert.is_nil(res)
      assert.equal("protocol_error", err.reason)
      assert.equal(200, err.status)
      assert.equal("yes", err.processed)
    end)
  end)
end)

describe("a stream that is reset again", function()
  setup(setup_server)
  teardown(teardown_server)
  before_each(begin)
  after_each(support.check_clean)

  it("is one that was reset: the connection goes on", function()
    local client = client_of()
    local _, err = get(client, "reset-twice")
    assert.equal("reset", err.reason)
    assert.equal("CANCEL", err.code)
    assert.equal(200, assert(get(client, "baseline-small")).status)
    assert.equal(1, client:stats().connections_opened)
    assert_well_behaved(seen(client))
  end)
end)

describe("a response that breaks HTTP/2", function()
  setup(setup_server)
  teardown(teardown_server)
  before_each(begin)
  after_each(support.check_clean)

  -- The connection is beyond repair, or only the stream.
  for case, code in pairs {
    ["hpack-index-unknown"] = "COMPRESSION_ERROR", ["hpack-index-zero"] = "COMPRESSION_ERROR",
    ["hpack-table-too-large"] = "COMPRESSION_ERROR", ["hpack-bad-huffman"] = "COMPRESSION_ERROR",
    ["hpack-truncated"] = "COMPRESSION_ERROR", ["data-on-stream-zero"] = "PROTOCOL_ERROR",
    ["continuation-interrupted"] = "PROTOCOL_ERROR", ["window-overflow-connection"] = "FLOW_CONTROL_ERROR",
    ["ping-bad-length"] = "FRAME_SIZE_ERROR",
  } do
    it("closes its connection with GOAWAY " .. code .. ", and the next request has another: " .. case, function()
      local client = client_of()
      local res, err = get(client, case)
      assert.is_nil(res)
      assert.equal("protocol_error", err.reason, tostring(err))
      assert.equal(code, err.code)
      assert.equal(200, assert(get(client, "baseline-small")).status)
      assert.equal(2, client:stats().connections_opened)
      local ends = seen(client, 2)
      assert.equal(code, ends[1].client_goaway)
      assert_well_behaved(ends)
    end)
  end

  for _, case in ipairs {
    "field-name-uppercase", "field-connection", "status-missing", "status-twice", "pseudo-after-regular",
    "length-too-long", "length-too-short", "length-negative", "trailers-with-status", "trailers-without-end",
    "interim-with-end", "data-before-headers",
  } do
    it("costs that stream alone: " .. case, function()
      local client = client_of()
      local res, err = get(client, case)
      assert.is_nil(res)
      assert.equal("protocol_error", err.reason, tostring(err))
      assert.is_false(err.retry_safe)
      assert.equal(1, err.attempts)
      assert.equal(200, assert(get(client, "baseline-small")).status)
      assert_well_behaved(seen(client, client:stats().connections_opened))
    end)
  end
end)

describe("a response that breaks off", function()
  setup(setup_server)
  teardown(teardown_server)
  before_each(begin)
  after_each(support.check_clean)

  for case, reason in pairs {
    ["close-mid-body"] = "connection_lost", ["close-mid-body-with-length"] = "connection_lost",
    ["truncated-mid-body"] = "connection_lost", ["reset-mid-body"] = "connection_lost",
    ["close-after-headers"] = "connection_lost", ["corrupt-record-mid-body"] = "connection_lost",
    ["ping-then-corrupt"] = "connection_lost",
    ["rst-mid-body-internal-error"] = "reset", ["goaway-mid-body"] = "connection_lost",
  } do
    it("is an error and no short success: " .. case, function()
      local client = client_of()
      local res, err = get(client, case)
      assert.is_nil(res)
      assert.equal(reason, err.reason, tostring(err))
      assert.equal("yes", err.processed)
      assert.equal(1, err.attempts)
      assert_well_behaved(seen(client))
    end)
  end

  for _, case in ipairs { "truncated-after-end", "rst-after-end", "data-after-end", "goaway-graceful",
                          "goaway-then-serve" } do
    it("after its end was whole: " .. case, function()
      local client = client_of()
      assert.equal(200, assert(get(client, case)).status)
      assert_well_behaved(seen(client))
    end)
  end
end)

describe("what a peer promises or says", function()
  setup(setup_server)
  teardown(teardown_server)
  before_each(begin)
  after_each(support.check_clean)

  it("is believed up to 1 MiB of content-length", function()
    local function bytes() return support.counters().bytes end
    local client = client_of { maxsize = 0, warnsize = 0 }
    support.run(function()
      assert(client:get(url_of "baseline-small"))
      local held = bytes()
      local task = rill.spawn(function() return client:get(url_of "petabyte-promised") end)
      support.wait(function() return bytes() - held > 0.75 * 2 ^ 20 end, 2, "the room to be made")
      assert.is_true(bytes() - held < 1.25 * 2 ^ 20, bytes() - held .. " bytes")
      task:cancel()
    end)
  end)

  for _, case in ipairs { "length-twice-same", "length-twice-different" } do
    it("as a length twice is refused for that, not for a body that has not come: " .. case, function()
      local client = client_of()
      local _, err = get(client, case)
      assert.equal("protocol_error", err.reason)
      assert.truthy(err.message:find("name: [content-length]", 1, true), err.message)
      support.run(function()
        for _, _, failure in rill.map({ 1, 2, 3, 4 }, function() return client:get(url_of(case)) end) do
          assert.is_nil(failure.message:find "arrived")
        end
      end)
    end)
  end

  for _, code in ipairs { "4096", "2147483648", "4294966394" } do -- the last is Apache's as it breaks down
    it("as an error code without a name is told by its number: " .. code, function()
      local client = client_of { retries = 0 }
      local _, err = get(client, "goaway-with-a-strange-code?" .. code)
      assert.equal("goaway", err.reason)
      assert.equal(code, err.code)
      local text = "excluded by the peer's GOAWAY (" .. code .. ", last stream 0)"
      assert.equal(text, err.message:sub(1, #text))
      _, err = get(client, "reset-with-a-strange-code?" .. code)
      assert.equal("reset", err.reason)
      assert.equal(code, err.code)
      assert.equal("the peer reset the stream: " .. code, err.message)
    end)

    it("as an error code of ours goes out as it is: " .. code, function()
      local client = client_of()
      support.run(function()
        local stream = assert(client:open { url = url_of "silent-after-headers" })
        assert(stream:headers())
        stream:reset(tonumber(code))
        local _, err = stream:closed()
        assert.equal(code, err.code)
      end)
      assert.same({ [("0x%x"):format(tonumber(code))] = 1 }, seen(client)[1].client_resets)
    end)
  end

  it("in a GOAWAY is kept up to 96 bytes", function()
    local client = client_of { retries = 0 }
    local _, err = get(client, "goaway-with-kilobyte")
    assert.equal("goaway", err.reason)
    local debug_data = tostring(err):match "d+$"
    assert.equal(96, #debug_data)
  end)

  it("in place of HTTP/2 is kept up to 48 bytes", function()
    local wordy = support.hostile { case = "wordy", extra = cases "limits" }
    local client = support.client { tls = { ca_file = wordy.ca } }
    local _, err = support.run(function() return client:get(wordy.url) end)
    assert.equal("connect_failed", err.reason)
    assert.equal("preface", err.kind)
    assert.equal(48 - #"HTTP/1.1 400 ", #tostring(err):match '"HTTP/1.1 400 (w+)"')
  end)
end)

describe("a connection's window", function()
  setup(setup_server)
  teardown(teardown_server)
  before_each(begin)
  after_each(support.check_clean)

  local function window(client)
    return tonumber(assert(get(client, "window-told")).headers.window)
  end

  it("is the peer's to keep, as a stream's is", function()
    local client = client_of()
    support.run(function()
      local stream = assert(client:open { url = url_of "window-ignored" }) -- and nobody reads
      local reason, err = stream:closed()
      assert.equal("protocol_error", reason)
      assert.equal("FLOW_CONTROL_ERROR", err.code)
    end)
    seen(client)
  end)

  it("is 16 MiB, and what max_buffered leaves for further ones, 65,535 bytes at least", function()
    assert.equal(16 * 2 ^ 20, window(client_of()))
    assert.equal(3 * 2 ^ 20, window(client_of { max_buffered = 3 * 2 ^ 20 }))
    assert.equal(65535, window(client_of { max_buffered = 1000 }))
  end)
end)
