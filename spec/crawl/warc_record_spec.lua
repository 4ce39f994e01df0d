-- Records of WARC files, as src/warc makes them, in one step or in many.
local C = require "rill.clib"
local ffi = require "ffi"
local process = require "support.process"
local rill = require "rill"
local scratch = require "support.scratch"
local script = require "support.script"
local server_of = require "support.server"
local support = require "support"
local warc = require "rill.warc"

local HEAD = "HTTP/1.1 200 OK\r\n\r\n"
local FIELDS = "Content-Type: application/http;msgtype=response\r\n"

local function record_of(payload, more)
  local record = { type = "response", time = 1e9 + 0.25, fields = FIELDS, head = HEAD, payload = payload,
    payload_length = #payload, digest = true }
  for name, value in pairs(more or {}) do record[name] = value end
  return record
end

local function members_of(list)
  return support.run(function() return warc.members(list) end)
end

-- Letters that zlib cannot make much of.
local function noise(length)
  local parts, seed = {}, 1
  for i = 1, length / 4 do
    seed = (seed * 16807) % 2147483647
    parts[i] = ("%04x"):format(seed % 65536)
  end
  return table.concat(parts)
end

describe("a WARC record", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- What a strict reader makes of members; a file begins with a warcinfo.
  local function read(members)
    local path = support.directory "record" .. "/file"
    local info = { type = "warcinfo", time = 0, head = "a: b\r\n",
      fields = "Content-Type: application/warc-fields\r\n" }
    support.write(path, members_of({ info }) .. members)
    local child = process.start({ "/usr/bin/python3", "-B", support.here .. "/warc.py", path }, path .. ".read")
    assert.equal(0, child:wait(60), child:output())
    local records = server_of.json_lines(child:output())
    table.remove(records, 1)
    return records
  end

  it("is whole whatever its length", function()
    local list, lengths = {}, { 0, 1, 700, 4000, 4096, 5000, 70000, 262144, 262148, 300000, 2 ^ 21, 2 ^ 21 + 4 }
    for i, length in ipairs(lengths) do list[i] = record_of(i % 2 == 0 and noise(length) or ("x"):rep(length)) end
    local records = read(members_of(list))
    assert.equal(#list, #records)
    for i, record in ipairs(records) do
      assert.is_true(record.payload == list[i].payload, lengths[i] .. " bytes")
      assert.equal("2001-09-09T01:46:40.250000Z", record["WARC-Date"])
    end
  end)

  it("has an id of its own, and names the one before it", function()
    local first, second, third = unpack(read(members_of({ record_of "a", record_of("b", {
      type = "request", concurrent = true }), record_of "c" })))
    assert.equal(first["WARC-Record-ID"], second["WARC-Concurrent-To"])
    assert.is_nil(third["WARC-Concurrent-To"])
    assert.is_true(first["WARC-Record-ID"] ~= second["WARC-Record-ID"])
    assert.is_true(first["WARC-Record-ID"] ~= third["WARC-Record-ID"])
  end)

  it("of a revisit has the digest of a payload that stands elsewhere", function()
    local long = noise(400000)
    local kept, short, revisit = unpack(read(members_of({ record_of(long), record_of("b", {
      digest = false, revisit = true, type = "revisit" }), record_of(long, { revisit = true, type = "revisit" }) })))
    assert.equal(kept["WARC-Payload-Digest"], revisit["WARC-Payload-Digest"])
    assert.is_nil(short["WARC-Payload-Digest"])
    assert.same({ "", "", tostring(#HEAD) }, { short.payload, revisit.payload, revisit["Content-Length"] })
  end)

  it("is made in steps, between which others run; several at once do not mix", function()
    local texts, made = {}, {}
    support.run(function()
      local tasks, turns = {}, 0
      for i = 1, 4 do
        texts[i] = (("%d and on, "):format(i)):rep(2 ^ 17)
        tasks[i] = rill.spawn(warc.members, { record_of(texts[i]), record_of "end" })
      end
      local other = rill.spawn(function()
        while true do
          turns = turns + 1
          rill.sleep(0)
        end
      end)
      rill.sleep(0)
      tasks[4]:cancel()
      for i = 1, 3 do made[i] = assert(tasks[i]:join()) end
      assert.is_true(turns > 3)
      assert.equal("cancelled", select(2, tasks[4]:join()).reason)
      other:cancel()
      other:join()
    end)
    for i = 1, 3 do
      local records = read(made[i])
      assert.is_true(records[1].payload == texts[i])
      assert.equal("end", records[2].payload)
    end
  end)

  -- A writer, and how it begins a record with a head; steps() ends it.
  local function writer()
    local handle, failure = ffi.gc(C.rill_warc_new(), C.rill_warc_free), ffi.new("rill_error")
    local function add(head, concurrent)
      local record = ffi.new("rill_warc_record")
      record.type, record.time, record.fields, record.fields_length = "request", 1, FIELDS, #FIELDS
      record.head, record.head_length, record.concurrent = head, #head, concurrent and 1 or 0
      return C.rill_warc_add(handle, record, failure)
    end
    local function steps()
      local count, code = 0, 1
      while code == 1 do
        count, code = count + 1, C.rill_warc_continue(handle, failure)
      end
      assert.equal(0, code)
      return count
    end
    local function members()
      local length = ffi.new("size_t[1]")
      local data = C.rill_warc_members(handle, length)
      return ffi.string(data, length[0])
    end
    return handle, add, steps, members
  end

  it("with a head of many MiB is made in steps as well", function()
    local _, add, steps, members = writer()
    local head = "GET / HTTP/1.1\r\na: " .. noise(8 * 2 ^ 20) .. "\r\n\r\n"
    assert.equal(1, add(head))
    assert.is_true(steps() > 32)
    assert.equal(head:sub(1, -5), read(members())[1].head)
  end)

  it("that never was complete is not what the next one is concurrent to", function()
    local handle, add, _, members = writer()
    assert.equal(0, add(HEAD))
    assert.equal(1, add(HEAD .. noise(600000)))
    local first = read(members())[1]
    C.rill_warc_clear(handle) -- the second, too
    assert.equal(0, add(HEAD, true))
    assert.equal(first["WARC-Record-ID"], read(members())[1]["WARC-Concurrent-To"])
  end)

  it("is refused where it is none", function()
    local handle, failure = ffi.gc(C.rill_warc_new(), C.rill_warc_free), ffi.new("rill_error")
    local function add(fields)
      failure.reason = C.RILL_OPEN
      local record = ffi.new("rill_warc_record")
      record.type, record.head, record.head_length = "request", HEAD, #HEAD
      record.fields, record.fields_length = FIELDS, #FIELDS
      for name, value in pairs(fields) do record[name] = value end
      return C.rill_warc_add(handle, record, failure)
    end
    local no_bytes = ffi.cast("const char *", nil)
    for _, fields in ipairs { { type = no_bytes }, { head = no_bytes }, { fields = no_bytes }, { payload_length = 1 },
      { time = -1 }, { time = 0 / 0 }, { time = 1e300 }, { concurrent = 1 } } do
      assert.equal(-C.RILL_ARGUMENT, add(fields))
    end
    local record = ffi.new("rill_warc_record")
    for _, code in ipairs { C.rill_warc_add(nil, record, nil), C.rill_warc_add(handle, nil, nil),
      C.rill_warc_continue(nil, nil), C.rill_warc_continue(handle, nil) } do
      assert.equal(-C.RILL_ARGUMENT, code)
    end
    assert.is_true(C.rill_warc_members(nil, nil) == nil)
    C.rill_warc_clear(nil)
    C.rill_warc_free(nil)

    local text = noise(600000)
    assert.equal(1, add { payload = text, payload_length = #text })
    assert.equal(-C.RILL_ARGUMENT, add {}) -- the one before is not complete
    local length = ffi.new("size_t[1]", 7)
    C.rill_warc_members(handle, length)
    assert.equal(0, tonumber(length[0]))
    C.rill_warc_clear(handle)
    assert.equal(-C.RILL_ARGUMENT, C.rill_warc_continue(handle, nil))
    assert.equal(0, add {})
    local members = C.rill_warc_members(handle, length)
    assert.equal(1, #read(ffi.string(members, length[0])))
  end)

  -- What members() makes of an exchange: the records of its response and of its request.
  local function exchange(more)
    local each = { time = 1, url = "http://user:secret@example.com?a=b#c", request = "\r\nx: y", status = 200,
      headers = "\r\ncontent-length: 2\r\nx-content-length: 3\r\ncontent-encoding: gzip", fields = "", payload = "text",
      payload_length = 4, revisit = false, peer = { ip_address = "::1", protocol = "h2" }, user_agent = "me/1" }
    for name, value in pairs(more or {}) do each[name] = value end
    return unpack(read(support.run(function() return warc.exchange(each) end)))
  end

  it("of an exchange has its heads as HTTP/1.1 text", function()
    local response, request = exchange()
    assert.equal("HTTP/1.1 200 OK\r\nx-orig-content-length: 2\r\nx-content-length: 3\r\nx-orig-content-encoding: gzip"
      .. "\r\ncontent-length: 4", response.head)
    assert.matches("^GET /%?a=b HTTP/1.1\r\nhost: example.com\r\nx: y\r\nuser%-agent: me/1\r\n"
      .. "accept%-encoding: [^\r]*gzip", request.head)
    assert.equal(response["WARC-Record-ID"], request["WARC-Concurrent-To"])
    for _, record in ipairs { response, request } do
      assert.same({ "http://example.com/?a=b", "::1", "h2" },
        { record["WARC-Target-URI"], record["WARC-IP-Address"], record["WARC-Protocol"] })
    end
    assert.same({ "text", "" }, { response.payload, request.payload })
  end)

  it("of an exchange leaves out what is not known, and adds no field that was sent", function()
    local response, request = exchange { headers = "", status = 299, payload_length = 0, request =
      "\r\nuser-agent: other\r\naccept-encoding: br", peer = { ip_address = "", protocol = "h2" } }
    assert.equal("HTTP/1.1 299 \r\ncontent-length: 0", response.head)
    assert.is_nil(response["WARC-IP-Address"])
    assert.equal("GET /?a=b HTTP/1.1\r\nhost: example.com\r\nuser-agent: other\r\naccept-encoding: br", request.head)
  end)

  it("of an exchange is the same in steps, and as a revisit has no content-length", function()
    local long = noise(700000)
    local response, request = exchange { payload = long, payload_length = #long }
    assert.is_true(response.payload == long)
    assert.equal(response["WARC-Record-ID"], request["WARC-Concurrent-To"])
    local revisit = exchange { payload = long, payload_length = #long, revisit = true,
      fields = "WARC-Truncated: time\r\n" }
    assert.same({ "revisit", "time", "", response["WARC-Payload-Digest"] }, { revisit["WARC-Type"],
      revisit["WARC-Truncated"], revisit.payload, revisit["WARC-Payload-Digest"] })
    assert.is_nil(revisit.head:find("\ncontent-length", 1, true))
  end)

  it("of no exchange is refused", function()
    local handle, failure = ffi.gc(C.rill_warc_new(), C.rill_warc_free), ffi.new("rill_error")
    local function add(fields)
      failure.reason = C.RILL_OPEN
      local each = ffi.new("rill_warc_exchange")
      local url = fields.url or "http://a/"
      each.url, each.url_length, each.request, each.headers = url, #url, "", ""
      for name, value in pairs(fields) do each[name] = value end
      return C.rill_warc_add_response(handle, each, failure)
    end
    local no_bytes = ffi.cast("const char *", nil)
    for _, fields in ipairs { { request = no_bytes }, { headers = no_bytes }, { fields_length = 1 },
      { payload_length = 1 }, { time = -1 } } do
      assert.equal(-C.RILL_ARGUMENT, add(fields))
    end
    for _, url in ipairs { "", "http://", "mailto:me" } do assert.equal(-C.RILL_INVALID_URL, add { url = url }) end
    assert.equal(0, add {})
    for _, code in ipairs { C.rill_warc_add_response(handle, nil, nil), C.rill_warc_add_request(nil, nil, nil) } do
      assert.equal(-C.RILL_ARGUMENT, code)
    end
    local text = noise(600000)
    assert.equal(1, add { payload = text, payload_length = #text })
    assert.equal(-C.RILL_ARGUMENT, add {}) -- the one before is not complete
  end)

  -- Each writes the same records to a file, one of them too large for libdeflate. Returns whether that was loaded.
  local function written(path, environment)
    return script.run([[
    local path, fields, head = ...
    local warc, list = require "rill.warc", {}
    for i, n in ipairs { 0, 1, 500, 70000, 262000, 3000000 } do
      local payload = ("ab" .. i):rep(n)
      list[i] = { type = "response", time = i, fields = fields, head = head, payload = payload,
        payload_length = #payload, digest = true }
    end
    local comment = fields .. "Comment: " .. ("x"):rep(1100000) .. "\r\n"
    list[#list + 1] = { type = "response", time = 9, fields = comment, head = head, digest = true }
    local file = assert(io.open(path, "wb"))
    rill.run(function() file:write(warc.members(list)) end)
    file:close()
    local maps = io.open "/proc/self/maps"
    tell(maps:read "*a":find("libdeflate", 1, true) and "loaded" or "not")
    maps:close()
    ]], { path, FIELDS, HEAD }, environment)[1]
  end

  it("is as good by zlib where libdeflate is not installed", function()
    local directory, texts = support.directory "compressors", {}
    local empty = scratch.directory "libraries"
    scratch.write(empty .. "/libdeflate.so.0", "")
    for kind, environment in pairs { loaded = {}, ["not"] = { environment = { "LD_LIBRARY_PATH=" .. empty } } } do
      local path = directory .. "/" .. kind
      assert.equal(kind, written(path, environment))
      local file = assert(io.open(path, "rb"))
      local list = read(file:read "*a")
      file:close()
      texts[kind] = {}
      for i, each in ipairs(list) do texts[kind][i] = { each["WARC-Type"], each["WARC-Block-Digest"] } end
    end
    assert.equal(7, #texts.loaded)
    assert.same(texts.loaded, texts["not"])
  end)
end)
