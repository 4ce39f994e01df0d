-- A frame that the peer waits for, or that we wait for the answer to, cannot be made for want of memory: whoever waits
-- learns that, and not by a timeout.
local script = require "support.script"
local support = require "support"

local EXTREMES = "build/extremes.so"

describe("without memory", function()
  local server

  setup(function() support.make(EXTREMES) end)
  after_each(function() server:stop() end)

  local function run(frames, url, text)
    return script.run(text, { url, server.ca }, {
      preload = EXTREMES, environment = { "EXTREMES_NO_FRAMES=" .. frames },
    })
  end

  it("for a wider window a stream with on_headers fails at once", function()
    server = support.hostile { case = "one-ack", extra = support.here .. "/cases/limits.py" }
    local lines = run("window", server.url .. "?n=1300000", [[
    local url, ca = ...
    local client = rill.client { tls = { ca_file = ca }, retries = 0, timeout = 20 }
    rill.run(function()
      local res, err = client:get(url, { on_headers = function() end })
      tell(tostring(res), err.reason, err.message)
    end)
    client:close()
    ]])
    assert.same({ "nil error out of memory" }, lines)
  end)

  it("for a PING its connection fails at once", function()
    server = support.nghttpd()
    local lines = run("ping", server.url, [[
    local url, ca = ...
    rill.run(function()
      local conn = assert(rill.connect(url, { tls = { ca_file = ca }, ping_timeout = 20 }))
      local seconds, err = conn:ping()
      tell(tostring(seconds), err.reason, err.message)
      conn:close()
    end)
    ]])
    assert.same({ "nil error out of memory" }, lines)
  end)
end)
