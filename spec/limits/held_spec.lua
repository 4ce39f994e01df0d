-- One budget for all bodies of a client: what is collected, what waits for a reader, what decoders hold.
local support = require "support"
local rill = require "rill"

local SMALL = 65535 -- bytes: the smallest window there is
local MIB = 2 ^ 20
local SLACK = 256 * 1024 -- of a decoder beside its window, and the frame that passes a bound

-- Watches what a client holds while fn runs; returns the most, then what fn returns.
local function watched(client, fn)
  local most, over = 0, false
  local watcher = rill.spawn(function()
    while not over do
      most = math.max(most, client:stats().buffered)
      rill.sleep(0.001)
    end
  end)
  local result = fn()
  over = true
  watcher:join()
  return most, result
end

describe("max_buffered", function()
  local server

  before_each(function()
    support.begin()
    server = support.node { script = "coded.js", memory = 100 }
  end)
  after_each(support.check_clean)

  -- Begins a body that is collected and of which `n` bytes come, and no end; returns once they are there. Where its
  -- time is over before that, a machine has stood still: it begins again.
  local function hold(client, n, options)
    local before, task, reason = client:stats().buffered, nil, nil
    local function begin()
      reason = nil
      task = rill.spawn(function()
        local res, err = client:get(server.url .. "/hold?n=" .. n, options)
        reason = err and err.reason or "answered"
        return res, err
      end)
    end
    begin()
    support.wait(function()
      if reason then
        assert.equal("timeout", reason)
        begin()
      end
      return not reason and client:stats().buffered >= before + math.min(n, SMALL)
    end, 15, "the body")
    return task
  end

  local function all_come(client, count, size)
    local list = {}
    for i = 1, count do list[i] = i end
    local function get(i) return client:get(("%s/?n=%d&i=%d"):format(server.url, size, i)) end
    for i, res, err in rill.map(list, get) do
      assert(res, i .. ": " .. tostring(err))
      assert.equal(size, #res.body)
    end
  end

  it("holds bodies back that are collected, all but the oldest, and all of them come", function()
    local client = support.client { window = SMALL, max_window = SMALL, max_buffered = 200000 }
    support.run(function()
      local most = watched(client, function() all_come(client, 16, MIB) end)
      assert.is_true(most <= 200000 + MIB + 16 * SMALL, most)
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("holds sockets back where there are no windows", function()
    server:stop()
    server = support.node { script = "coded.js", http1 = true }
    local client = support.client { window = SMALL, max_window = SMALL, max_buffered = 200000,
      max_connections_per_origin = 16 }
    support.run(function()
      local most = watched(client, function() all_come(client, 16, MIB) end)
      assert.is_true(most <= 200000 + MIB + 16 * SMALL, most)
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("lets no window grow beyond it", function()
    local client = support.client { window = SMALL, max_window = 16 * MIB, max_buffered = 16 * SMALL }
    support.run(function()
      local most = watched(client, function() all_come(client, 16, MIB) end)
      assert.is_true(most <= 16 * SMALL + MIB + 16 * SMALL, most)
    end)
  end)

  -- Round trips until nothing more comes.
  local function settle(client, url)
    local before
    repeat
      before = client:stats().buffered
      for _ = 1, 3 do assert(client:get(url .. "/lengths")) end
    until client:stats().buffered == before
  end

  it("counts what windows have grown by: only the first ones come on top of it", function()
    local COUNT, SIZE, BUDGET = 24, MIB, 8 * MIB
    local roomy = support.node { script = "coded.js", memory = 1000 }
    local client = support.client { window = SMALL, max_window = 16 * MIB, max_buffered = BUDGET,
      tls = { ca_file = roomy.ca } }
    local url = roomy.url
    support.run(function()
      local grown = assert(client:open { url = url .. "/bursts?n=" .. 16 * MIB })
      local length = 0
      while length < 16 * MIB do length = length + #assert(grown:read()) end
      local most = watched(client, function()
        local tasks = {}
        for i = 1, COUNT do
          tasks[i] = rill.spawn(function() return client:get(("%s/hold?n=%d&i=%d"):format(url, SIZE, i)) end)
        end
        settle(client, url)
        assert(client:get(url .. "/burst?n=" .. 16 * MIB))
        settle(client, url)
        for _, task in ipairs(tasks) do task:cancel() end
      end)
      grown:cancel()
      assert.is_true(most <= BUDGET + SIZE + (COUNT + 1) * SMALL + SLACK, most)
    end, 30)
  end)

  it("gives window to the next one when the oldest is cancelled, runs out of time, or is lost", function()
    for _, how in ipairs { "cancelled", "timeout", "connection_lost" } do
      local client = support.client { window = SMALL, max_window = SMALL, max_buffered = 100000 }
      support.run(function()
        local task = hold(client, 200000, { timeout = how == "timeout" and 2 or nil })
        if how == "connection_lost" then server:stop() else
          local waiting = rill.spawn(function() return client:get(server.url .. "/?n=300000") end)
          if how == "cancelled" then
            support.wait(function() return client:stats().buffered >= 200000 + SMALL end, 15, "the window to be full")
            task:cancel()
          end
          assert.equal(300000, #assert(waiting:join()).body)
        end
        local _, err = task:join()
        assert.equal(how, err.reason)
        assert.equal(0, client:stats().buffered)
      end)
    end
  end)

  it("is given up to the oldest though streams that nobody reads hold more", function()
    local client = support.client { window = SMALL, max_window = SMALL, max_buffered = 50000 }
    support.run(function()
      local unread = assert(client:open { url = server.url .. "/?n=300000" })
      support.wait(function() return unread.bytes_received == SMALL end, 15, "the window to be full")
      all_come(client, 4, 400000)
      assert.equal(300000, #assert(unread:body()))
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("is enough for streams that are collected after all", function()
    local client = support.client { window = SMALL, max_window = SMALL, max_buffered = 50000 }
    support.run(function()
      local streams, tasks = {}, {}
      for i = 1, 4 do
        streams[i] = assert(client:open { url = ("%s/?n=300000&i=%d"):format(server.url, i) })
        support.wait(function() return streams[i].bytes_received == SMALL end, 15, "the window to be full")
      end
      for i = 4, 1, -1 do tasks[i] = rill.spawn(function() return streams[i]:body() end) end
      for i = 1, 4 do assert.equal(300000, #assert(tasks[i]:join())) end
      assert.equal(0, client:stats().buffered)
    end)
  end)

  it("ends with its client: what is held back is cancelled", function()
    local client = support.client { window = SMALL, max_window = SMALL, max_buffered = 50000 }
    support.run(function()
      local first = hold(client, 200000)
      local second = rill.spawn(function() return client:get(server.url .. "/?n=300000") end)
      support.wait(function() return client:stats().buffered >= 200000 + SMALL end, 15, "the window to be full")
      client:close()
      for _, task in ipairs { first, second } do
        local _, err = task:join()
        assert.equal("cancelled", err.reason)
      end
    end)
  end)

  it("does not count a held-back body's pause against the peer", function()
    local client = support.client { window = SMALL, max_window = SMALL, max_buffered = 50000, read_timeout = 2 }
    -- Where the server stands still for longer than it may there is no answer, but not each time.
    local function pause()
      local first = hold(client, 200000, { read_timeout = 0 })
      local ended = false
      local second = rill.spawn(function()
        local res, err = client:get(server.url .. "/?n=300000")
        ended = true
        return res, err
      end)
      support.wait(function() return ended or client:stats().buffered >= 200000 + SMALL end, 15,
        "the window to be full")
      rill.sleep(ended and 0 or 3)
      first:cancel()
      local res, err = second:join()
      if not res then return assert.equal("timeout", err.reason) and false end
      assert.equal(300000, #res.body)
      assert.is_true(res.timings.stalled_local >= 2.9, res.timings.stalled_local)
      return true
    end
    support.run(function() support.tries(5, pause, "a body behind the pause") end)
  end)

  it("does not hold back what goes to a file", function()
    local client = support.client { window = SMALL, max_window = SMALL, max_buffered = 50000 }
    support.run(function()
      local first = hold(client, 200000)
      local path = support.directory "budget" .. "/file"
      assert(client:download(server.url .. "/?n=3000000", path))
      assert.equal(3000000, #support.read(path))
      first:cancel()
    end)
  end)

end)

describe("a body that explodes", function()
  local server

  setup(function() server = support.node { script = "coded.js", memory = 100 } end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  -- bomb -> how much its coding may hold
  local bombs = {
    ["codings=gzip&zeros=64"] = 64 * 1024, -- 1,000:1
    ["codings=zstd&zeros=64"] = 8 * MIB,
    ["codings=br&zeros=256"] = 16 * MIB, -- 1,000,000:1
    ["codings=gzip,gzip&zeros=64"] = 2 * 64 * 1024,
  }
  for bomb, window in pairs(bombs) do
    it("costs a window, its coding's and 64 KiB, read in pieces: " .. bomb, function()
      local size = tonumber(bomb:match "zeros=(%d+)") * MIB
      local client = support.client { window = SMALL, max_window = SMALL }
      support.run(function()
        assert(client:get(server.url .. "/lengths?" .. bomb)) -- it takes a while to make
        local stream = assert(client:open { url = server.url .. "/?" .. bomb })
        support.wait(function() return stream.closed_remote or stream.bytes_received == SMALL end, 15, "the window")
        assert.is_true(client:stats().buffered <= SMALL + window + SLACK, client:stats().buffered)
        local length, most = 0, 0
        for chunk in stream:chunks() do
          length = length + #chunk
          most = math.max(most, client:stats().buffered)
        end
        assert.equal("ended", stream.close_reason)
        assert.equal(size, length)
        assert.is_true(most <= SMALL + window + 64 * 1024 + SLACK, most)
        assert.equal(0, client:stats().buffered)
      end, 30)
    end)

    it("costs a maxsize more, collected or asked how it ended: " .. bomb, function()
      local client = support.client { window = SMALL, max_window = SMALL, maxsize = MIB }
      support.run(function()
        assert(client:get(server.url .. "/lengths?" .. bomb))
        local url = server.url .. "/?" .. bomb
        local most, err = watched(client, function() return select(2, client:get(url)) end)
        assert.equal("maxsize_exceeded_actual", err.reason)
        assert.is_true(most <= MIB + SMALL + window + SLACK, most)
        local stream = assert(client:open { url = url })
        assert.equal("maxsize_exceeded_actual", (stream:closed()))
        assert.equal(0, client:stats().buffered)
      end, 30)
    end)
  end
end)
