-- What becomes of a process: full disks, signals, broken pipes, no descriptors, clocks that jump.
local lfs = require "lfs"
local process = require "support.process"
local scratch = require "support.scratch"
local script = require "support.script"
local support = require "support"

local SANITIZED = os.getenv "RILL_SANITIZED" ~= nil

-- What every script of this file begins with.
local PROLOGUE = [[
local ca, url, place = ...
local client = rill.client { tls = { ca_file = ca }, retries = 0, timeout = 10, max_connections = 1000 }
]]

-- Starts a script; `before`: words that the command line begins with.
local function start(text, server, place, before)
  return script.start(PROLOGUE .. text, { server.ca, server.url, place }, { before = before })
end

-- Runs one to its end, which must be a good one; returns its lines.
local function run(text, server, place, before)
  return script.run(PROLOGUE .. text, { server.ca, server.url, place }, { before = before })
end

local function names(directory)
  local list = {}
  for name in lfs.dir(directory) do
    if not name:find "^%.%.?$" then list[#list + 1] = name end
  end
  return list
end

local function try(argv)
  return (pcall(process.run, argv, support.directory "try" .. "/output"))
end

describe("what cannot be written", function()
  local nginx

  setup(function() nginx = support.nginx { files = { small = 1000, large = 2 ^ 21 } } end)
  teardown(function() nginx:stop() end)

  local SCRIPT = [[
  rill.run(function()
    local function told(good, err)
      tell(good and "good" or err.reason, good and "" or tostring(err))
    end
    told(client:download(url .. "/large", place .. "/file"))
    told(assert(client:get(url .. "/large")):save(place .. "/saved"))
    os.remove(place .. "/saved")
    told(client:download(url .. "/small", os.getenv "ELSEWHERE" or place .. "/small"))
  end)
  client:close()
  for _, word in ipairs { "file", "saved", "small" } do
    local file = io.open(place .. "/" .. word)
    tell(word, file and file:seek "end" or "absent")
  end
  ]]

  it("for want of space is a file_error that says so, and leaves nothing", function()
    local place = support.directory "full"
    local function in_tmpfs(...)
      return { "unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=256k none "$0" && exec "$@"', place, ... }
    end
    if not try(in_tmpfs "true") then return pending "a file system of one's own cannot be mounted here" end
    local lines = run(SCRIPT, nginx, place, in_tmpfs())
    assert.matches("^file_error .*No space left on device", lines[1])
    assert.matches("^file_error .*No space left on device", lines[2])
    assert.matches("^good", lines[3])
    assert.same({ "file absent", "saved absent", "small 1000" }, { unpack(lines, 4) })
  end)

  it("for want of permission is a file_error that says so, and the client goes on", function()
    local place, elsewhere = support.directory "closed", support.directory "elsewhere" .. "/small"
    process.run({ "chmod", "555", place }, elsewhere .. ".log")
    local powerless = scratch.is_root and { "setpriv", "--bounding-set=-all", "--inh-caps=-all" } or {}
    powerless[#powerless + 1] = "env"
    powerless[#powerless + 1] = "ELSEWHERE=" .. elsewhere
    local lines = run(SCRIPT, nginx, place, powerless)
    assert.matches("^file_error .*Permission denied", lines[1])
    assert.matches("^file_error .*Permission denied", lines[2])
    assert.matches("^good", lines[3])
    assert.equal(1000, #support.read(elsewhere))
    assert.same({}, names(place))
  end)
end)

describe("a process that is ended", function()
  -- Gives 64 KiB at a time, for ever.
  local ENDLESS = [[
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.respond({ ':status': 200 });
    const piece = Buffer.alloc(65536, 'x');
    const more = () => { while (stream.write(piece)); };
    stream.on('drain', more);
    more();
  });
  ]]

  it("by SIGKILL in mid-download leaves no file under the final name", function()
    local node, place = support.node { source = ENDLESS }, support.directory "killed"
    local child = start([[rill.run(function() client:download(url .. "/", place .. "/file", { maxsize = 0 }) end)]],
                        node, place)
    support.wait(function()
      local name = names(place)[1]
      return name and lfs.attributes(place .. "/" .. name, "size") > 2 ^ 20
    end, 10, "a part of the file")
    child:signal "KILL"
    child:wait(10)
    node:stop()
    for _, name in ipairs(names(place)) do assert.not_equal("file", name) end
  end)

  it("by SIGTERM in mid-crawl has written whole lines, and says what it did", function()
    local source = [[
    let left = 2000; // then nothing is answered: the crawl does not come to its end before the signal
    server.on('stream', (stream, headers) => {
      const n = Number(headers[':path'].slice(1)) || 1;
      stream.on('error', () => {});
      if (left-- <= 0) return;
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end(`<a href="/${2 * n}"><a href="/${2 * n + 1}">`);
    });
    ]]
    local node, place = support.node { source = source }, support.directory "crawl"
    local argv = script.environment()
    for _, word in ipairs { "luajit", "bin/rill", "crawl", node.url .. "/", "--no-robots", "--out", place .. "/lines",
                            "--ca", node.ca } do
      argv[#argv + 1] = word
    end
    local crawl = process.start(argv, place .. "/output")
    support.wait(function() return (lfs.attributes(place .. "/lines", "size") or 0) > 5000 end, 10, "some pages")
    crawl:signal "TERM"
    assert.equal(143, crawl:wait(20), crawl:output())
    node:stop()
    assert.equal("\n", support.read(place .. "/lines"):sub(-1))
    assert.matches("rill: interrupted\n", crawl:output())
  end)
end)

describe("a peer that closes while we write", function()
  it("costs the request, and no SIGPIPE ends the process", function()
    local server = support.hostile { case = "upload-cut", extra = support.here .. "/cases/limits.py" }
    local lines = run([[
    local body = ("x"):rep(50 * 2 ^ 20)
    rill.run(function()
      for _ = 1, 3 do
        local res, err = client:post(url, body)
        tell(res and "response" or err.reason)
      end
    end)
    client:close()
    tell "alive"
    ]], server, "")
    server:stop()
    assert.same({ "connection_lost", "connection_lost", "connection_lost", "alive" }, lines)
  end)
end)

describe("a process out of descriptors", function()
  it("is told so by connect_failed, and goes on when it has some again", function()
    local MOST = 1024
    local server = support.nghttpd { files = { page = "here" } }
    local lines = run([[
    local resolve, urls = {}, {}
    local port = url:match ":(%d+)$"
    for i = 1, 1200 do
      urls[i], resolve[("h%d.test:%d"):format(i, port)] = ("https://h%d.test:%d/page"):format(i, port), "127.0.0.1"
    end
    local function new_client()
      return rill.client { tls = { ca_file = ca, server_name = "localhost" }, retries = 0, max_connections = 2000,
                           resolve = resolve, connect_timeout = 30 }
    end
    rill.run(function()
      local many, good, bad, reasons, message = new_client(), 0, 0, {}
      for _, res, err in rill.map(urls, function(each) return many:get(each) end, { concurrency = 50 }) do
        if res then
          good = good + 1
        else
          bad, message = bad + 1, tostring(err)
          reasons[err.reason .. " " .. tostring(err.kind)] = true
        end
      end
      tell("good", good)
      tell("bad", bad)
      for reason in pairs(reasons) do tell(reason) end
      tell(message)
      local res, err = many:get(urls[1]) -- on a connection that is open
      tell(res and res.status or tostring(err))
      many:close()
      rill.sleep(0) -- a turn of the loop: they close in it
      res, err = new_client():get(urls[1200])
      tell(res and res.status or tostring(err))
    end)
    ]], server, "", { "prlimit", "--nofile=" .. MOST })
    server:stop()
    local good, bad = tonumber(lines[1]:match "good (%d+)"), tonumber(lines[2]:match "bad (%d+)")
    assert.equal(1200, good + bad)
    assert.is_true(good > MOST - 100 and good < MOST, good .. " connections")
    assert.equal("connect_failed tcp", lines[3])
    assert.matches("Too many open files", lines[4])
    assert.equal("200", lines[5])
    assert.equal("200", lines[6])
  end)
end)

describe("what a process out of descriptors asks for first", function()
  local server

  setup(function() server = support.node { script = "web.js" } end)
  teardown(function() server:stop() end)

  local ALL = [[
  local ffi = require "ffi"
  ffi.cdef "int open(const char *path, int flags, ...); int close(int fd);"
  local taken = {}
  local function take_all()
    repeat taken[#taken + 1] = ffi.C.open("/dev/null", 0) until taken[#taken] < 0
  end
  local function give_back()
    for _, fd in ipairs(taken) do ffi.C.close(fd) end
    taken = {}
  end
  local function told(res, err)
    tell(res and res.status or err.reason .. " " .. tostring(err.kind))
  end
  local function new_client(options)
    options.tls, options.retries = { ca_file = ca }, 0
    return rill.client(options)
  end
  ]]

  local function run_short(text)
    return run(ALL .. text, server, "", { "prlimit", "--nofile=64" })
  end

  it("is a redirect, which is followed", function()
    local lines = run_short [[
    rill.run(function()
      told(client:get(url .. "/")) -- its connection stays
      take_all()
      told(client:get(url .. "/to?location=/"))
    end)
    ]]
    assert.same({ "200", "200" }, lines)
  end)

  it("is a body, and later ones come compressed", function()
    local lines = run_short [[
    rill.run(function()
      told(new_client({ decompress = false }):get(url .. "/")) -- from here on it lacks zlib alone
      take_all()
      told(client:get(url .. "/"))
      give_back()
      local res = assert(new_client({}):get(url .. "/"))
      tell(res.request.headers["accept-encoding"])
    end)
    ]]
    assert.same({ "200", "connect_failed tcp", "gzip, deflate, br, zstd" }, lines)
  end)

  it("is a name, and later ones are looked up as the system says", function()
    local lines = run_short [[
    rill.run(function()
      local function try_later(own)
        told(own:get "https://127.0.0.1:1/") -- from here on it lacks c-ares alone
        take_all()
        local res, err = own:get "https://name.test/"
        told(res, err)
        tell(err.message)
        give_back()
      end
      try_later(new_client { dns_servers = { "127.0.0.1:9" } })
      told(client:get "https://name.invalid/")
      told(new_client({ dns_servers = { "127.0.0.1:9" } }):get "https://name.test/")
      try_later(new_client { dns_servers = { "127.0.0.1:9" } }) -- which the process has now
    end)
    ]]
    local short = { "connect_failed tcp", "connect_failed dns", "no name can be looked up: Too many open files" }
    assert.same({ short[1], short[2], short[3], "connect_failed dns", "connect_failed dns", short[1], short[2],
      short[3] }, lines)
  end)
end)

describe("memory that is short", function()
  local SHORT = [[
  local ffi = require "ffi"
  ffi.cdef "struct rlimit { unsigned long now, most; }; int setrlimit(int what, const struct rlimit *to);"
  local RLIMIT_AS, NONE, SPARE = 9, -1ULL, 2 ^ 23 -- less than the body has
  local function limit(bytes)
    assert(ffi.C.setrlimit(RLIMIT_AS, ffi.new("struct rlimit", bytes, NONE)) == 0)
  end
  local function short_of_memory(fn, ...)
    local file = io.open "/proc/self/statm"
    limit(file:read "*n" * 4096 + SPARE)
    file:close()
    local result, err = fn(...)
    limit(NONE)
    return result, err
  end
  local wide = rill.client { tls = { ca_file = ca }, window = 2 ^ 26, max_window = 2 ^ 26 }
  rill.run(function()
    local stream = assert(wide:open { url = url .. "/large" })
    local function try()
      local res, err = short_of_memory(stream.response, stream)
      tell(res and #res.body or err.reason, err and err.message)
    end
    %s
  end)
  client:close()
  wide:close()
  ]]

  -- Each in a process of its own: one that has had such a body may keep its room.
  local function lines_of(text)
    local nginx = support.nginx { files = { large = 2 ^ 25 } }
    local lines = run(SHORT:format(text), nginx, "")
    nginx:stop()
    return lines
  end

  it("fails a response whose body has no room, and loses none of it", function()
    if SANITIZED then return pending "the sanitizers' allocator ends the process" end
    local lines = lines_of [[
    tell((stream:closed())) -- all of it has arrived, and nobody has read it
    try()
    tell(#stream:response().body)]]
    assert.equal("ended", lines[1])
    assert.matches("^error out of memory", lines[2])
    assert.equal(tostring(2 ^ 25), lines[3])
  end)

  it("fails one whose body has come in part, and no other", function()
    if SANITIZED then return pending "the sanitizers' allocator ends the process" end
    local lines = lines_of [[
    while stream.bytes_received < 2 ^ 24 do rill.sleep(0) end
    try()
    tell(assert(wide:get(url .. "/large")).status)]]
    assert.matches("^error out of memory", lines[1])
    assert.equal("200", lines[2])
  end)
end)

describe("the time of day", function()
  it("may jump: waits and timeouts keep to the monotonic clock", function()
    if SANITIZED then return pending "the sanitizers' libraries are preloaded there" end
    local directory = support.directory "clock"
    process.run({ "cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", directory .. "/jumps.so",
                  support.here .. "/../c/clock_jumps.c", "-ldl" }, directory .. "/output")
    local nginx, silent = support.nginx { files = { page = 1000 } }, support.tcp "silent"
    local lines = run([[
    rill.run(function()
      local first, second = os.time(), os.time()
      tell(math.abs(second - first) >= 3599 and "jumps" or "stands")
      local before = rill.now()
      for _ = 1, 20 do assert(client:get(url .. "/page")) end
      rill.sleep(0.2)
      local _, err = rill.timeout(0.2, rill.sleep, 5)
      assert(err.reason == "timeout")
      _, err = client:get(place, { timeout = 0.3 }) -- it says nothing
      tell(err.reason)
      tell(rill.now() - before)
    end)
    client:close()
    ]], nginx, silent.url, { "env", "LD_PRELOAD=" .. directory .. "/jumps.so" })
    nginx:stop()
    silent:stop()
    assert.equal("jumps", lines[1])
    assert.equal("timeout", lines[2])
    local took = tonumber(lines[3])
    assert.is_true(took >= 0.4 and took < 60, took .. " s")
  end)
end)
