-- What goes to a state in Redis as bytes: fingerprints, and URLs that wait.
local batches = require "rill.crawl.frontier.batch"
local bytes = require "rill.crawl.frontier.bytes"
local record = require "rill.crawl.frontier.record"

describe("a fingerprint for Redis' sets", function()
  it("is a whole number with a sign, to the last digit", function()
    local cases = {
      { 0, 0, "0" }, { 0, 1, "1" }, { 0xFFFFFFFF, 0xFFFFFFFF, "-1" }, { 0, 999999999, "999999999" },
      { 0, 1000000000, "1000000000" }, { 0, 4000000007, "4000000007" }, { 1, 0, "4294967296" },
      { 0xFFFFFFFF, 0xFFFFFFFF - 999999999, "-1000000000" }, { 0xFFFFFFFF, 0xFFFFFFFF - 1000000001, "-1000000002" },
      { 0x7FFFFFFF, 0xFFFFFFFF, "9223372036854775807" }, { 0x80000000, 0, "-9223372036854775808" },
    }
    for _, case in ipairs(cases) do
      local high, low, text = unpack(case)
      assert.equal(text, batches.decimal(high, low))
      assert.same({ high, low }, { batches.halves(text) })
    end
  end)

  it("is the same number once its code is compiled", function()
    local step, high, low = 2654435769, 0, 0
    for _ = 1, 500 do
      high, low = (high + step) % 2 ^ 32, (low + 3 * step) % 2 ^ 32
      local again_high, again_low = batches.halves(batches.decimal(high, low))
      assert.equal(high, again_high)
      assert.equal(low, again_low)
    end
  end)
end)

describe("a URL that waits, as bytes,", function()
  local function entry(more)
    local made = { url = "https://example.com/a/b", depth = 0, hops = 0, attempts = 0, free = 0, high = 1, low = 2 }
    for name, value in pairs(more) do made[name] = value end
    return made
  end

  local function assert_same(given)
    local read = record.decode(record.encode(given), "1-2", "https://example.com")
    assert.equal(record.id(given.high, given.low), read.id)
    read.id = nil
    given.lease, given.origin = "1-2", "https://example.com"
    assert.same(given, read)
  end

  it("is read as it was written", function()
    assert_same(entry {})
    assert_same(entry { from = "https://example.com/a/c" })
    assert_same(entry { from = "https://example.com/a/b" })
    assert_same(entry { from = "http://other.example/", kind = "sitemap", level = 2 })
    assert_same(entry { depth = 127, hops = 128, attempts = 16384, free = 2 ^ 31, priority = -8 })
    assert_same(entry { high = 0xFFFFFFFF, low = 0x80000001, priority = 8, via = { "https://example.com/" } })
    assert_same(entry { meta = { name = "value" }, known = { etag = '"a"', gone = 1 } })
    local long = "https://example.com/" .. ("x"):rep(70000)
    assert_same(entry { url = long, from = long:sub(1, 30) .. "y" })
  end)
end)

describe("bytes that are written", function()
  it("are those that struct reads, in room that grows", function()
    local written = bytes.new()
    written:byte(255)
    written:half(0x0102)
    written:word(-2)
    written:word(0xFFFFFFFF)
    written:short "ab"
    written:number(300)
    written:text("xyz", 2)
    written:set_byte(0, 1)
    assert.equal("\1\1\2\255\255\255\254\255\255\255\255\2ab\172\2yz", written:take())
    assert.equal("", written:take())
    local piece, pieces = ("p"):rep(999), {}
    for i = 1, 50 do
      pieces[i] = piece
      written:text(piece)
    end
    assert.equal(table.concat(pieces), written:take())
  end)

  it("are refused where their length or number has no room", function()
    local written = bytes.new()
    assert.error(function() written:short(("x"):rep(256)) end)
    assert.error(function() written:half(65536) end)
    written:clear()
    written:short(("x"):rep(255))
    assert.equal(256, #written:take())
  end)

  it("leave no large room behind", function()
    local written = bytes.new()
    local function write_much()
      written:text(("x"):rep(2 ^ 23))
      return #written:take()
    end
    local function kept()
      collectgarbage()
      collectgarbage()
      return collectgarbage "count" * 1024
    end
    local before = kept()
    assert.equal(2 ^ 23, write_much())
    assert.is_true(kept() - before < 2 ^ 22) -- LuaJIT itself gives its buffer of 8 MiB back by and by
    assert.equal("", written:take())
  end)
end)
