-- What a loop keeps in memory, beside what a script has asked for.
local ffi = require "ffi"
local rill = require "rill"
local process = require "support.process"
local support = require "support"

pcall(ffi.cdef, [[
struct mallinfo2 { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost; };
struct mallinfo2 mallinfo2(void);
]])

local C = require "rill.clib"
local SANITIZED = os.getenv "RILL_SANITIZED" ~= nil
local KIB, MIB = 2 ^ 10, 2 ^ 20
local LIMITS = support.here .. "/cases/limits.py"

-- Bytes that this process has from malloc: LuaJIT's own heap is not among them.
local function allocated()
  local info = ffi.C.mallinfo2()
  return tonumber(info.uordblks + info.hblkhd)
end

local function at_most(bound, bytes, what)
  assert.is_true(bytes <= bound, ("%s: %.0f bytes, more than %d"):format(what, bytes, bound))
end

describe("requests that wait", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("may be as many as a script makes; when they have gone, their memory goes back but for 4 MiB", function()
    if SANITIZED then return pending "freed memory is not kept there" end
    local REQUESTS, KEPT, SLACK = 20000, 4 * MIB, MIB -- slack: what stands in front of each block
    local silent = support.tcp "silent"
    local client = support.client { timeout = 0 }
    support.run(function()
      local before, held = allocated(), support.counters().bytes
      do
        local streams = {}
        for i = 1, REQUESTS do streams[i] = assert(client:open { url = silent.url }) end
        assert.equal(REQUESTS, client:stats().pending)
        assert.is_true(allocated() - before > 3 * KEPT)
        at_most(KIB, (support.counters().bytes - held) / REQUESTS, "each request")
        for i = 1, REQUESTS do streams[i]:cancel() end
        for i = 1, REQUESTS do assert.equal("cancelled", (streams[i]:closed())) end
      end
      collectgarbage()
      collectgarbage() -- what the first round's finalizers let go
      rill.sleep(0)
      local more = support.counters().bytes - held -- the table of ids stays as large as it was
      at_most(MIB, more, "in use")
      at_most(KEPT + SLACK, allocated() - before - more, "kept")
    end, 20)
  end)
end)

describe("a crowd of requests on the wire", function()
  local loop

  before_each(support.begin)

  after_each(function()
    C.rill_loop_free(loop)
    support.check_clean()
  end)

  it("takes less than 1.7 KiB each, with a body that is fed", function() -- 1.56, with libnghttp2's part
    if SANITIZED then return pending "freed memory is not kept there" end
    local STREAMS = 900
    local server = support.nghttpd { max_concurrent_streams = 1000 }
    local client, options, request = ffi.new "rill_id", ffi.new "rill_options", ffi.new "rill_request"
    local events, stats, url = ffi.new "rill_event[100]", ffi.new "rill_stats", server.url .. "/page"
    loop = C.rill_loop_new(nil) -- of our own: it keeps nothing of what was before
    C.rill_options_init(options)
    options.tls.ca_file, options.max_streams = server.ca, STREAMS
    assert.equal(0, C.rill_client_new(loop, options, client, nil))
    C.rill_request_init(request)
    request.url, request.url_length = url, #url
    local function start(count)
      local id = ffi.new "rill_id"
      for _ = 1, count do assert.equal(0, C.rill_request_start(loop, client, request, id, nil)) end
    end
    start(1)
    support.wait(function() return C.rill_poll(loop, events, 100, 10) == 1 end, 3, "the first response")
    request.stream, request.has_body = true, true -- a body that has no end: it is not answered
    local before = allocated()
    start(STREAMS)
    support.wait(function()
      assert.equal(0, C.rill_poll(loop, events, 100, 10))
      C.rill_client_stats(loop, client.slot, client.generation, stats)
      return stats.streams == STREAMS
    end, 3, "the streams")
    at_most(1.7 * KIB, (allocated() - before) / STREAMS, "each")
  end)
end)

