-- What is wrong with the keys of a crawl, or with its Redis, before a crawl and in the middle of it: a clear error,
-- nothing written over, nothing fetched twice.
local support = require "support"

local PAGES, HELD = 40, 12

describe("a crawl whose Redis is not as it was left", function()
  local redis, fleet

  before_each(function()
    support.begin()
    redis = support.redis()
    fleet = support.fleet { state = redis:state "site", pages = PAGES, hold = HELD }
  end)
  after_each(function()
    fleet:stop()
    redis:stop()
    support.check_clean()
  end)

  -- A worker is in the middle of the crawl while `harm` is done; returns what it ends with.
  local function harmed(harm, more)
    local child = fleet:worker("a", more)
    fleet:wait_asked(HELD + 4)
    harm()
    fleet:release()
    local status = child:wait(60)
    return status, child:output()
  end

  for _, case in ipairs {
    { "conf", "SET", "mine" }, { "stats", "SET", "mine" }, { "leased", "SET", "mine" }, { "due", "LPUSH", "mine" },
  } do
    local key, command, value = unpack(case)
    it(("ends with kind corrupt when %s has become another type, and leaves it as it is"):format(key), function()
      local status, output = harmed(function()
        redis:cli("DEL", "{site}:" .. key)
        redis:cli(command, "{site}:" .. key, value)
      end)
      assert.equal(4, status, output)
      assert.matches("kind=corrupt", output)
      assert.matches(command == "SET" and "string" or "list", redis:cli("TYPE", "{site}:" .. key))
    end)
  end

  it("ends with kind corrupt when it was wiped and another crawl has begun there", function()
    local status, output = harmed(function()
      local format = redis:cli("HGET", "{site}:conf", "format")
      redis:cli "FLUSHALL"
      redis:cli("HSET", "{site}:conf", "format", format, "run", "another")
    end)
    assert.equal(4, status, output)
    assert.matches("kind=corrupt.*", output)
    assert.equal("{site}:conf", redis:cli("KEYS", "*"))
    assert.equal(HELD + 4, fleet:asked())
  end)

  it("ends with kind full when there is no room in the middle, and goes on when there is", function()
    local status, output = harmed(function() redis:cli("CONFIG", "SET", "maxmemory", "1") end)
    assert.equal(4, status, output)
    assert.matches("kind=full", output)
    redis:cli("CONFIG", "SET", "maxmemory", "0")
    fleet:finish(fleet:worker "a")
    assert.equal(PAGES, fleet:join())
  end)

  it("ends with kind auth when its password is no longer right", function()
    local status, output = harmed(function()
      redis:cli("CONFIG", "SET", "requirepass", "new")
      redis:cli("-a", "new", "--no-auth-warning", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    end)
    assert.equal(4, status, output)
    assert.matches("kind=auth", output)
    redis:cli("-a", "new", "--no-auth-warning", "CONFIG", "SET", "requirepass", "")
    fleet:finish(fleet:worker "a")
    assert.equal(PAGES, fleet:join())
  end)

  it("goes on when its scripts were forgotten", function()
    local child = fleet:worker "a"
    fleet:wait_asked(HELD + 4)
    redis:cli("SCRIPT", "FLUSH")
    fleet:release()
    fleet:finish(child)
    assert.equal(PAGES, fleet:asked())
    assert.equal(PAGES, fleet:join())
  end)

  it("mixes no two leases up when Redis numbers them from an earlier one", function()
    local child = fleet:worker "a"
    fleet:wait_asked(HELD + 4)
    redis:cli("SET", "{site}:seq", "0") -- as one that has lost its last second
    fleet:release()
    fleet:finish(child)
    assert.equal(PAGES, fleet:asked())
    assert.equal(PAGES, fleet:join())
  end)
end)
