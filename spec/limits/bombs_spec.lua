-- Many bodies that explode, at once: what may not be decoded yet waits as it came, coded.
local support = require "support"
local rill = require "rill"

local wait_timeout = require("support.silent").wait_timeout
local SMALL = 65535 -- bytes: the smallest window there is
local MIB = 2 ^ 20
local SLACK = 256 * 1024 -- of a decoder beside its window, and what passes a bound in one step

-- What is so over each version of HTTP: `http1` of the server.
local function specs(http1)
  local server

  setup(function() server = support.node { script = "coded.js", memory = 200, http1 = http1 } end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function new_client(options)
    options.window, options.max_window = SMALL, SMALL
    return support.client(options)
  end

  local COUNT, BUDGET, SIZE = 24, 4 * MIB, 8 * MIB
  local ways = {
    get = function(client, url) return #assert(client:get(url)).body end,
    response = function(client, url)
      local stream = assert(client:open { url = url })
      assert(stream:headers())
      return #assert(stream:response()).body
    end,
    on_headers = function(client, url) return #assert(client:get(url, { on_headers = function() end })).body end,
    download = function(client, url)
      local path = support.directory "bombs" .. "/file"
      assert(client:download(url, path))
      return #support.read(path)
    end,
  }
  -- What a decoder of these bodies holds: a frame of zstd that is made of a stream has a window of 2 MiB.
  local decoders = { gzip = 64 * 1024, zstd = 2.5 * MIB, br = 8.1 * MIB, ["zstd,zstd,zstd,zstd,zstd"] = 12.5 * MIB }

  if http1 then ways.response, ways.on_headers = nil, nil end -- they take the same way as over HTTP/2

  for coding, decoder in pairs(decoders) do
    for way, take in pairs(ways) do
      it(("cost max_buffered, one body and two decoders: %s, %s"):format(coding, way), function()
        local client = new_client { max_buffered = BUDGET, maxsize = SIZE,
          max_connections_per_origin = http1 and COUNT or 1 }
        support.run(function()
          local bomb = ("codings=%s&zeros=%d"):format(coding, SIZE / MIB)
          assert(client:get(server.url .. "/lengths?" .. bomb)) -- it takes a while to make
          local numbers, most = {}, 0
          for i = 1, COUNT do numbers[i] = i end
          local function get(i)
            local length = take(client, ("%s/?%s&i=%d"):format(server.url, bomb, i))
            most = math.max(most, client:stats().buffered)
            return length
          end
          local watcher = rill.spawn(function()
            while true do
              most = math.max(most, client:stats().buffered)
              rill.sleep(0.001)
            end
          end)
          for i, length, err in rill.map(numbers, get, { concurrency = COUNT }) do
            assert.equal(SIZE, length, i .. ": " .. tostring(err))
          end
          watcher:cancel()
          assert.is_true(most <= BUDGET + SIZE + 2 * decoder + COUNT * SMALL + SLACK, most / MIB)
          assert.equal(0, client:stats().buffered)
        end, 60)
      end)
    end
  end
end

describe("bodies that explode at once, over HTTP/2,", function() specs(false) end)
describe("bodies that explode at once, over HTTP/1.1,", function() specs(true) end)

describe("a body that has come and waits coded", function()
  local server, client, oldest

  before_each(function()
    support.begin()
    server = support.node { script = "coded.js" }
    client = support.client { window = SMALL, max_window = SMALL, max_buffered = 50000 }
  end)
  after_each(support.check_clean)

  -- The oldest body holds all there may be held; a younger one comes whole. Returns its stream, and a task that
  -- collects it.
  local function wait_behind(path, options)
    oldest = rill.spawn(function() return client:get(server.url .. "/hold?n=200000") end)
    support.wait(function() return client:stats().buffered >= 200000 end, 15, "the oldest body")
    options = options or {}
    options.url = server.url .. path
    local stream = assert(client:open(options))
    local task = rill.spawn(function() return stream:response() end)
    support.wait(function() return stream.closed_remote end, 15, "the body")
    assert.is_nil(stream.close_reason)
    return stream, task
  end

  local function closed() return client:stats().closed end

  it("is decoded when its turn comes", function()
    support.run(function()
      local stream, task = wait_behind "/?codings=gzip&n=100000"
      assert.is_nil(closed().ended)
      oldest:cancel()
      assert.equal(100000, #assert(task:join()).body)
      assert.equal("ended", stream.close_reason)
      assert.equal(1, closed().ended)
    end)
  end)

  it("waits though less than max_buffered was held when another decoder began", function()
    support.run(function()
      local function download(path)
        local file = support.directory "coded" .. "/file"
        return rill.spawn(function() return client:download(server.url .. path, file) end)
      end
      oldest = rill.spawn(function() return client:get(server.url .. "/hold?n=1000") end)
      support.wait(function() return client:stats().buffered >= 1000 end, 15, "the oldest body")
      local second = download "/hold?codings=zstd&zeros=8"
      support.wait(function() return client:stats().buffered > 2 * MIB end, 15, "the second body's decoder")
      local third = assert(client:open { url = server.url .. "/?codings=zstd&zeros=8" })
      local rest = rill.spawn(function() return third:response() end)
      support.wait(function() return third.closed_remote end, 15, "the third body")
      assert.is_nil(third.close_reason)
      assert.is_true(client:stats().buffered < 2.5 * MIB + 50000)
      oldest:cancel()
      second:cancel()
      assert.equal(8 * MIB, #assert(rest:join()).body)
    end)
  end)

  it("outlives its connection", function()
    support.run(function()
      local _, task = wait_behind "/?codings=gzip&n=100000"
      server:stop()
      assert.equal("connection_lost", select(2, oldest:join()).reason)
      assert.equal(100000, #assert(task:join()).body)
    end)
  end)

  it("is found broken, or cut, or too large then", function()
    local wrong = { ["flip=3000"] = "decode_error", ["cut=3000"] = "decode_error",
                    ["a=b"] = "maxsize_exceeded_actual" }
    for how, reason in pairs(wrong) do
      support.run(function()
        local stream, task = wait_behind("/?codings=gzip&n=100000&" .. how, { maxsize = how == "a=b" and 90000 or nil })
        oldest:cancel()
        local res, err = task:join()
        assert.is_nil(res)
        assert.equal(reason, err.reason)
        assert.equal(reason, stream.close_reason)
        assert.is_true(closed()[reason] > 0)
        assert.is_nil(closed().ended)
        assert.equal(0, client:stats().buffered)
      end)
    end
  end)

  it("can be cancelled", function()
    support.run(function()
      local stream, task = wait_behind "/?codings=gzip&n=100000"
      stream:cancel()
      assert.equal("cancelled", select(2, task:join()).reason)
      assert.equal(1, closed().cancelled)
      oldest:cancel()
      oldest:join()
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("is the response's when it is stopped, unless it is found to be broken", function()
    support.run(function()
      local stream, task = wait_behind "/?codings=gzip&n=100000"
      stream:stop()
      local res = assert(task:join())
      assert.equal(100000, #res.body)
      assert.is_true(res.flags.stopped)
      oldest:cancel()
    end)
  end)

  it("ends with its client", function()
    support.run(function()
      local stream, task = wait_behind "/?codings=gzip&n=100000"
      client:close()
      assert.equal("cancelled", select(2, task:join()).reason)
      assert.equal("cancelled", stream.close_reason)
      assert.equal("cancelled", select(2, oldest:join()).reason)
    end)
  end)

  it("still has its timeout", function()
    support.run(function()
      local held = rill.spawn(function() return client:get(server.url .. "/hold?n=200000") end)
      support.wait(function() return client:stats().buffered >= 200000 end, 15, "the oldest body")
      local err = wait_timeout("body", function()
        return client:get(server.url .. "/?codings=gzip&n=100000", { timeout = 3 })
      end)
      assert.equal(200, err.status)
      held:cancel()
    end)
  end)

  it("replaces no file before its turn, nor when it is cancelled", function()
    support.run(function()
      local path = support.directory "bombs" .. "/file"
      local held = rill.spawn(function() return client:get(server.url .. "/hold?n=200000") end)
      support.wait(function() return client:stats().buffered >= 200000 end, 15, "the oldest body")
      local before = client:stats().bytes_received
      local function download() return client:download(server.url .. "/?codings=gzip&n=100000", path) end
      local given_up, waiting = rill.spawn(download), rill.spawn(download)
      support.wait(function() return client:stats().bytes_received > before + 10000 end, 15, "the bodies")
      given_up:cancel()
      assert(client:get(server.url .. "/lengths?n=1"))
      assert.is_nil(io.open(path, "rb"))
      held:cancel()
      assert(waiting:join())
      assert.equal(100000, #support.read(path))
    end)
  end)
end)
