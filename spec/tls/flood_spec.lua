-- A peer that floods with handshake messages, which bring no plaintext: built from spec/c/tls_flood.c.
local support = require "support"
local server_of = require "support.server"

describe("a flood of handshake messages", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for what, how in pairs {
    ["HelloRequest"] = "hello", ["KeyUpdate that asks for one"] = "update",
    ["NewSessionTicket"] = "ticket",
  } do
    it("ends its connection with ENHANCE_YOUR_CALM: " .. what, function()
      local ca = support.ca()
      local program = support.make "build/tls_flood"
      local server, said = server_of.start_announced("tls_flood", { program, how, ca.leaf, ca.key })
      local client = support.client { timeout = 25, retries = 0 }
      local held = support.counters().bytes
      local res, err = support.run(function() return client:get(("https://localhost:%d/"):format(said.port)) end)
      assert.is_nil(res)
      assert.equal("protocol_error", err.reason, tostring(err))
      assert.equal("ENHANCE_YOUR_CALM", err.code)
      assert.is_true(support.counters().bytes - held < 2 ^ 20)
      local function is_end(event) return event.event == "end" end
      local last = support.run(function() return server:wait_events(is_end)[1] end)
      assert.is_true(last.bytes < 8 * 2 ^ 20, last.bytes .. " bytes sent")
    end)
  end
end)
