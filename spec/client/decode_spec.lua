-- Content codings: what comes coded is given out as it was before, whatever way the body takes.
local dkjson = require "dkjson"
local support = require "support"
local rill = require "rill"

local function text(length)
  local lines, size, i = {}, 0, 0
  while size < length do
    local line = ("%d a line of text %d\n"):format(i, i * i)
    lines[#lines + 1], size, i = line, size + #line, i + 1
  end
  return table.concat(lines):sub(1, length)
end

-- What is so over each version of HTTP: `http1` of the server.
local function specs(http1)
  local server

  setup(function() server = support.node { script = "coded.js", http1 = http1 } end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function get(path, client_options, options)
    local client = support.client(client_options)
    return support.run(function() return client:get(server.url .. path, options) end)
  end

  -- way -> gets a URL with options; returns the body, flags.decoded, or nil, err
  local ways = {
    get = function(client, url, options)
      local res, err = client:get(url, options)
      if not res then return nil, err end
      return res.body, res.flags.decoded, res
    end,
    read = function(client, url, options)
      local stream = assert(client:open { url = url, decompress = options.decompress, maxsize = options.maxsize })
      local parts = {}
      while true do
        local chunk, err = stream:read()
        if err then return nil, err end
        if not chunk then break end
        parts[#parts + 1] = chunk
      end
      assert.equal("ended", stream.close_reason)
      local res = assert(stream:response())
      return table.concat(parts), res.flags.decoded, res
    end,
    response = function(client, url, options)
      local stream = assert(client:open { url = url, decompress = options.decompress, maxsize = options.maxsize })
      assert(stream:headers())
      local res, err = stream:response()
      if not res then return nil, err end
      return res.body, res.flags.decoded, res
    end,
    closed = function(client, url, options)
      local stream = assert(client:open { url = url, decompress = options.decompress, maxsize = options.maxsize })
      local reason, err = stream:closed()
      if reason ~= "ended" then return nil, err end
      local res = assert(stream:response())
      return res.body, res.flags.decoded, res
    end,
    on_chunk = function(client, url, options)
      local parts = {}
      local given = { decompress = options.decompress, maxsize = options.maxsize }
      given.on_chunk = function(chunk) parts[#parts + 1] = chunk end
      local res, err = client:get(url, given)
      if not res then return nil, err end
      assert.equal(table.concat(parts), res.body)
      return res.body, res.flags.decoded, res
    end,
    download = function(client, url, options)
      local path = support.directory "decode" .. "/file"
      local res, err = client:download(url, path, options)
      if not res then
        assert.is_nil(io.open(path, "rb"))
        return nil, err
      end
      return support.read(path), res.flags.decoded, res
    end,
    save = function(client, url, options)
      local path = support.directory "decode" .. "/file"
      local res, err = client:get(url, options)
      if not res then return nil, err end
      assert(res:save(path))
      return support.read(path), res.flags.decoded, res
    end,
  }

  local function take(way, path, options)
    local client = support.client()
    return support.run(function() return ways[way](client, server.url .. path, options or {}) end)
  end

  for way in pairs(ways) do
    for _, coding in ipairs { "gzip", "deflate", "br", "zstd" } do
      it(("is given out as it was: %s, by %s"):format(coding, way), function()
        for _, size in ipairs { 1000, 300000 } do
          local body, decoded, res = take(way, ("/?codings=%s&n=%d"):format(coding, size))
          assert.is_true(body == text(size), tostring(decoded))
          assert.same({ coding }, decoded)
          assert.equal(coding, res.headers["content-encoding"])
          assert.is_true(res.bytes_received < size)
        end
      end)
    end

    it("is broken in the middle: decode_error by " .. way, function()
      local body, err = take(way, "/?codings=gzip&n=300000&flip=9000")
      assert.is_nil(body)
      assert.equal("decode_error", err.reason)
      assert.equal("yes", err.processed)
      assert.equal(200, err.status)
      assert.is_truthy(tostring(err):find("gzip", 1, true), tostring(err))
    end)

    it("is cut: decode_error by " .. way, function()
      for _, n in ipairs { 500, 300000 } do
        local length = tonumber(get("/lengths?codings=gzip&n=" .. n).body)
        local body, err = take(way, ("/?codings=gzip&n=%d&cut=%d"):format(n, length - 1))
        assert.is_nil(body)
        assert.equal("decode_error", err.reason)
      end
    end)

    it("is larger than maxsize: maxsize_exceeded_actual by " .. way, function()
      local body, err = take(way, "/?codings=gzip&zeros=16", { maxsize = 2 ^ 20 })
      assert.is_nil(body)
      assert.equal("maxsize_exceeded_actual", err.reason)
      assert.equal(2 ^ 20, err.limit)
    end)

    it("stays as it came with decompress = false, by " .. way, function()
      local length = tonumber(get("/lengths?codings=gzip").body)
      local body, decoded = take(way, "/?codings=gzip", { decompress = false })
      assert.equal(length, #body)
      assert.same({}, decoded)
    end)
  end

  it("may come in several, up to five in a row, undone from the last", function()
    local res = assert(get "/?codings=gzip,br,deflate,zstd,gzip&n=100000")
    assert.is_true(res.body == text(100000))
    assert.same({ "gzip", "zstd", "deflate", "br", "gzip" }, res.flags.decoded)
    local none, err = get "/?codings=gzip,gzip,gzip,gzip,gzip,gzip"
    assert.is_nil(none)
    assert.equal("decode_error", err.reason)
  end)

  it("is named in any case, with blanks, x-gzip, identity", function()
    for _, said in ipairs { "say=GZIP", "say=x-gzip", "say=X-GZip", "say=identity,%20gzip", "say=gzip,identity",
                            "say=,gzip%20,%20," } do
      local res = assert(get("/?codings=gzip&" .. said))
      assert.is_true(res.body == text(1000), said)
      assert.same({ "gzip" }, res.flags.decoded)
    end
  end)

  it("without zlib's header is deflate all the same", function()
    local res = assert(get "/?codings=raw&say=deflate&n=50000")
    assert.is_true(res.body == text(50000))
    assert.same({ "deflate" }, res.flags.decoded)
  end)

  it("that is unknown stays; what was put over it is undone", function()
    local res = assert(get "/?say=x-unheard-of")
    assert.is_true(res.body == text(1000))
    assert.same({}, res.flags.decoded)
    local coded = get("/?codings=gzip", {}, { decompress = false }).body
    res = assert(get "/?codings=gzip&say=gzip,%20x-unheard-of") -- what is under it stays as well
    assert.is_true(res.body == coded)
    assert.same({}, res.flags.decoded)
    res = assert(get "/?codings=gzip&say=x-unheard-of,gzip")
    assert.is_true(res.body == text(1000))
    assert.same({ "gzip" }, res.flags.decoded)
  end)

  it("that it is not is a decode_error that names the coding", function()
    for _, coding in ipairs { "gzip", "deflate", "br", "zstd" } do
      local res, err = get("/?n=5000&say=" .. coding)
      assert.is_nil(res)
      assert.equal("decode_error", err.reason)
      assert.is_truthy(tostring(err):find(coding, 1, true), tostring(err))
    end
  end)

  it("is empty where nothing comes, whatever it is said to be", function()
    for _, coding in ipairs { "gzip", "br", "zstd", "deflate" } do
      local res = assert(get("/?n=0&say=" .. coding))
      assert.equal("", res.body)
      assert.same({}, res.flags.decoded)
    end
  end)

  it("does not belong to HEAD, 204 and 304", function()
    local client = support.client()
    support.run(function()
      assert.equal("", assert(client:head(server.url .. "/?codings=gzip")).body)
      for _, status in ipairs { 204, 304 } do
        local res = assert(client:get(("%s/?n=0&say=gzip&status=%d"):format(server.url, status)))
        assert.equal("", res.body)
        assert.equal(status, res.status)
      end
    end)
  end)

  it("of an informational head is not the response's", function()
    assert.equal("plain", assert(get "/early").body)
  end)

  it("is decoded with any status", function()
    for _, status in ipairs { 404, 500 } do
      local res = assert(get("/?codings=br&status=" .. status))
      assert.is_true(res.body == text(1000))
    end
  end)

  it("may have several members, with something behind", function()
    for _, tail in ipairs { "", "\0\0\0", "junk", "%1f", "%1f%8c" } do
      local res = assert(get("/members?say=gzip&tail=" .. tail))
      assert.equal("one two three", res.body)
    end
    for _, coding in ipairs { "gzip", "deflate", "br", "zstd" } do
      assert.is_true(assert(get(("/?codings=%s&tail=junk"):format(coding))).body == text(1000), coding)
    end
  end)

  it("is a decode_error wherever it is cut, and empty when cut before its first byte", function()
    for _, coding in ipairs { "gzip", "deflate", "br", "zstd" } do
      local client = support.client()
      support.run(function()
        local query = ("/?codings=%s&n=40"):format(coding)
        local length = tonumber(assert(client:get(server.url .. query:gsub("/", "/lengths", 1))).body)
        local cuts = {}
        for cut = 1, length - 1 do cuts[cut] = cut end
        local function get_cut(cut) return client:get(server.url .. query .. "&cut=" .. cut) end
        for cut, res, err in rill.map(cuts, get_cut) do
          assert.is_nil(res, coding .. " cut at " .. cut)
          assert.equal("decode_error", err.reason)
        end
      end)
    end
  end)

  it("gives what it had given before it breaks to those who read in pieces", function()
    local client = support.client()
    support.run(function()
      local stream = assert(client:open { url = server.url .. "/?codings=gzip&n=300000&flip=9000" })
      local read = {}
      local err
      while true do
        local chunk, why = stream:read()
        err = why
        if not chunk then break end
        read[#read + 1] = chunk
      end
      local got = table.concat(read)
      assert.equal("decode_error", err.reason)
      assert.equal("decode_error", stream.close_reason)
      assert.same({ decode_error = 1 }, client:stats().closed)
      assert.equal(0, client:stats().responses)
      assert.is_true(#got > 1000)
      assert.equal(text(300000):sub(1, 1000), got:sub(1, 1000))
    end)
  end)

  it("comes through in frames of one byte", function()
    for _, coding in ipairs { "gzip", "br", "zstd" } do
      assert.is_true(assert(get(("/?codings=%s&each=1&n=3000"):format(coding))).body == text(3000))
    end
  end)

  it("is handed on as it is flushed, before more comes", function()
    local function check(coding, how)
      local client = support.client()
      support.run(function()
        local seen = rill.queue()
        local function show(chunk) seen:push(chunk) end
        local url = server.url .. "/steps?coding=" .. coding
        local task = rill.spawn(function()
          if how == "on_chunk" then return assert(client:get(url, { on_chunk = show })) end
          for chunk in assert(client:open { url = url }):chunks() do show(chunk) end
          return true
        end)
        support.wait(function() return client:stats().streams == 1 end, 15, "a stream")
        for _, word in ipairs { "first", "second", "third" } do
          assert(client:get(server.url .. "/next?word=" .. word))
          assert.equal(word, seen:pop())
        end
        assert(client:get(server.url .. "/next"))
        assert(task:join())
      end)
    end
    for _, coding in ipairs { "gzip", "deflate", "br", "zstd" } do
      for _, how in ipairs { "read", "on_chunk" } do check(coding, how) end
    end
  end)

  it("stopped, is what had come and was decoded: no error for the cut", function()
    local client = support.client()
    support.run(function()
      local length = tonumber(assert(client:get(server.url .. "/lengths?codings=gzip&n=300000")).body)
      local url = ("%s/hold?codings=gzip&n=300000&cut=%d"):format(server.url, length - 10)
      local stream = assert(client:open { url = url })
      support.wait(function() return stream.bytes_received == length - 10 end, 15, "the body")
      stream:stop()
      local res = assert(stream:response())
      assert.equal("stopped", res.close_reason)
      assert.is_true(#res.body > 100000)
      assert.equal(text(300000):sub(1, #res.body), res.body)
      assert.is_true(res.flags.stopped)
      assert.same({ "gzip" }, res.flags.decoded)
    end)
  end)

  it("of a connection that is lost gives what had come, then says so", function()
    local client = support.client()
    support.run(function()
      local stream = assert(client:open { url = server.url .. "/drop?codings=gzip&n=30000&cut=5000" })
      assert.equal("connection_lost", stream:closed())
      local got = assert(stream:read())
      local chunk, err = stream:read()
      while chunk do
        got = got .. chunk
        chunk, err = stream:read()
      end
      assert.equal(text(30000):sub(1, #got), got)
      assert.equal("connection_lost", err.reason)
    end)
  end)

  it("can be cancelled after the peer has ended it, unread", function()
    local client = support.client { maxsize = 2 ^ 30 }
    support.run(function()
      local stream = assert(client:open { url = server.url .. "/?codings=zstd&zeros=64" })
      support.wait(function() return stream.closed_remote end, 15, "the end")
      stream:cancel()
      assert.equal("cancelled", stream:closed())
      assert.same({ cancelled = 1 }, client:stats().closed)
    end)
  end)

  describe("accept-encoding", function()
    local function sent(client_options, options)
      local res = assert(get("/echo", client_options, options))
      local said = dkjson.decode(res.body)["accept-encoding"]
      assert.equal(said, res.request.headers["accept-encoding"])
      return said
    end

    it("offers what can be undone", function()
      assert.equal("gzip, deflate, br, zstd", sent())
      assert.equal("gzip, deflate, br, zstd", sent({}, { headers = { a = "b" } }))
      assert.equal("gzip, deflate, br, zstd", sent({ decompress = false }, { decompress = true }))
    end)

    it("is the caller's where that has one, and decoding goes on", function()
      assert.equal("br", sent({}, { headers = { ["Accept-Encoding"] = "br" } }))
      assert.equal("gzip", sent { headers = { ["accept-encoding"] = "gzip" } })
      assert.is_nil(sent { headers = { ["accept-encoding"] = false } })
      assert.is_nil(sent({}, { headers = { ["accept-encoding"] = false } }))
      assert.equal("br", sent({ decompress = false, headers = { ["accept-encoding"] = "br" } }))
      local res = assert(get("/?codings=gzip", { headers = { ["accept-encoding"] = "br" } }))
      assert.is_true(res.body == text(1000))
    end)

    it("is not sent without decoding", function()
      assert.is_nil(sent { decompress = false })
      assert.is_nil(sent({}, { decompress = false }))
    end)

    it("asks for a range as it is", function()
      assert.equal("identity", sent({}, { headers = { Range = "bytes=0-9" } }))
      assert.equal("gzip", sent({}, { headers = { Range = "bytes=0-9", ["accept-encoding"] = "gzip" } }))
    end)
  end)

  it("is asked for and undone on a connection of one's own", function()
    support.run(function()
      local conn = assert(support.connect(server.url))
      local res = assert(conn:request { url = "/?codings=br" })
      assert.is_true(res.body == text(1000))
      assert.equal("gzip, deflate, br, zstd", res.request.headers["accept-encoding"])
    end)
  end)

  it("counts for maxsize before it is undone as well as after", function()
    local length = tonumber(get("/lengths?codings=gzip&n=5").body)
    assert.is_true(length > 5)
    assert.equal(5, #assert(get("/?codings=gzip&n=5", {}, { maxsize = length })).body)
    local res, err = get("/?codings=gzip&n=5", {}, { maxsize = length - 1 })
    assert.is_nil(res)
    assert.equal("maxsize_exceeded_actual", err.reason)
  end)

  it("is announced in bytes as they come", function()
    assert.is_true(assert(get "/?codings=gzip&announce=1&n=300000").body == text(300000))
    local length = tonumber(get("/lengths?codings=gzip&n=300000").body)
    local res, err = get("/?codings=gzip&announce=1&n=300000", {}, { maxsize = length - 1 })
    assert.is_nil(res)
    assert.equal("maxsize_exceeded", err.reason)
  end)

  it("waits for its end, but not longer than its window allows", function()
    local limits = { window = 16384, max_window = 16384 }
    for _, n in ipairs { 1000, 60000, 2000000 } do
      for _, each in ipairs { 700, 16384 } do
        local res = assert(get(("/?codings=gzip&n=%d&each=%d"):format(n, each), limits))
        assert.is_true(res.body == text(n), n)
      end
    end
  end)

  it("with a window beyond what its coding allows is refused", function()
    local res, err = get "/?codings=wide&say=zstd&zeros=64"
    assert.is_nil(res)
    assert.equal("decode_error", err.reason)
    res, err = get "/?codings=br-large&say=br&n=100000"
    assert.is_nil(res)
    assert.equal("decode_error", err.reason)
  end)
end

describe("a body in a content coding, over HTTP/2,", function() specs(false) end)
describe("a body in a content coding, over HTTP/1.1,", function() specs(true) end)

describe("nginx with gzip on", function()
  local nginx
  setup(function()
    nginx = support.nginx { files = { ["page.txt"] = 200000 },
                            config = "gzip on; gzip_types text/plain; gzip_min_length 1;" }
  end)
  teardown(function() nginx:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("is asked for gzip, and its pages come decoded", function()
    local client = support.client()
    support.run(function()
      local res = assert(client:get(nginx.url .. "/page.txt"))
      assert.is_true(res.body == support.content(200000))
      assert.same({ "gzip" }, res.flags.decoded)
      assert.is_true(res.bytes_received < 100000)
      local part = assert(client:get(nginx.url .. "/page.txt", { headers = { range = "bytes=0-99" } }))
      assert.equal(206, part.status)
      assert.equal(support.content(100), part.body)
    end)
  end)
end)

-- Files that are coded already, said so in as many fields as there are codings.
describe("nginx with coded files", function()
  local SIZE, COUNT, BUDGET, WINDOW = 8 * 2 ^ 20, 16, 2 ^ 20, 65535
  local nginx

  setup(function()
    local function twice(name)
      return ("location /%s { add_header content-encoding gzip; add_header content-encoding GZip; }"):format(name)
    end
    nginx = support.nginx { files = { twice = "", cut = "" }, config = twice "twice" .. twice "cut" }
    local path = nginx.root .. "/twice"
    assert(os.execute(("head -c %d /dev/zero | gzip | gzip > %s"):format(SIZE, path)) == 0)
    assert(os.execute(("head -c -1 %s > %s/cut"):format(path, nginx.root)) == 0)
  end)
  teardown(function() nginx:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  for _, protocol in ipairs { "h2", "http/1.1" } do
    it("has them undone, and held within max_buffered: " .. protocol, function()
      local client = support.client { protocols = { protocol }, max_buffered = BUDGET, maxsize = SIZE,
        window = WINDOW, max_window = WINDOW, max_connections_per_origin = COUNT }
      support.run(function()
        local numbers, most = {}, 0
        for i = 1, COUNT do numbers[i] = i end
        local function get(i)
          local res, err = client:get(("%s/twice?%d"):format(nginx.url, i))
          most = math.max(most, client:stats().buffered)
          return res, err
        end
        for _, res, err in rill.map(numbers, get, { concurrency = COUNT }) do
          assert(res, tostring(err))
          assert.same({ "gzip", "gzip" }, res.flags.decoded)
          assert.equal(SIZE, #res.body)
          assert.equal(protocol, res.protocol)
        end
        assert.is_true(most <= BUDGET + SIZE + COUNT * WINDOW + 2 ^ 18, most)
        local res, err = client:get(nginx.url .. "/cut")
        assert.is_nil(res)
        assert.equal("decode_error", err.reason)
        assert.equal("", assert(client:head(nginx.url .. "/cut")).body)
      end, 15)
    end)
  end
end)
