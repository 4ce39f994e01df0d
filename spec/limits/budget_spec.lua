-- How much a loop sends and receives before it looks at others, or gives the thread back.
local script = require "support.script"
local support = require "support"

local EXTREMES = "build/extremes.so" -- the peer is faster than this program, however busy the machine is
local KIB = 1024
local FULL = { preload = EXTREMES, environment = { "EXTREMES_FULL_SENDS=1", "EXTREMES_FULL_READS=1" } }
local SETTINGS = { initialWindowSize = 2 ^ 30 }

-- What the scripts share: stats of all clients, and steps between which they are looked at.
local PROLOGUE = [[
local ffi = require("ffi")
local C, loop = require("rill.clib"), require("rill.runtime").loop()
ffi.cdef("struct pollfd { int fd; short events, revents; }; int poll(struct pollfd *fds, unsigned long n, int ms);")
local url, ca, size = ...
size = tonumber(size)
local clients = {}
local function client()
  local one = rill.client { tls = { ca_file = ca }, window = 16 * 2 ^ 20, h2c = true }
  clients[#clients + 1] = one
  return one
end
local function close()
  for _, one in ipairs(clients) do one:close() end
end
local function moved()
  local bytes = 0
  for _, one in ipairs(clients) do
    local stats = one:stats()
    bytes = bytes + stats.bytes_sent + stats.bytes_received
  end
  return bytes
end
local fds = ffi.new("struct pollfd[1]")
fds[0].fd, fds[0].events = C.rill_loop_fd(loop, ffi.new("rill_error")), 1
local most, steps, last = 0, 0, 0
local function look()
  local now = moved()
  if now > last then most, steps = math.max(most, now - last), steps + 1 end
  last = now
end
-- Steps as a foreign loop does, while `goes_on()`. A loop that has work left and does not ask for a step is stuck.
local function step_while(goes_on)
  while goes_on() do
    assert(ffi.C.poll(fds, 1, 20000) == 1, "the loop asks for no step")
    C.rill_loop_step(loop)
    look()
  end
end
]]

describe("bytes that move at a time", function()
  local node, nginx, coded

  setup(function()
    support.make(EXTREMES)
    coded = support.node { script = "coded.js" }
    node = support.node { script = "swallow.js", settings = SETTINGS, h2c = true }
    nginx = support.nginx { files = { large = 12 * 2 ^ 20 } }
  end)
  teardown(function()
    node:stop()
    nginx:stop()
    coded:stop()
  end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function run(text, url, size)
    local lines = script.run(PROLOGUE .. text, { url, nginx.ca, tostring(size) }, FULL)
    return tonumber(lines[1]), tonumber(lines[2])
  end

  it("are 512 KiB of an upload: clocks and other streams have their turn between two of them", function()
    local SIZE = 32 * 2 ^ 20
    local most, turns = run([[
    local poll = require("rill.runtime.loop").poll
    rill.run(function()
      local stream = assert(client():open { url = url, method = "POST", body = ("x"):rep(size) })
      while last < size do
        poll(0)
        look()
      end
      stream:cancel()
    end)
    close()
    tell(most)
    tell(steps)
    ]], node.url, SIZE)
    -- what is marked acts up to three times in a poll
    assert.is_true(most <= 3 * (512 + 32) * KIB, most .. " bytes at a time")
    assert.is_true(turns >= SIZE / (3 * 544 * KIB), turns .. " turns")
  end)

  it("are 256 KiB in a step, whatever the number of connections that send", function()
    local SIZE, COUNT = 4 * 2 ^ 20, 6
    local most, steps = run([[
    local body = ("x"):rep(size)
    local streams = {}
    rill.run(function()
      for i = 1, 6 do
        streams[i] = assert(client():open { url = url, method = "POST", body = body })
      end
      step_while(function() return last < 6 * size end)
      for _, stream in ipairs(streams) do stream:cancel() end
    end)
    close()
    tell(most)
    tell(steps)
    ]], node.url, SIZE)
    -- a connection that has its turn sends 32 KiB and receives as much whatever has moved before
    assert.is_true(most <= (256 + 2 * 32 + 16) * KIB, most .. " bytes in one step")
    assert.is_true(steps >= COUNT * SIZE / (336 * KIB), steps .. " steps")
  end)

  it("are 256 KiB in a step, whatever the number of connections that receive", function()
    local SIZE, COUNT = 12 * 2 ^ 20, 4
    local most, steps = run([[
    rill.run(function()
      local streams, received = {}, 0
      for i = 1, 4 do streams[i] = assert(client():open { url = url .. "/large" }) end
      step_while(function()
        received = 0
        for _, stream in ipairs(streams) do received = received + stream.bytes_received end
        return received < 4 * size
      end)
      for _, stream in ipairs(streams) do stream:cancel() end
    end)
    close()
    tell(most)
    tell(steps)
    ]], nginx.url, SIZE)
    assert.is_true(most <= (256 + 2 * 32 + 16) * KIB, most .. " bytes in one step")
    assert.is_true(steps >= COUNT * SIZE / (336 * KIB), steps .. " steps")
  end)

  -- Bodies that explode: made() says how much has come out of them, in how many ways that may go.
  local ways = {
    ["collected"] = [[
    local function made() return one:stats().buffered end
    for i = 1, count do open(i)._state:collect() end]],
    ["collected, when most has come"] = [[
    local function made() return one:stats().buffered end
    for i = 1, count do open(i) end
    step_while(function() return one:stats().bytes_received < count * size end)
    for i = 1, count do
      local before = made()
      streams[i]._state:collect()
      most = math.max(most, made() - before)
    end]],
    ["written to files"] = [[
    local folder = arguments[4]
    local function made()
      local length = 0
      for name in lfs.dir(folder) do
        local facts = lfs.attributes(folder .. "/" .. name)
        if facts and facts.mode == "file" then length = length + facts.size end
      end
      return length
    end
    for i = 1, count do rill.spawn(one.download, one, url .. "&i=" .. i, folder .. "/" .. i) end
    rill.sleep(0)]],
  }

  -- The most that is made in one step of `count` bodies in gzip that become `size` bytes each.
  local function most_made(text, count, size)
    local client = support.client()
    local path = ("/?codings=gzip&zeros=%.17g"):format(size / 2 ^ 20)
    local coded_size
    support.run(function() coded_size = assert(client:get(coded.url .. "/lengths" .. path:sub(2))).body end)
    local lines = script.run(PROLOGUE .. [[
    local lfs, arguments = require "lfs", { ... }
    local count, decoded = tonumber(arguments[5]), tonumber(arguments[6])
    rill.run(function()
      local one = client()
      local streams = {}
      local function open(i)
        streams[i] = assert(one:open { url = url .. "&i=" .. i })
        return streams[i]
      end
    ]] .. text .. [[
      local seen = made()
      while seen < decoded do
        assert(ffi.C.poll(fds, 1, 20000) == 1, "the loop asks for no step")
        C.rill_loop_step(loop)
        local now = made()
        most, seen = math.max(most, now - seen), now
      end
      one:close()
    end)
    tell(most)]], { coded.url .. path, coded.ca, coded_size, support.directory "explodes", tostring(count),
      tostring(count * size) })
    return tonumber(lines[1])
  end

  local DECODED = 48 * 2 ^ 20
  for way, text in pairs(ways) do
    for _, count in ipairs { 1, 12 } do
      it(("are 256 KiB in a step that come out of decoding: bodies that are %s, %d"):format(way, count), function()
        local most = most_made(text, count, DECODED / count)
        -- what passes it: a piece, what comes coded, and decoders
        assert.is_true(most <= (256 + 128 + 64 + 64 * count) * KIB, most .. " bytes in one step")
      end)
    end
  end

  it("are 256 KiB in a step that come out of decoding: bodies that are made in one call each", function()
    for _, size in ipairs { 100, 240, 256, 380 } do
      local most = most_made([[
      local function made() return one:stats().buffered end
      for i = 1, count do rill.spawn(one.get, one, url .. "&i=" .. i) end
      rill.sleep(0)
      ]], 60, size * KIB)
      -- what passes it: as much as a piece, what comes coded, and a decoder for what would be more than that
      assert.is_true(most <= (256 + 128 + 64) * KIB, most .. " bytes in one step")
    end
  end)
end)
