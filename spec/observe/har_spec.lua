-- rill.har.recorder: what a client has asked for, as HAR 1.2.
local har = require "support.har"
local rill = require "rill"
local support = require "support"

local SERVER = [=[
const zlib = require('zlib');
const TEXT = 'the same again and again, '.repeat(4000);

function fields(stream, raw, query) {
  let length = 0;
  stream.on('data', (chunk) => { length += chunk.length; });
  stream.on('end', () => {
    const list = [];
    for (let i = 0; i < raw.length; i += 2) {
      if (!options.http1 || raw[i][0] !== ':') list.push([raw[i].toLowerCase(), raw[i + 1]]);
    }
    log({ event: 'fields', list, length });
    stream.respond({ ':status': 200, 'content-type': 'text/plain; charset=utf-8' });
    stream.end('caf\u00e9');
  });
}
function packed(stream) {
  const body = zlib.gzipSync(TEXT);
  log({ event: 'packed', length: body.length, whole: TEXT.length });
  stream.respond({ ':status': 200, 'content-type': 'text/html', 'content-encoding': 'gzip' });
  stream.end(body);
}
const answer = (head, body) => (stream) => { stream.respond(head); stream.end(body); };
const places = {
  fields, packed,
  to: answer({ ':status': 302, location: '/end?of=it' }, 'elsewhere'),
  end: answer({ ':status': 200, 'content-type': 'text/plain' }, 'end'),
  jar: answer({ ':status': 200, 'set-cookie': ['a=1; Path=/; HttpOnly; Expires=Wed, 21 Oct 2099 07:28:00 GMT',
    'b="2"; Secure; SameSite=Lax; Domain=localhost'] }, ''),
  bytes: answer({ ':status': 200, 'content-type': 'image/png' }, Buffer.from([0, 255, 128, 10])),
  latin: answer({ ':status': 200, 'content-type': 'text/html; charset=iso-8859-1' }, Buffer.from('caf\xe9', 'latin1')),
  large: answer({ ':status': 200, 'content-type': 'text/plain' }, 'x'.repeat(300000)),
  break: (stream) => {
    stream.respond({ ':status': 200, 'content-length': 100 });
    stream.write('half', () => setImmediate(() => stream.close(2)));
  },
};
server.on('stream', (stream, headers, flags, raw) => {
  stream.on('error', () => {});
  const url = new URL(headers[':path'], 'https://localhost');
  places[url.pathname.slice(1)](stream, raw);
});
]=]

