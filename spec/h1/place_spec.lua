-- A large body of known length that is kept in memory: what comes behind its start is received where it stays.
local rill = require "rill"
local script = require "support.script"
local support = require "support"

local EXTREMES = "build/extremes.so"
local KIB = 1024

-- Bytes that say where they stand.
local function make(size)
  local parts = {}
  for i = 1, math.ceil(size / 8) do parts[i] = ("%07d\n"):format(i) end
  return table.concat(parts):sub(1, size)
end

-- An answer with that body, sent in pieces of those lengths, again and again.
local function answer(body, lengths, fields)
  local text = ("HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n"):format(fields or "", #body) .. body
  local pieces, at, i = {}, 1, 0
  while at <= #text do
    local length = lengths[i % #lengths + 1]
    pieces[#pieces + 1] = text:sub(at, at + length - 1)
    at, i = at + length, i + 1
  end
  return pieces
end

local LARGE = make(200 * KIB)
local SIZES = { 16 * KIB - 40, 16 * KIB, 16 * KIB + 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 128 * KIB, 2 ^ 20,
  2 ^ 20 + 1, 3 * 2 ^ 20 + 5 }
local LENGTHS = { { 2 ^ 30 }, { 1, 16383, 40, 16385, 70000, 3 }, { 32768 } }

local ANSWERS = {
  ["/small"] = answer("small", { 100 }),
  ["/behind"] = { table.concat(answer(LARGE, { 2 ^ 30 })) .. "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil" },
  ["/one-behind"] = { table.concat(answer(LARGE, { 2 ^ 30 })) .. "x" },
  ["/cut"] = { table.concat(answer(LARGE, { 2 ^ 30 })):sub(1, -2), ends = "fin" },
  ["/halts"] = { table.concat(answer(LARGE, { 2 ^ 30 })):sub(1, 150 * KIB) },
}
for _, size in ipairs(SIZES) do
  local body = make(size)
  for i, lengths in ipairs(LENGTHS) do ANSWERS[("/%d-%d"):format(size, i)] = answer(body, lengths) end
end

for _, tls in ipairs { false, true } do
  describe("a large body of known length " .. (tls and "over TLS" or "in clear text"), function()
    local server, client

    setup(function() server = support.http1(ANSWERS, { tls = tls, alpn = { "http/1.1" } }) end)
    teardown(function() server:stop() end)
    before_each(function()
      support.begin()
      client = support.client { tls = { ca_file = server.ca }, retries = 0 }
    end)
    after_each(support.check_clean)

    it("is whole, whatever it was cut into on its way, and its connection goes on", function()
      support.run(function()
        for _, size in ipairs(SIZES) do
          for i = 1, #LENGTHS do
            local response = assert(client:get(("%s/%d-%d"):format(server.url, size, i)))
            assert.is_true(make(size) == response.body, ("%d bytes, way %d"):format(size, i))
            assert.equal(size, response.bytes_received)
          end
        end
      end)
      assert.equal(1, client:stats().connections_opened)
    end)

    it("is whole where its reader changes his mind in the middle", function()
      support.run(function()
        local stream = assert(client:open { url = ("%s/%d-1"):format(server.url, SIZES[#SIZES]) })
        local first = assert(stream:read(1000))
        local response = assert(stream:response())
        assert.is_true(make(SIZES[#SIZES]):sub(#first + 1) == response.body)
      end)
    end)

    for path, bytes in pairs { ["/behind"] = "an answer that nobody asked for", ["/one-behind"] = "one byte" } do
      it("is whole where more follows, which answers nothing: " .. bytes, function()
        support.run(function()
          assert.is_true(LARGE == assert(client:get(server.url .. path)).body)
          assert.equal("small", assert(client:get(server.url .. "/small")).body)
        end)
        assert.equal(2, client:stats().connections_opened)
      end)
    end

    it("is lost where its last byte does not come", function()
      support.run(function()
        local response, err = client:get(server.url .. "/cut")
        assert.is_nil(response)
        assert.equal("connection_lost", err.reason, tostring(err))
        assert.equal("small", assert(client:get(server.url .. "/small")).body)
      end)
    end)

    it("can be cancelled in the middle", function()
      support.run(function()
        local task = rill.spawn(function() return client:get(server.url .. "/halts") end)
        support.wait(function() return client:stats().buffered > 100 * KIB end, 10, "the start of the body")
        task:cancel()
        task:join()
        assert.equal(0, client:stats().buffered)
        assert.equal("small", assert(client:get(server.url .. "/small")).body)
      end)
    end)
  end)
end

describe("a body of 64 KiB in clear text", function()
  setup(function() support.make(EXTREMES) end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("is read twice: with its head, and all the rest at once to where it stays", function()
    local body = make(64 * KIB)
    local pieces = answer(body, { 2 ^ 30 })
    local server = support.http1 { ["/"] = pieces }
    local lines = script.run([[
      local client, url = rill.client(), ...
      rill.run(function() tell(#assert(client:get(url)).body) end)
      client:close()
    ]], { server.url .. "/" }, { preload = EXTREMES, environment = { "EXTREMES_FULL_READS=1", "RILL_TRACE=frames" } })
    server:stop()
    local parts = {}
    for _, line in ipairs(lines) do parts[#parts + 1] = tonumber(line:match "recv BODY stream 1 length (%d+)") end
    local head = #pieces[1] - #body
    assert.same({ 16 * KIB - head, 48 * KIB + head }, parts)
  end)
end)
