-- Downloads that go on, and those that report how far they are.
local rill = require "rill"
local support = require "support"

-- What is so over each version of HTTP: `http1` of the server.
local function specs(http1)
  local server

  -- /f?v=VERSION&cut=N: a file of 300,000 bytes with ranges; the answer breaks off after `cut` bytes of it.
  setup(function()
    server = support.node { http1 = http1, source = [[
const body = (version) => Buffer.alloc(300000, `version ${version} `);
let breaks = 1;
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const url = new URL(headers[':path'], 'https://localhost');
  const q = (name) => url.searchParams.get(name);
  const whole = body(q('v') || 1);
  const tag = q('date') ? undefined : `"v${q('v') || 1}${'x'.repeat(q('more') || 0)}"`;
  const date = q('date') ? `Mon, 0${q('v') || 1} Jan 2024 00:00:00 GMT` : undefined;
  log({ event: 'request', range: headers.range, if_range: headers['if-range'], accept: headers['accept-encoding'] });
  if (url.pathname === '/moved') {
    stream.respond({ ':status': 302, location: '/f' + url.search });
    return stream.end();
  }
  if (url.pathname === '/missing') { stream.respond({ ':status': 404 }); return stream.end('no'); }
  const range = /^bytes=(\d+)-$/.exec(headers.range || '');
  const same = q('careless') || headers['if-range'] === (tag || date);
  const from = range && same ? Number(range[1]) : 0;
  const fields = { ...(tag ? { etag: tag } : {}), ...(date ? { 'last-modified': date } : {}) };
  if (from && from >= whole.length) { stream.respond({ ':status': 416, ...fields }); return stream.end(); }
  const rest = whole.subarray(from);
  stream.respond({ ':status': from ? 206 : 200, ...fields, 'content-length': rest.length,
    ...(from && { 'content-range': `bytes ${from + Number(q('off') || 0)}-${whole.length - 1}/${whole.length}` }) });
  const cut = Number(q('cut'));
  if (cut) return stream.write(rest.subarray(0, cut), () => setImmediate(() => stream.close(2)));
  stream.end(rest);
});]] }
  end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function content(version) return (("version %s "):format(version):rep(30001)):sub(1, 300000) end

  local function names(directory)
    local list = {}
    for _, path in ipairs(support.find(directory)) do list[#list + 1] = path:match "[^/]*$" end
    table.sort(list)
    return list
  end

  local function last_request()
    local all = support.wait(function()
      local seen = {}
      for _, event in ipairs(server:events()) do
        if event.event == "request" then seen[#seen + 1] = event end
      end
      return #seen > 0 and seen
    end, 15)
    return all[#all]
  end

  local client, place, path

  local function run(fn)
    client, place = support.client(), support.directory()
    path = place .. "/file"
    support.run(fn)
  end

  local function get(query, options)
    options = options or {}
    options.resume = true
    return client:download(server.url .. (query:sub(1, 1) == "/" and query or "/f?" .. query), path, options)
  end

  local function begin(query)
    local res, err = get(query)
    assert.is_nil(res)
    local reasons = { reset = true, protocol_error = true, connection_lost = http1 } -- as node likes to end it
    assert.is_true(reasons[err.reason], tostring(err))
    assert.same({ "file.part", "file.tag" }, names(place))
    assert.equal(100000, #support.read(path .. ".part"))
  end

  it("goes on where an earlier one has ended", function()
    for _, more in ipairs { "", "&date=1" } do
      run(function()
        begin("cut=100000" .. more)
        local res = assert(get(more))
        assert.equal(206, res.status)
        assert.equal(path, res.path)
        assert.is_nil(res.body)
        local seen = last_request()
        assert.same({ "bytes=100000-", more == "" and '"v1"' or "Mon, 01 Jan 2024 00:00:00 GMT", "identity" },
          { seen.range, seen.if_range, seen.accept })
        assert.equal(content(1), support.read(path))
        assert.same({ "file" }, names(place))
      end)
    end
  end)

  it("goes on behind a redirect", function()
    run(function()
      begin "cut=100000"
      local res = assert(get "/moved?v=1")
      assert.same({ 206, 1 }, { res.status, #res.history })
      assert.equal(content(1), support.read(path))
    end)
  end)

  it("begins anew where the file has changed, or the server answers for another part", function()
    for _, query in ipairs { "v=2", "v=2&careless=1", "v=2&date=1", "v=2&date=1&careless=1", "v=1&off=5",
      "v=1&off=-5" } do
      run(function()
        begin("cut=100000" .. (query:find "date" and "&date=1" or ""))
        assert.equal(200, assert(get(query)).status)
        assert.equal(content(query:match "%d"), support.read(path))
        assert.same({ "file" }, names(place))
      end)
    end
  end)

  it("begins anew where the tag has more than 4,096 bytes", function()
    for more, status in pairs { [4000] = 206, [5000] = 200 } do
      run(function()
        begin("cut=100000&more=" .. more)
        assert.equal(status, assert(get("more=" .. more)).status)
        assert.equal(content(1), support.read(path))
      end)
    end
  end)

  it("begins anew where the part is as long as the file, or longer", function()
    run(function()
      support.write(path .. ".part", ("x"):rep(300000))
      support.write(path .. ".tag", '"v1"\n')
      assert.equal(200, assert(get "").status)
      assert.equal(content(1), support.read(path))
    end)
  end)

  it("leaves the part alone where there is no file; without a tag it is of no use", function()
    run(function()
      begin "cut=100000"
      assert.equal(404, assert(get "/missing").status)
      assert.same({ "file.part", "file.tag" }, names(place))
      os.remove(path .. ".tag")
      assert.equal(200, assert(get "").status)
      assert.equal(content(1), support.read(path))
    end)
  end)

  it("replaces a file and keeps its mode; a link is replaced, nothing else is touched", function()
    run(function()
      support.write(path, "old")
      assert(os.execute("chmod 640 " .. path) == 0)
      assert.is_nil((get "cut=100000"))
      assert.equal("old", support.read(path))
      assert(get "")
      local pipe = io.popen("stat -c %a " .. path)
      assert.equal("640", pipe:read "*l")
      pipe:close()
      os.remove(path)
      support.write(place .. "/other", "other")
      assert(os.execute(("ln -s other %s"):format(path)) == 0)
      assert(get "")
      assert.equal("other", support.read(place .. "/other"))
      assert.equal(content(1), support.read(path))
    end)
  end)

  it("is refused where its target or its part cannot be written", function()
    run(function()
      assert(os.execute(("cd %s; mkfifo pipe held.part; mkdir folder; ln -s /etc/passwd led.part; ln -s pipe to_pipe")
        :format(place)) == 0)
      for name, why in pairs { pipe = "not a regular", to_pipe = "not a regular", held = "not a regular",
        folder = "Is a directory", ["none/x"] = "No such file", led = "symbolic links",
        [("n"):rep(252)] = "name too long" } do
        path = place .. "/" .. name
        local res, err = get ""
        assert.is_nil(res)
        assert.equal("file_error", err.reason)
        assert.truthy(tostring(err):find(why, 1, true), tostring(err))
      end
      path = place .. "/" .. ("n"):rep(250)
      assert.equal(path, assert(get "").path)
    end)
  end)

  it("is not complete when a hook ends it", function()
    for _, answer in ipairs { "stop", "cancel" } do
      run(function()
        local res = get("", { on_headers = function() return answer end })
        assert.is_true(not res or not res.path)
        assert.is_nil(io.open(path))
      end)
    end
  end)

  it("reports how far it is, never after its end", function()
    for _, resume in ipairs { false, true } do
      run(function()
        if resume then begin "cut=100000" end
        local seen, ended = {}, false
        local res = assert(client:download(server.url .. "/f", path, { resume = resume,
          on_progress = function(received, total)
            assert(not ended)
            seen[#seen + 1] = { received, total, rill.now() }
          end }))
        ended = true
        assert.equal(path, res.path)
        assert.is_true(#seen > 0)
        for i, one in ipairs(seen) do
          assert.equal(300000, one[2])
          assert.is_true(one[1] >= (resume and 100000 or 0) and one[1] <= 300000)
          if i > 1 then assert.is_true(one[1] >= seen[i - 1][1] and one[3] - seen[i - 1][3] >= 0.099) end
        end
        rill.sleep(0.15)
      end)
    end
  end)

  it("ends where on_progress raises", function()
    for _, resume in ipairs { false, true } do
      run(function()
        local res, err = client:download(server.url .. "/f", path, { resume = resume,
          on_progress = function() error "no more" end })
        assert.is_nil(res)
        assert.equal("error", err.reason)
        assert.truthy(err.message:find("on_progress raised", 1, true), err.message)
        if resume then assert.is_nil(io.open(path)) end -- without, the core may have been done before
      end)
    end
  end)

  it("alone has these options", function()
    run(function()
      for name, value in pairs { resume = true, on_progress = print } do
        local ok, message = pcall(client.get, client, server.url, { [name] = value })
        assert.is_false(ok)
        assert.truthy(message:find("belongs to client:download", 1, true), message)
      end
      local ok, message = pcall(get, "", { headers = { range = "bytes=1-" } })
      assert.is_false(ok)
      assert.truthy(message:find("resume makes a range", 1, true), message)
    end)
  end)
end

describe("a download over HTTP/2", function() specs(false) end)
describe("a download over HTTP/1.1", function() specs(true) end)
