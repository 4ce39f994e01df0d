-- What Lua refuses before it calls the core, the core refuses by itself: for programs in C.
local ffi = require "ffi"
local C = require "rill.clib"
local support = require "support"

local NAN, INF = 0 / 0, math.huge
local NOTHING = ffi.new "void *"

describe("the C interface", function()
  local loop, err, id

  before_each(function()
    support.begin()
    err, id = ffi.new "rill_error", ffi.new "rill_id"
    loop = assert(C.rill_loop_new(err))
  end)

  after_each(function()
    C.rill_loop_free(loop)
    support.check_clean()
  end)

  local function garbage()
    local filled = ffi.new "rill_error"
    ffi.fill(filled, ffi.sizeof(filled), 0x58)
    return filled
  end

  local function assert_code(wanted, code, what, word)
    assert.equal(-wanted, tonumber(code), what)
    if word then
      local text = ffi.string(err.message)
      assert.truthy(text:find(word, 1, true), ("%s: %q"):format(what, text))
    end
  end

  local function options(change)
    local made = ffi.new "rill_options"
    C.rill_options_init(made)
    change(made)
    return made
  end

  local function request(change)
    local made = ffi.new "rill_request"
    C.rill_request_init(made)
    made.url, made.url_length = "https://localhost:1/", 20
    if change then change(made) end
    return made
  end

  local function client(change)
    local made = ffi.new "rill_id"
    assert_code(0, C.rill_client_new(loop, options(change or function() end), made, err), ffi.string(err.message))
    return made
  end

  -- Polls until an event of this type comes; its fields are borrowed.
  local events = ffi.new "rill_event[1]"
  local function wait_for(kind)
    return support.wait(function()
      return C.rill_poll(loop, events, 1, 20) == 1 and events[0].type == kind and events[0]
    end, 10, "an event")
  end

  local SECONDS = { "timeout", "queue_timeout", "connect_timeout", "read_timeout", "idle_timeout", "ping_after",
    "ping_timeout" }
  local SIZES = { "maxsize", "warnsize", "max_buffered" }

  it("refuses numbers of a client that Lua refuses", function()
    local function check(name, value)
      local made = options(function(o) o[name] = value end)
      err = garbage()
      local what = ("%s = %s"):format(name, tostring(value))
      assert_code(C.RILL_ARGUMENT, C.rill_client_new(loop, made, id, err), what, name)
      assert_code(C.RILL_ARGUMENT, C.rill_connect(loop, made, "https://localhost:1/", 20, id, err), what, name)
    end
    for _, name in ipairs(SECONDS) do
      for _, value in ipairs { NAN, -1, -INF, 2e9 } do check(name, value) end
    end
    for _, name in ipairs(SIZES) do
      for _, value in ipairs { NAN, -1, INF, -INF, 0.5, 2 ^ 54 } do check(name, value) end
    end
    for name, values in pairs {
      window = { 0, 2 ^ 31 }, max_window = { 0, 2 ^ 32 - 1 }, max_frame_size = { 0, 16383, 2 ^ 24 },
        retries = { 2 ^ 31 },
      family = { 5, -4 },
    } do
      for _, value in ipairs(values) do check(name, value) end
    end
    client(function(o) o.timeout, o.idle_timeout, o.max_streams, o.max_connections = INF, 0, 0, 0 end)
  end)

  it("refuses texts of a client that Lua refuses", function()
    local entry = ffi.new "rill_resolve[1]"
    local function resolve(host, address)
      return function(o)
        entry[0].host, entry[0].address = host, address
        o.resolve, o.resolve_count = entry, 1
      end
    end
    local limits = ffi.new "rill_politeness[1]"
    local function polite(fields)
      return function(o)
        limits[0] = ffi.new("rill_politeness", fields)
        o.per_origin, o.per_origin_count = limits, 1
      end
    end
    local WRONG = {
      { "resolve", function(o) o.resolve_count = 1 end },
      { "per_origin", function(o) o.per_origin_count = 1 end }, { "per_origin", polite { delay = -1 } },
      { "per_origin", polite { jitter = 0 / 0 } }, { "per_origin", polite { jitter = 2 } },
      { "per_origin", polite { origin = "a/b" } }, { "per_origin", polite { origin = "" } },
      { "resolve", resolve(nil, "127.0.0.1") }, { "resolve", resolve("host:443", nil) },
      { "resolve", resolve("host", "127.0.0.1") }, { "resolve", resolve(":443", "127.0.0.1") },
      { "resolve", resolve("host:", "127.0.0.1") }, { "resolve", resolve("host:443", "no address") },
      { "dns_servers", function(o) o.dns_servers = "" end },
      { "dns_servers", function(o) o.dns_servers = "1.1.1.1,,2" end },
      { "dns_servers", function(o) o.dns_servers = ("9"):rep(300) end },
      { "bind_address", function(o) o.bind_address = "" end },
      { "bind_address", function(o) o.bind_address = "unix:/x" end },
      { "user-agent", function(o) o.user_agent = "a\r\nx-injected: 1" end },
      { "user-agent", function(o) o.user_agent = " a" end },
      { "headers", function(o) o.headers, o.headers_length = nil, 9 end },
      { "no field", function(o) o.headers, o.headers_length = "x: 1", 4 end },
      { "host", function(o) o.headers, o.headers_length = "\r\nhost: a", 9 end },
      { "min_version", function(o) o.tls.min_version = "1.9" end },
      { "max_version", function(o) o.tls.max_version = "" end },
      { "ciphers", function(o) o.tls.ciphers = "none of these" end },
      { "ciphersuites", function(o) o.tls.ciphersuites = "none of these" end },
      { "groups", function(o) o.tls.groups = "none of these" end },
      { "pin_sha256", function(o) o.tls.pin_sha256 = "" end },
      { "pin_sha256", function(o) o.tls.pin_sha256 = "c2hvcnQ=" end },
      { "server_name", function(o) o.tls.server_name = ("a"):rep(300) end },
      { "ca_pem", function(o) o.tls.ca_pem = "no certificate" end },
    }
    for i, case in ipairs(WRONG) do
      err = garbage()
      assert_code(C.RILL_ARGUMENT, C.rill_client_new(loop, options(case[2]), id, err), i .. " " .. case[1], case[1])
    end
    for _, name in ipairs { "ca_file", "ca_path", "cert_file", "key_file" } do
      local code = C.rill_client_new(loop, options(function(o) o.tls[name] = "/nowhere" end), id, err)
      assert.is_true(code == -C.RILL_FILE_ERROR or code == -C.RILL_ARGUMENT, name .. " " .. tonumber(code))
    end
  end)

  it("refuses what Lua refuses of a request", function()
    local target = client()
    local parts = ffi.new "rill_body_part[3]"
    for i = 0, 2 do parts[i].data, parts[i].length = "x", 2 ^ 62 end
    local WRONG = {
      { "method", function(r) r.method = nil end }, { "method", function(r) r.method_length = 0 end },
      { "method", function(r) r.method, r.method_length = "GE T", 4 end },
      { "url", function(r) r.url = nil end },
      { "headers", function(r) r.headers_length = 9 end }, { "trailers", function(r) r.trailers_length = 9 end },
      { "body", function(r) r.has_body, r.body_length = true, 9 end },
      { "body", function(r) r.has_body, r.body, r.body_length = true, "x", ffi.cast("size_t", -1) end },
      { "retry_idempotent", function(r) r.retry_idempotent = 2 end },
      { "decompress", function(r) r.decompress = 2 end },
      { "parts", function(r) r.has_body, r.part_count = true, 1 end },
      { "part", function(r) parts[0].data, r.has_body, r.parts, r.part_count = nil, true, parts, 1 end },
      { "parts", function(r) parts[0].data, r.has_body, r.parts, r.part_count = "x", true, parts, 3 end },
      { "bind_address", function(r) r.bind_address = "nowhere" end },
      { "save_path", function(r) r.method, r.method_length, r.save_path = "HEAD", 4, "/tmp/x" end },
    }
    for _, name in ipairs { "timeout", "queue_timeout", "read_timeout", "maxsize", "warnsize" } do
      WRONG[#WRONG + 1] = { name, function(r) r[name] = NAN end }
      WRONG[#WRONG + 1] = { name, function(r) r[name] = 2e18 end }
    end
    for _, block in ipairs {
      "\r\n:path: /", "\r\nx y: 1", "\r\n: 1", "\r\nx: a\0b", "\r\nx: a\nb", "\r\nx:  a", "\r\nx: a ",
        "\r\nconnection: close",
      "\r\nte: gzip", "\r\nhost: a\r\nhost: b", "\r\nhost: a@b", "\r\nupgrade: h2c", "x: 1", "\r\n", "\r\nx",
    } do
      WRONG[#WRONG + 1] = { "header field", function(r) r.headers, r.headers_length = block, #block end }
      if not block:find "host" then
        WRONG[#WRONG + 1] = { "header field", function(r)
          r.has_body, r.body, r.body_length, r.trailers, r.trailers_length = true, "x", 1, block, #block
        end }
      end
    end
    for i, case in ipairs(WRONG) do
      err = garbage()
      assert_code(C.RILL_ARGUMENT, C.rill_request_start(loop, target, request(case[2]), id, err), i .. " " .. case[1],
        case[1])
    end
    local no_url = request(function(r) r.url_length = 0 end)
    assert_code(C.RILL_INVALID_URL, C.rill_request_start(loop, target, no_url, id, err), "empty URL")
    local no_file = request(function(r) r.has_body, r.body_file = true, "" end)
    assert_code(C.RILL_FILE_ERROR, C.rill_request_start(loop, target, no_file, id, err), "no file")
    local stats = ffi.new "rill_stats"
    assert_code(0, C.rill_client_stats(loop, target.slot, target.generation, stats), "stats")
    assert.equal(0, stats.requests)
  end)

  it("takes NULL for no pointer that it needs", function()
    local target, bad = client(), C.RILL_ARGUMENT
    local slot, generation, none = target.slot, target.generation, NOTHING
    local one = ffi.new "rill_event[1]"
    for what, code in pairs {
      client_loop = C.rill_client_new(none, options(function() end), id, err),
      client_options = C.rill_client_new(loop, none, id, err),
      client_id = C.rill_client_new(loop, options(function() end), none, none),
      connect_url = C.rill_connect(loop, options(function() end), none, 5, id, none),
      connect_options = C.rill_connect(loop, none, "https://a/", 10, id, err),
      connect_loop = C.rill_connect(none, none, "", 0, id, err),
      request = C.rill_request_start(loop, target, none, id, err),
      request_id = C.rill_request_start(loop, target, request(), none, none),
      request_client = C.rill_request_start(loop, none, request(), id, err),
      poll = C.rill_poll(none, one, 1, 0), poll_events = C.rill_poll(loop, none, 1, 0),
      poll_max = C.rill_poll(loop, one, 0, 0),
      step = C.rill_loop_step(none), events = C.rill_events(loop, none, 1), events_max = C.rill_events(loop, one, -1),
      timer = C.rill_timer_start(none, 1, id, err), timer_id = C.rill_timer_start(loop, 1, none, none),
      timer_nan = C.rill_timer_start(loop, NAN, id, err),
      signal = C.rill_signal_start(none, 10, id, err), signal_id = C.rill_signal_start(loop, 10, none, err),
      signal_0 = C.rill_signal_start(loop, 0, id, err), signal_1000 = C.rill_signal_start(loop, 1000, id, err),
      wait = C.rill_wait_start(none, 0, false, id, err), wait_id = C.rill_wait_start(loop, 0, false, none, err),
      wait_fd = C.rill_wait_start(loop, -1, true, id, err), wait_closed = C.rill_wait_start(loop, 99999, true, id, err),
      lookup = C.rill_lookup_start(none, "a", none, id, err),
      lookup_id = C.rill_lookup_start(loop, "a", none, none, err),
      lookup_host = C.rill_lookup_start(loop, none, none, id, none),
      lookup_servers = C.rill_lookup_start(loop, "a", "nowhere", id, none),
      stats = C.rill_client_stats(loop, slot, generation, none),
      save = C.rill_file_save(none, "/tmp/x", "x", 1, 0, err), save_path = C.rill_file_save(loop, none, "x", 1, 0, err),
      save_data = C.rill_file_save(loop, "/tmp/x", none, 1, 0, none),
      url = C.rill_url_parse(none, 5, ffi.new("char[99]"), 99, ffi.new("rill_url"), err),
      url_out = C.rill_url_normalize("https://a/", 10, none, 99, ffi.new("rill_url"), none),
      url_reference = C.rill_url_resolve("https://a/", 10, none, 1, ffi.new("char[99]"), 99, ffi.new("rill_url"), err),
      url_parts = C.rill_url_parse("https://a/", 10, ffi.new("char[99]"), 99, none, err),
    } do
      assert_code(bad, code, what)
    end
    assert.equal(-1, C.rill_loop_fd(none, err))
    assert.equal(-1, C.rill_code_number(none))
    assert.equal(0, C.rill_url_redact(none, 9, ffi.new("char[99]"), 99))
    assert.is_true(C.rill_text_new(none, 9, none, 0) == nil)
    assert.equal(-1, C.rill_text_read(none, 9, none, none))
    assert.is_true(C.rill_body_data(none) == nil and C.rill_body_length(none) == 0)
    assert.is_true(C.rill_certificate_new(none, 9) == nil and C.rill_certificate_new("no DER", 6) == nil)
    assert.is_true(C.rill_html_tag_name(999) == nil)
    for _, name in ipairs { "rill_reason_name", "rill_kind_name", "rill_phase_name", "rill_code_name" } do
      assert.equal("", ffi.string(C[name](-7)))
      assert.equal("", ffi.string(C[name](7000)))
    end
    C.rill_drop(none, slot, generation)
    C.rill_handle_hold(none, loop, slot, generation)
    C.rill_handle_drop(none)
    C.rill_loop_counters(none, ffi.new "rill_counters")
    C.rill_loop_counters(loop, none)
    assert.equal(0, C.rill_loop_in_line(none))
    C.rill_options_init(none)
    C.rill_request_init(none)
    C.rill_html_begin(none, none)
    C.rill_html_leave_out(none, none)
    C.rill_known_add(none, "x", 1)
    C.rill_known_clear(none)
    C.rill_known_free(none)
    assert.is_false(C.rill_known_has(none, "x", 1))
    C.rill_map_free(none)
    assert.equal(-1, C.rill_map_get(none, 1, 1))
    assert_code(C.RILL_ERROR, C.rill_map_set(none, 1, 1, 1), "no map")
    C.rill_loop_free(none)
  end)

  it("reads no page and no text that is not there", function()
    local text = C.rill_text_new(NOTHING, 0, NOTHING, 9)
    local data, length = ffi.new "const char *[1]", ffi.new "uint64_t[1]"
    assert.equal(0, C.rill_text_read(text, 100, data, length))
    C.rill_text_free(text)
    local html, found = C.rill_html_new(), ffi.new "rill_html_found"
    C.rill_html_get(html, found)
    assert.equal(0, found.count)
    assert.equal(0, C.rill_html_step(html))
    C.rill_html_begin(html, ffi.new("rill_html_page", { body = NOTHING, length = 9 }))
    assert_code(C.RILL_ARGUMENT, C.rill_html_step(html), "a page without a body")
    C.rill_html_begin(html, NOTHING)
    assert_code(C.RILL_ARGUMENT, C.rill_html_step(html), "no page")
    C.rill_html_get(html, NOTHING)
    C.rill_html_free(html)
  end)

  -- Every call that takes an id, with one that names nothing of its kind.
  local function check_foreign(at, slot, generation)
    local size, pointer = ffi.new "rill_body *[1]", ffi.new "const char *[1]"
    for what, code in pairs {
      stats = C.rill_client_stats(at, slot, generation, ffi.new "rill_stats"),
      start = C.rill_request_start(at, ffi.new("rill_id", { slot, generation }), request(), id, err),
      stream = C.rill_stream_info_get(at, slot, generation, ffi.new "rill_stream_info"),
      read = C.rill_stream_read(at, slot, generation, 99, pointer),
      collect = C.rill_stream_collect(at, slot, generation),
      body = C.rill_stream_body(at, slot, generation, size),
      save = C.rill_stream_save(at, slot, generation, 1, "x", err),
      write = C.rill_stream_write(at, slot, generation, "x", 1, err),
      finish = C.rill_stream_finish(at, slot, generation, NOTHING, 0, NOTHING),
      ping = C.rill_connection_ping(at, slot, generation),
      connection = C.rill_connection_get(at, slot, generation, ffi.new "rill_connection_state"),
      conn = C.rill_peer_info_get(at, slot, generation, ffi.new "rill_peer_info"),
    } do
      assert_code(at == NOTHING and C.RILL_ARGUMENT or C.RILL_CLOSED, code, what)
    end
    assert.is_false(C.rill_stream_would_wait(at, slot, generation, 9))
    C.rill_stream_cancel(at, slot, generation)
    C.rill_stream_stop(at, slot, generation)
    C.rill_stream_decide(at, slot, generation, true)
    C.rill_stream_reset(at, slot, generation, 8)
    C.rill_stream_fail(at, slot, generation, NOTHING)
    C.rill_connection_drain(at, slot, generation)
    C.rill_connection_close(at, slot, generation, 0)
    C.rill_client_close(at, slot, generation)
  end

  it("knows an id that is stale, of another kind, or of no loop", function()
    check_foreign(NOTHING, 0, 1)
    check_foreign(loop, 0, 0)
    check_foreign(loop, 2 ^ 32 - 1, 2 ^ 32 - 1)
    local timer = ffi.new "rill_id"
    assert_code(0, C.rill_timer_start(loop, 1000, timer, err), "timer")
    check_foreign(loop, timer.slot, timer.generation)
    C.rill_drop(loop, timer.slot, timer.generation)
    check_foreign(loop, timer.slot, timer.generation)
    C.rill_drop(loop, timer.slot, timer.generation)
    local gone = client()
    C.rill_client_close(loop, gone.slot, gone.generation)
    assert_code(C.RILL_CLOSED, C.rill_request_start(loop, gone, request(), id, err), "closed")
    C.rill_drop(loop, gone.slot, gone.generation)
    check_foreign(loop, gone.slot, gone.generation)
  end)

  it("checks what a stream is given, and is left as it was", function()
    local server = support.node()
    local target = client(function(o) o.tls.ca_file = server.ca end)
    local url = server.url .. "/echo"
    local function open(change)
      local wanted = request(function(r)
        r.url, r.url_length, r.method, r.method_length, r.stream = url, #url, "POST", 4, true
        if change then change(r) end
      end)
      local stream = ffi.new "rill_id"
      assert_code(0, C.rill_request_start(loop, target, wanted, stream, err), ffi.string(err.message))
      return stream.slot, stream.generation
    end
    local slot, generation = open(function(r) r.has_body = true end)
    local function bad(code, word) assert_code(C.RILL_ARGUMENT, code, word, word) end
    err = garbage()
    bad(C.rill_stream_write(loop, slot, generation, NOTHING, 9, err), "data")
    bad(C.rill_stream_write(loop, slot, generation, "x", ffi.cast("size_t", -1), err), "data")
    bad(C.rill_stream_finish(loop, slot, generation, NOTHING, 9, err), "trailers")
    local half = "\r\nx-good: 1\r\nx bad: 2"
    bad(C.rill_stream_finish(loop, slot, generation, half, #half, err), "x bad")
    assert.is_true(C.rill_stream_would_wait(loop, slot, generation, ffi.cast("size_t", -1)))
    assert_code(C.RILL_ARGUMENT, C.rill_stream_info_get(loop, slot, generation, NOTHING), "info")
    assert_code(C.RILL_ARGUMENT, C.rill_stream_read(loop, slot, generation, 9, NOTHING), "read")
    assert_code(C.RILL_ARGUMENT, C.rill_stream_body(loop, slot, generation, NOTHING), "body")
    assert_code(0, C.rill_stream_write(loop, slot, generation, "hello", 5, err), "write")
    assert_code(0, C.rill_stream_finish(loop, slot, generation, "\r\nx-last: 1", 11, err), "finish")
    wait_for(C.RILL_EVENT_CLOSED)
    local data = ffi.new "const char *[1]"
    local length = C.rill_stream_read(loop, slot, generation, 9999, data)
    local seen = ffi.string(data[0], length)
    assert.truthy(seen:find('"trailers":{"x-last":"1"}', 1, true), seen)
    C.rill_drop(loop, slot, generation)
    check_foreign(loop, slot, generation)
    slot, generation = open() -- no body to feed
    bad(C.rill_stream_write(loop, slot, generation, "x", 1, err), "pieces")
    C.rill_drop(loop, slot, generation)
    server:stop()
  end)
end)
