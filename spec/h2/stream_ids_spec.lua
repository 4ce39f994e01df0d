-- A connection's stream ids end at 2^31-1 (RFC 9113 section 5.1.1): the script's connections begin shortly before.
local script = require "support.script"
local support = require "support"

local EXTREMES = "build/extremes.so"
local LAST = 2 ^ 31 - 1 - 16 -- SESSION_LAST_STREAM
local EACH = 10 -- streams that are left to a connection

describe("a connection whose stream ids are used up", function()
  local server

  setup(function() support.make(EXTREMES) end)
  before_each(function() server = support.nghttpd { files = { page = "here" }, verbose = true } end)
  after_each(function() server:stop() end)

  local function run(text)
    return script.run(text, { server.url, server.ca }, {
      preload = EXTREMES, environment = { ("EXTREMES_FIRST_STREAM=%d"):format(LAST - 2 * EACH) },
    })
  end

  it("is replaced by another, and no request fails, one after the other or fifty at once", function()
    local lines = run [[
    local url, ca = ...
    local client = rill.client { tls = { ca_file = ca }, retries = 0 }
    local function get()
      local res, err = client:get(url .. "/page")
      assert(res and res.status == 200, tostring(err))
    end
    local function told()
      local stats = client:stats()
      tell(stats.connections_opened, stats.attempts, stats.retries)
    end
    rill.run(function()
      for _ = 1, 50 do get() end
      told()
      local all = {}
      for i = 1, 50 do all[i] = get end
      for _, result in ipairs(rill.all(all)) do assert(not result[2], tostring(result[2])) end
      told()
    end)
    client:close()
    ]]
    assert.same({ "5 50 0", "10 100 0" }, lines)
    local ids, most = {}, 0
    for id in server:output():gmatch "recv HEADERS frame <[^>]*stream_id=(%d+)>" do
      ids[#ids + 1] = id
      most = math.max(most, tonumber(id))
    end
    assert.equal(100, #ids)
    assert.is_true(most < LAST, most .. " was used")
    support.wait(function() -- the last one is on its way when the script has ended
      return select(2, server:output():gsub("recv GOAWAY frame[^\n]*\n[^\n]*error_code=NO_ERROR", "")) == 10
    end, 20, "a GOAWAY of each connection")
  end)

  it("refuses further requests, as inactive, where it is one's own", function()
    local lines = run [[
    local url, ca = ...
    rill.run(function()
      local conn = assert(rill.connect(url, { tls = { ca_file = ca } }))
      for i = 1, 11 do
        local res, err = conn:request { url = "/page" }
        if not res then tell(i, err.reason, err.processed) end
      end
      conn:close()
    end)
    ]]
    assert.same({ "11 inactive no" }, lines)
  end)
end)