describe("events that nobody fetches", function()
  local server, loop, client

  before_each(function()
    support.begin()
    server = support.nginx { files = { page = 500000, tiny = "here" } } -- 500,000: many frames, within the window
  end)

  after_each(function()
    C.rill_loop_free(loop)
    support.check_clean()
  end)

  -- A loop of our own, with a client; `resolve`: names and addresses, in turns.
  local function begin(resolve)
    loop, client = C.rill_loop_new(nil), ffi.new "rill_id"
    local options, entries = ffi.new "rill_options", ffi.new("rill_resolve[?]", #resolve / 2 + 1)
    C.rill_options_init(options)
    options.tls.ca_file, options.tls.server_name = server.ca, "localhost"
    for i = 0, #resolve / 2 - 1 do entries[i].host, entries[i].address = resolve[2 * i + 1], resolve[2 * i + 2] end
    options.resolve, options.resolve_count = entries, #resolve / 2
    assert.equal(0, C.rill_client_new(loop, options, client, nil))
  end

  local function start(url, in_pieces)
    local request, id = ffi.new "rill_request", ffi.new "rill_id"
    C.rill_request_init(request)
    request.url, request.url_length, request.stream = url, #url, in_pieces
    assert.equal(0, C.rill_request_start(loop, client, request, id, nil))
    return id
  end

  it("are one for each object and kind, however much happens", function()
    local STREAMS = 3
    begin {}
    local ids, data, info = {}, ffi.new "const char *[1]", ffi.new "rill_stream_info"
    for i = 1, STREAMS do
      ids[i] = start(server.url .. "/page", true)
      assert.equal(0, C.rill_stream_read(loop, ids[i].slot, ids[i].generation, 1000, data)) -- waits for READABLE
    end
    support.wait(function()
      assert.is_true(C.rill_loop_step(loop) <= STREAMS)
      for _, id in ipairs(ids) do
        C.rill_stream_info_get(loop, id.slot, id.generation, info)
        if info.reason == C.RILL_OPEN then return false end
      end
      return true
    end, 3, "the responses")
    local events, told = ffi.new "rill_event[100]", {}
    for i = 0, C.rill_events(loop, events, 100) - 1 do
      local kind = ("%d: %d"):format(events[i].slot, events[i].type)
      assert.is_nil(told[kind], kind)
      told[kind] = true
      told[#told + 1] = kind
    end
    assert.equal(3 * STREAMS, #told) -- HEAD, READABLE, CLOSED
  end)

  it("are 256 when nothing more is read, and those of the connection that was read last", function()
    local CONNECTIONS, STREAMS = 10, 100
    local resolve, urls = {}, {}
    for i = 1, CONNECTIONS do
      local authority = ("h%d.test:%d"):format(i, server.port)
      urls[i] = "https://" .. authority .. "/tiny"
      resolve[2 * i - 1], resolve[2 * i] = authority, "127.0.0.1:" .. server.port
    end
    begin(resolve)
    for i = 1, CONNECTIONS * STREAMS do start(urls[i % CONNECTIONS + 1], false) end
    local events, most, total = ffi.new "rill_event[100]", 0, 0
    support.wait(function()
      local waiting = C.rill_loop_step(loop)
      if waiting > most then
        most = waiting
      elseif most >= 256 then
        total = total + C.rill_events(loop, events, 100)
      end
      return total == CONNECTIONS * STREAMS
    end, 4, "the responses")
    assert.is_true(most < 256 + STREAMS, most .. " events")
  end)
end)

describe("an idle connection", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("owns none of the buffers for I/O, 304 KiB in all, that a loop has once", function()
    local CONNECTIONS = 100
    local server = support.nghttpd { files = { page = "here" } }
    local resolve, urls = {}, {}
    for i = 1, CONNECTIONS do
      local authority = ("h%d.test:%d"):format(i, server.port)
      urls[i], resolve[authority] = "https://" .. authority .. "/page", "127.0.0.1:" .. server.port
    end
    local client = support.client { resolve = resolve, tls = { ca_file = server.ca, server_name = "localhost" } }
    support.run(function()
      assert(client:get(urls[1]))
      local before, held = allocated(), support.counters().bytes
      for i = 2, CONNECTIONS do assert(client:get(urls[i])) end
      assert.equal(CONNECTIONS, client:stats().connections)
      at_most(64 * KIB, (support.counters().bytes - held) / (CONNECTIONS - 1), "each, by the loop's account")
      at_most(64 * KIB, (allocated() - before) / (CONNECTIONS - 1), "each, with what OpenSSL takes")
    end)
  end)
end)

describe("an origin", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("keeps the newest of its TLS sessions alone", function()
    if SANITIZED then return pending "malloc tells nothing there" end
    local CONNECTIONS = 200
    local server = support.nginx { files = { page = "here" }, keepalive_requests = 1, -- gives one, and forgets it
      config = "ssl_protocols TLSv1.2;\nssl_session_tickets off;\nssl_session_cache none;" }
    local client = support.client()
    support.run(function()
      local function connect()
        for _ = 1, CONNECTIONS do assert(client:get(server.url .. "/page")) end
      end
      connect()
      local before = allocated()
      connect()
      at_most(32 * KIB, allocated() - before, "sessions") -- all of them together take more than 1 MiB
      assert.equal(2 * CONNECTIONS, client:stats().handshakes)
      assert.equal(0, client:stats().resumptions)
    end, 20)
  end)
end)

describe("an upload to a server that reads none of it", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("leaves 256 KiB at most unsent, in room for twice that", function()
    local deaf = support.hostile { case = "deaf-to-the-first", extra = LIMITS }
    local trusting = { tls = { ca_file = deaf.ca }, timeout = 0 }
    local client, other = support.client(trusting), support.client(trusting)
    local path = support.directory "upload" .. "/file"
    process.run({ "truncate", "--size=1G", path }, path .. ".output")
    support.run(function()
      local held = support.counters().bytes
      local stream = assert(client:open { url = deaf.url, method = "POST", body = { file = path } })
      support.wait(function() return stream.bytes_sent > MIB end, 3, "the upload to begin")
      assert(other:get(deaf.url))
      assert.is_true(stream.bytes_sent < 1024 * MIB) -- of the file: it is not done
      at_most(2 * 256 * KIB + 64 * KIB, support.counters().bytes - held, "in use")
      stream:cancel()
    end)
  end)
end)
