-- Downloads that go on: answers that bring less, or other bytes, than they say; disks that fill up.
local C = require "rill.clib"
local disk = require "support.disk"
local ffi = require "ffi"
local rill = require "rill"
local runtime = require "rill.runtime"
local support = require "support"

local SIZE = 300000 -- bytes of /f

pcall(ffi.cdef, "int open(const char *path, int flags, ...); int close(int fd);")

describe("a download that goes on", function()
  local server, nginx

  -- /f?most=N&lie=N&bare=1&none=1&unknown=1: bytes in ranges, `most` of them an answer, `lie` more than content-range
  -- says (or fewer); bare: no ETag; none: every range is 416; unknown: content-range does not say how long the whole
  -- is. /odd?from=N: a range that nobody asked for. /held: waits for /go.
  setup(function()
    nginx = support.nginx { files = { page = 200000, short = 9 } }
    server = support.node { source = [[
const whole = Buffer.alloc(300000, 'some of the bytes ');
let held = [];
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const url = new URL(headers[':path'], 'https://localhost');
  const q = (name) => Number(url.searchParams.get(name));
  log({ event: 'request', path: url.pathname, range: headers.range });
  if (url.pathname === '/endless') {
    const from = Number((/=(\d+)/.exec(headers.range || '') || [0, 0])[1]);
    stream.respond({ ':status': 206, etag: '"1"', 'content-range': `bytes ${from}-${from}/1000000000` });
    return stream.end('x');
  }
  if (url.pathname === '/gz') {
    stream.respond({ ':status': 200, 'content-encoding': 'gzip' });
    return stream.end(require('zlib').gzipSync(whole));
  }
  if (url.pathname === '/held') {
    held.push(stream);
    const now = new Date().toUTCString(); // once: a second may end between two looks
    const validators = { etag: '"1"', 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' };
    if (q('weak')) validators.etag = 'W/"1"';
    if (q('weak') > 1) validators['last-modified'] = now;
    stream.respond({ ':status': 200, date: now, ...validators });
    return stream.write('begin ');
  }
  if (url.pathname === '/go') {
    held.forEach((one) => one.end('end'));
    stream.respond({ ':status': 200 });
    return stream.end();
  }
  const range = /^bytes=(\d+)-$/.exec(headers.range || '');
  const from = url.pathname === '/odd' ? q('from') : range ? Number(range[1]) : 0;
  if (from >= whole.length || (range && q('none'))) {
    stream.respond({ ':status': 416, 'content-range': `bytes */${whole.length}` });
    return stream.end();
  }
  const to = Math.min(from + (q('most') || whole.length), whole.length);
  stream.respond({ ':status': range || url.pathname === '/odd' ? 206 : 200, ...(!q('bare') && { etag: '"1"' }),
    'content-range': `bytes ${from}-${to - 1}/${q('unknown') ? '*' : whole.length}` });
  stream.end(whole.subarray(from, to + q('lie')));
});]] }
  end)
  teardown(function()
    server:stop()
    nginx:stop()
  end)
  before_each(support.begin)
  after_each(function()
    disk.unmount()
    support.check_clean()
  end)

  local content = ("some of the bytes "):rep(SIZE):sub(1, SIZE)
  local client, path

  local function run(fn, options)
    client, path = support.client(options), support.directory "parts" .. "/file"
    support.run(fn)
  end

  local function get(target, options)
    options = options or {}
    options.resume = true
    return client:download(server.url .. target, path, options)
  end

  local function begin()
    support.write(path .. ".part", content:sub(1, 100000))
    support.write(path .. ".tag", '"1"\n')
  end

  local function fails(reason, words, ...)
    local res, err = get(...)
    assert.is_nil(res)
    assert.equal(reason, err.reason)
    assert.matches(words, tostring(err), 1, true)
    assert.is_nil(io.open(path), "no half file")
    return err
  end

  local function left()
    return #support.find(path:match "^(.*)/")
  end

  it("asks on where a 206 ends before the whole does", function()
    run(function()
      begin()
      local totals = {}
      local res = assert(get("/f?most=70000", { on_progress = function(_, total) totals[total or "none"] = true end }))
      assert.equal(content, support.read(path))
      assert.same({ 206, 3, path, 1 }, { res.status, res.attempts, res.path, left() })
      assert.same({ [SIZE] = true }, totals)
      assert.is_true(res.timings.queue > 0 and res.timings.total > res.timings.queue)
    end)
  end)

  it("has one timeout for all that it asks", function()
    run(function()
      assert(client:get(server.url .. "/go", { timeout = 20 })) -- the connection is there
      support.tries(5, function()
        assert.equal("timeout", fails("timeout", "", "/endless").reason)
        local part = io.open(path .. ".part", "rb")
        local length = part and part:seek "end" or 0
        if part then part:close() end
        return length > 0
      end, "bytes before the time is over")
    end, { timeout = 1 })
  end)

  it("is not complete with fewer bytes than content-range says, and goes on later", function()
    run(function()
      begin()
      fails("protocol_error", "content-range announced bytes 100000 to 299999, 199990 arrived", "/f?lie=-10")
      assert.equal(SIZE - 10, #support.read(path .. ".part"))
      assert(get "/f")
      assert.equal(content, support.read(path))
    end)
  end)

  it("throws a part away that got more bytes than content-range says", function()
    run(function()
      begin()
      fails("protocol_error", "100000 to 169999, 70010 arrived", "/f?most=70000&lie=10")
      assert.equal(0, left())
    end)
  end)

  it("takes a 206 that nobody asked for where it begins with the first byte, and can go on", function()
    run(function()
      assert(get "/odd?from=0")
      assert.equal(content, support.read(path))
      os.remove(path)
      fails("protocol_error", "no part was asked for", "/odd?from=5")
      fails("protocol_error", "ends after 9 of 300000 bytes", "/odd?from=0&most=9&bare=1")
      assert.equal(0, left())
    end)
  end)

  it("leaves no part of a body of which nothing has come", function()
    run(function()
      local res, err = client:download(nginx.url .. "/page", path, { resume = true, maxsize = 1000 })
      assert.is_nil(res)
      assert.equal("maxsize_exceeded", err.reason)
      assert.equal(0, left())
    end)
  end)

  it("is written by the core: once, decoded, whatever had come before", function()
    run(function()
      local targets = { server.url .. "/gz", server.url .. "/f", nginx.url .. "/page", nginx.url .. "/short" }
      for _, target in ipairs(targets) do
        local stream, err = assert(client:open { url = target }), ffi.new "rill_error[1]"
        assert(stream:headers())
        local own, fd = stream._state, ffi.C.open(path, 577, ffi.new("int", 420)) -- O_WRONLY | O_CREAT | O_TRUNC
        local function save(to, name)
          return C.rill_stream_save(runtime.loop(), own.slot, own.generation, to, name, err)
        end
        if target:find "gz" then -- all of it is here, coded
          while not stream.closed_remote do rill.sleep(0) end
        elseif target:find "short" then
          stream:closed()
        end
        assert.equal(-C.RILL_FILE_ERROR, save(-1, "some name"))
        assert.matches("some name: Bad file descriptor", ffi.string(err[0].message), 1, true)
        assert.equal(-C.RILL_ARGUMENT, save(fd, nil))
        assert.is_true(own:save(fd, path))
        assert.equal(-C.RILL_ARGUMENT, save(fd, path))
        ffi.C.close(fd)
        assert.is_nil(assert(stream:response()).body)
        local size = target:match "page" and 200000 or target:match "short" and 9
        assert.equal(size and support.content(size) or content, support.read(path))
      end
    end)
  end)

  -- The ranges that the server was asked for from now on, as text.
  local function ranges_of(fn)
    local before = #server:events()
    fn()
    local list = {}
    for i, event in ipairs(server:events()) do
      if i > before and event.event == "request" then list[#list + 1] = event.range or "all" end
    end
    return table.concat(list, " ")
  end

  it("asks for its last byte again where all of it is there", function()
    for how, asked in pairs { [""] = "bytes=300000- bytes=299999-",
      ["?none=1"] = "bytes=300000- bytes=299999- all" } do
      run(function()
        support.write(path .. ".part", content)
        support.write(path .. ".tag", '"1"\n')
        local statuses = {}
        local function ask()
          return assert(get("/f" .. how, { on_headers = function(head) statuses[#statuses + 1] = head.status end }))
        end
        local res
        assert.equal(asked, ranges_of(function() res = ask() end))
        assert.equal(content, support.read(path))
        local last = how == "" and 206 or 200
        assert.same({ last, path, 1 }, { res.status, res.path, left() })
        assert.same({ last }, statuses)
        local stats = client:stats()
        assert.same({ 1, 1, how == "" and 2 or 3 }, { stats.requests, stats.responses, stats.attempts })
      end)
    end
  end)

  it("begins anew where the part is longer than the whole, or of one byte that was all", function()
    for _, part in ipairs { content .. "x", "x" } do
      run(function()
        support.write(path .. ".part", part)
        support.write(path .. ".tag", '"1"\n')
        assert.equal(200, assert(get "/f?none=1").status)
        assert.equal(content, support.read(path))
      end)
    end
  end)

  it("takes a 206 as the rest where nothing says how long the whole is", function()
    run(function()
      begin()
      assert.equal(206, assert(get "/f?unknown=1").status)
      assert.equal(content, support.read(path))
    end)
  end)

  local function wait_for_part()
    support.wait(function()
      rill.sleep(0)
      local file = io.open(path .. ".part")
      local text = file and file:read "*a"
      if file then file:close() end
      return text == "begin "
    end, 15)
  end

  it("leaves its part and its lock when its task is cancelled", function()
    local function held() return server:wait_events(function(event) return event.path == "/held" end, 0) end
    for weak, tag in pairs { [0] = '"1"\n', [1] = "Mon, 01 Jan 2024 00:00:00 GMT\n" } do
      run(function()
        local task = rill.spawn(get, "/held?weak=" .. weak)
        wait_for_part()
        task:cancel()
        assert.equal("cancelled", select(2, task:join()).reason)
        assert.same({ "begin ", tag }, { support.read(path .. ".part"), support.read(path .. ".tag") })
        support.wait(function()
          rill.sleep(0)
          return client:stats().closed.cancelled == 1
        end, 15)
        assert.equal(1, client:stats().requests)
        local before = #held()
        task = rill.spawn(get, "/held")
        support.wait(function() return #held() > before end, 15, "its request: the part is there from before")
        assert(client:get(server.url .. "/go"))
        assert.equal(path, assert(task:join()).path)
      end)
    end
  end)

  it("leaves nothing without a validator that says which bytes they are", function()
    run(function()
      local task = rill.spawn(get, "/held?weak=2")
      wait_for_part()
      task:cancel()
      task:join()
      assert.equal(0, left())
    end)
  end)

  it("is refused while another one writes the same part", function()
    run(function()
      local first = rill.spawn(get, "/held")
      support.wait(function()
        rill.sleep(0)
        local file = io.open(path .. ".part")
        if file then file:close() end
        return file
      end, 15)
      fails("file_error", "another download writes it", "/f")
      assert(client:get(server.url .. "/go"))
      assert.equal(path, assert(first:join()).path)
      assert.equal("begin end", support.read(path))
    end, { timeout = 20 })
  end)

  it("keeps its part where the disk is full, and goes on when there is room", function()
    local directory = disk.small()
    if not directory then return pending "mounting is not permitted" end
    run(function()
      path = directory .. "/page"
      for _ = 1, 2 do
        local res, err = client:download(nginx.url .. "/page", path, { resume = true })
        assert.is_nil(res)
        assert.equal("file_error", err.reason)
        assert.matches("page.part: No space left on device", tostring(err), 1, true)
        assert.equal(2, left())
      end
      disk.grow(directory)
      local res = assert(client:download(nginx.url .. "/page", path, { resume = true }))
      assert.equal(206, res.status)
      assert.equal(support.content(200000), support.read(path))
      assert.equal(1, left())
    end)
  end)
end)
