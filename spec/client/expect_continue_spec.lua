local dkjson = require "dkjson"
local support = require "support"

describe("expect_continue", function()
  local server

  before_each(function()
    support.begin()
    server = support.node { script = "upload.js" }
  end)
  after_each(support.check_clean)

  local function post(path, options, client_options)
    local client = support.client(client_options)
    return support.run(function() return assert(client:post(server.url .. path, ("x"):rep(1000), options)) end)
  end

  -- A server that stands still for a second has the body come unasked, but not each time.
  local function succeeds(what, try)
    support.tries(5, try, what)
  end

  it("holds the body back until 100 (Continue) comes", function()
    for _, where in ipairs { "request", "client" } do
      local on = { expect_continue = true }
      succeeds("a body behind 100 (Continue)", function()
        local res = post("/continue", where == "request" and on or nil, where == "client" and on or nil)
        local seen = dkjson.decode(res.body)
        assert.equal("100-continue", seen.expect)
        assert.equal(1000, seen.bytes)
        if seen.before ~= 0 then return false end -- then it may have needed no 100
        assert.equal(100, res.informational[1].status)
        return true
      end)
    end
  end)

  it("is off by default, and a request may turn it off", function()
    local seen = dkjson.decode(post("/continue").body)
    assert.equal(dkjson.null, seen.expect or dkjson.null)
    assert.equal(1000, seen.bytes)
    seen = dkjson.decode(post("/continue", { expect_continue = false }, { expect_continue = true }).body)
    assert.equal(dkjson.null, seen.expect or dkjson.null)
  end)

  it("gives up after a second: many servers never say it", function()
    succeeds("a body that comes after a second", function()
      local seen = dkjson.decode(post("/silent", { expect_continue = true }).body)
      assert.equal(1000, seen.bytes)
      return seen.waited > 900 and seen.waited < 2000
    end)
  end)

  it("saves the body where the answer comes without it", function()
    local count = 0
    succeeds("a refusal without the body", function()
      local res = post("/refuse", { expect_continue = true })
      assert.equal(417, res.status)
      count = count + 1
      return server:wait_events(function(event) return event.event == "stream_close" end, count)[count].bytes == 0
    end)
  end)
end)