local function pairs_of(list)
  local texts = {}
  for _, pair in ipairs(list) do texts[#texts + 1] = (pair.name or pair[1]) .. ": " .. (pair.value or pair[2]) end
  return texts
end

local function last(server, kind)
  local found
  for _, event in ipairs(server:events()) do
    if event.event == kind then found = event end
  end
  return found
end

describe("a recorder", function()
  local servers

  setup(function()
    servers = { h2 = support.node { source = SERVER }, ["http/1.1"] = support.node { source = SERVER, http1 = true } }
  end)
  teardown(function() support.stop_all() end)
  before_each(support.begin)
  after_each(support.check_clean)

  for _, protocol in ipairs { "h2", "http/1.1" } do
    local version = protocol == "h2" and "HTTP/2" or "HTTP/1.1"

    describe("of " .. protocol, function()
      local server, client, recorder

      before_each(function()
        server = servers[protocol]
        client = support.client { cookies = true, protocols = { protocol } }
        recorder = rill.har.recorder(client, { bodies = true })
      end)

      local function run(fn) return support.run(function() return fn(server.url) end) end

      it("has the fields and the sizes that the server saw", function()
        local cases = {
          { "GET" }, { "POST", "four" }, { "POST" }, { "PUT", rill.form { a = "1 & 2" } },
          { "POST", "held", { expect_continue = true } },
          { "POST", "five5", { headers = { ["content-length"] = "5" } } },
          { "PATCH", function() end }, { "DELETE", nil, { headers = { ["X-Own"] = "v" }, auth = { bearer = "t" } } },
          { "GET", nil, { headers = { host = "elsewhere.example" } } },
        }
        run(function(url)
          for i, case in ipairs(cases) do
            local given = { url = url .. "/fields?n=" .. i, method = case[1], body = case[2] }
            for name, value in pairs(case[3] or {}) do given[name] = value end
            assert(client:request(given))
            local seen, entry = last(server, "fields"), recorder:entries()[i]
            local expected = pairs_of(seen.list)
            local found = pairs_of(entry.request.headers)
            table.sort(expected)
            table.sort(found)
            assert.same(expected, found)
            assert.equal(seen.length, entry.request.bodySize)
          end
        end)
        local entries = har.saved(recorder)
        assert.equal(#cases, #entries)
        assert.equal(version, entries[1].request.httpVersion)
        assert.equal(version, entries[1].response.httpVersion)
        assert.same({ mimeType = "x-unknown", text = "four" }, entries[2].request.postData)
        assert.same({ { name = "a", value = "1 & 2" } }, entries[4].request.postData.params)
        assert.same({ { name = "n", value = "1" } }, entries[1].request.queryString)
        assert.equal("caf\195\169", entries[1].response.content.text)
        assert.equal(5, entries[1].response.content.size)
      end)

      it("has a redirect and what it leads to each by itself", function()
        run(function(url) assert(client:get(url:gsub("//", "//me:secret@") .. "/to#part")) end)
        local entries = har.saved(recorder)
        assert.equal(2, #entries)
        assert.same({ 302, "/end?of=it", server.url .. "/to" },
          { entries[1].response.status, entries[1].response.redirectURL, entries[1].request.url })
        assert.same({ 200, "", server.url .. "/end?of=it" },
          { entries[2].response.status, entries[2].response.redirectURL, entries[2].request.url })
        local first, second = entries[1], entries[2]
        assert.is_true(har.clock(first.startedDateTime) + first.time * 1000 <= har.clock(second.startedDateTime) + 20)
        assert.equal("elsewhere", first.response.content.text)
      end)

      it("has the sizes of a body before and after decoding", function()
        run(function(url)
          assert(client:get(url .. "/packed"))
          assert(client:get(url .. "/packed", { on_chunk = function() end }))
          assert(client:download(url .. "/packed", support.directory "har" .. "/file"))
          local stream = client:open { url = url .. "/packed" }
          assert(stream:read(100))
          assert(stream:response())
        end)
        local sizes = last(server, "packed")
        for i, entry in ipairs(har.saved(recorder)) do
          local content = entry.response.content
          assert.same({ sizes.length, sizes.whole, sizes.whole - sizes.length },
            { entry.response.bodySize, content.size, content.compression }, tostring(i))
          assert.equal(i ~= 3 and sizes.whole or nil, content.text and #content.text)
        end
      end)

      it("has bodies as text, and those that are none in base64", function()
        run(function(url)
          for _, name in ipairs { "bytes", "latin", "large" } do assert(client:get(url .. "/" .. name)) end
          assert(client:post(url .. "/fields", "\0\1\255"))
          local res = assert(client:get(url .. "/large"))
          assert.equal(300000, #res.body)
          assert.equal(300000, select(2, res:pointer()))
        end)
        local entries = har.saved(recorder)
        local contents = {}
        for i, entry in ipairs(entries) do contents[i] = entry.response.content end
        assert.same({ "AP+ACg==", "base64", 4 }, { contents[1].text, contents[1].encoding, contents[1].size })
        assert.same({ "caf\195\169", nil, 4 }, { contents[2].text, contents[2].encoding, contents[2].size })
        for _, i in ipairs { 3, 5 } do assert.equal(("x"):rep(300000), contents[i].text) end
        assert.same({ text = "AAH/", _encoding = "base64", mimeType = "x-unknown" }, entries[4].request.postData)
      end)

      it("has cookies", function()
        run(function(url)
          assert(client:get(url .. "/jar"))
          assert(client:get(url .. "/end"))
        end)
        local entries = har.saved(recorder)
        local a, b = unpack(entries[1].response.cookies)
        assert.same({ "a", "1", "/", true, false }, { a.name, a.value, a.path, a.httpOnly, a.secure })
        assert.matches("^20%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d+Z$", a.expires)
        assert.same({ "b", '"2"', "localhost", true, "Lax" }, { b.name, b.value, b.domain, b.secure, b.sameSite })
        local sent = har.map(entries[2].request.cookies)
        assert.same({ a = "1", b = '"2"' }, sent)
      end)

      it("has requests that failed, with what had come", function()
        local gone = support.refused()
        run(function(url)
          assert.is_nil(client:get(url .. "/break"))
          assert.is_nil(client:get(gone .. "/never", { retries = 0 }))
          assert(client:open { url = url .. "/end" }):cancel()
          assert(client:get(url .. "/end"))
        end)
        local broken, refused, cancelled, fine = unpack((har.saved(recorder)))
        assert.same({ 200, 4, "100" }, { broken.response.status, broken.response.bodySize,
          har.map(broken.response.headers)["content-length"] })
        assert.is_string(broken._error)
        assert.same({ 0, "unknown", "connect_failed" },
          { refused.response.status, refused.response.httpVersion, refused._reason })
        assert.is_nil(refused.connection)
        assert.same({ 0, "cancelled" }, { cancelled.response.status, cancelled._reason })
        assert.same({ 200, "ended" }, { fine.response.status, fine._reason })
        assert.is_nil(fine._error)
      end)
    end)
  end

  it("shows repeats as one request, and a proxy's tunnel as part of connect", function()
    local failing = support.node { script = "failing.js" }
    local proxy = require("support.proxy").start()
    local client = support.client { proxy = "http://127.0.0.1:" .. proxy.port }
    local recorder = rill.har.recorder(client)
    support.run(function() assert(client:get(failing.url .. "/fail?with=refuse")) end)
    local entries = har.saved(recorder)
    assert.equal(1, #entries)
    assert.equal(2, entries[1]._attempts)
    assert.is_nil(entries[1].response.content.text)
    failing:stop()
  end)

  it("has a request whose task was cancelled", function()
    local server = support.node {}
    local client = support.client()
    local recorder = rill.har.recorder(client)
    support.run(function()
      local task = rill.spawn(client.get, client, server.url .. "/hold")
      support.wait(function()
        rill.sleep(0.001)
        return server:output():find "/hold"
      end, 60)
      task:cancel()
      task:join()
    end)
    local entry = har.saved(recorder)[1]
    assert.same({ 0, "cancelled", 1 }, { entry.response.status, entry._reason, entry._stream })
    assert.is_true(entry.timings.connect > 0)
  end)

  it("names the connection and the stream as events do", function()
    local server, seen = support.node {}, {}
    local client = support.client { on_event = function(event)
      if event.type == "done" then seen[#seen + 1] = { tostring(event.connection), event.stream } end
    end }
    local recorder = rill.har.recorder(client)
    support.run(function()
      for _ = 1, 2 do assert(client:get(server.url .. "/size?n=1")) end
    end)
    local found = {}
    for i, entry in ipairs(har.saved(recorder)) do found[i] = { entry.connection, entry._stream } end
    assert.same(seen, found)
  end)

  it("keeps the newest when it is full, and stops", function()
    local server = support.node {}
    local client = support.client()
    local recorder, other = rill.har.recorder(client, { max = 3 }), rill.har.recorder(client)
    support.run(function()
      for i = 1, 5 do assert(client:get(server.url .. "/size?n=" .. i)) end
      recorder:stop()
      recorder:stop()
      assert(client:get(server.url .. "/size?n=6"))
      client:close()
    end)
    local entries, log = har.saved(recorder)
    assert.same({ 3, 3, 5, 2 },
      { #entries, entries[1].response.bodySize, entries[3].response.bodySize, recorder.dropped })
    assert.equal("2 older entries had no room", log.comment)
    assert.equal(6, #har.saved(other))
    assert.equal("recorder: 3 entries, stopped", tostring(recorder))
    other:stop()
    assert.is_false(client._recorders)
  end)

  -- Bytes of the Lua heap that stay when all garbage has gone.
  local function held()
    jit.flush()
    collectgarbage()
    collectgarbage()
    return collectgarbage "count" * 1024
  end

  -- Records GETs, and returns what the recorder holds.
  local function record(url, count, options)
    local client = support.client()
    local before, recorder = held(), rill.har.recorder(client, options)
    support.run(function()
      local numbers = {}
      for i = 1, count do numbers[i] = i end
      for _, res, err in rill.map(numbers, function(i) return client:get(url .. i) end, { concurrency = 50 }) do
        assert(res, err)
      end
    end)
    return held() - before, recorder
  end

  it("holds 10,000 entries in less than 64 MB", function()
    local server = support.nginx()
    support.write(server.root .. "/page.html", "page")
    local bytes, recorder = record(server.url .. "/page.html?with=a+query&number=", 10000)
    assert.is_true(bytes < 64e6, ("%d bytes"):format(bytes))
    assert.same({ 0, 10000 }, { recorder.dropped, #recorder:entries() })
  end)

  it("holds less than 64 MB, however large heads and bodies are", function()
    local server = support.node {}
    local bytes, recorder = record(server.url .. "/bigheader?n=60000&m=", 1000)
    assert.is_true(bytes < 64e6, ("%d bytes of heads"):format(bytes))
    assert.is_true(recorder.dropped > 0 and recorder.dropped < 500, recorder.dropped)
    bytes, recorder = record(server.url .. "/size?n=65000&m=", 1000, { bodies = true })
    assert.is_true(bytes < 64e6, ("%d bytes of bodies"):format(bytes))
    assert.equal(0, recorder.dropped)
    local entries = recorder:entries()
    assert.equal(1000, #entries)
    local kept = 0
    for _, entry in ipairs(entries) do
      local content = entry.response.content
      kept = kept + (content.text and 1 or 0)
      assert.equal(content.text == nil, content.comment == "the body was left out: a recorder holds 40 MiB")
    end
    assert.is_true(kept > 500 and kept < 1000, kept)
  end)

  it("has room again where scripts drop streams that they have read a part of", function()
    local server = support.node { memory = 1000 }
    local client = support.client { window = 65536, max_window = 65536 }
    local recorder = rill.har.recorder(client, { bodies = true })
    local function read_a_part()
      local stream, left = client:open { url = server.url .. "/size?n=300000" }, 65536
      while left > 0 do left = left - #assert(stream:read(left)) end
    end
    support.run(function()
      for _ = 1, 700 do
        read_a_part()
        collectgarbage()
      end
      assert(client:get(server.url .. "/size?n=60000"))
    end)
    local entries = recorder:entries()
    assert.equal(60000, #entries[#entries].response.content.text)
  end)

  it("writes a file that only its owner reads, or leaves what is there as it was", function()
    local client = support.client()
    local recorder, folder = rill.har.recorder(client), support.directory "har"
    assert(recorder:save(folder .. "/new.har"))
    local mode = assert(io.popen("stat -c %a " .. folder .. "/new.har")):read "*l"
    assert.equal("600", mode)
    local saved, err = recorder:save(folder .. "/none/new.har")
    assert.is_nil(saved)
    assert.equal("file_error", err.reason)
    assert.matches(folder .. "/none/new.har: No such file", err.message, 1, true)
    assert.equal("file_error", select(2, recorder:save(folder)).reason)
    assert.equal(1, #support.find(folder))
  end)

  it("raises for what is no client, no option, no path", function()
    local client = support.client()
    assert.error_matches(function() rill.har.recorder(1) end, "must be a client, got 1")
    assert.error_matches(function() rill.har.recorder(client, { body = true }) end, 'unknown option "body"')
    assert.error_matches(function() rill.har.recorder(client, { bodies = 1 }) end, "must be true or false, got 1")
    assert.error_matches(function() rill.har.recorder(client, { max = 0 }) end, "at least 1, got 0")
    local recorder = rill.har.recorder(client)
    assert.error_matches(function() recorder:save() end, "a path must be a string without NUL, got nil")
  end)
end)
