-- How much one light thread does before a worker's other requests have their turn. What a step of the core does:
-- spec/limits/budget_spec.lua.
local support = require "support"

local KIB, MIB = 1024, 2 ^ 20
local SIZE = 8 * MIB

local SERVER = [[
# How much is read while nobody else gets a turn.
location /read {
  content_by_lua_block {
    local stream = assert(client:open { url = "$upstream/?n=$size" })
    while stream.bytes_received < $size do rill.sleep(0) end
    local turns, over = 0, false
    ngx.thread.spawn(function()
      while not over do
        turns = turns + 1
        rill.sleep(0)
      end
    end)
    local most, at_once, total, seen = 0, 0, 0, turns
    for chunk in stream:chunks() do
      if seen ~= turns then at_once = 0 end
      at_once, seen, total = at_once + #chunk, turns, total + #chunk
      most = math.max(most, at_once)
    end
    over = true
    ngx.say(total, " ", most)
  }
}
]]

describe("a worker's other requests", function()
  local upstream, server

  setup(function()
    upstream = support.node { script = "coded.js" }
    server = support.openresty {
      config = SERVER, values = { upstream = upstream.url, size = ("%d"):format(SIZE) },
      http_config = ([[init_by_lua_block {
        rill = require "rill"
        client = assert(rill.client { tls = { ca_file = "%s" }, timeout = 60, window = %d })
      }]]):format(upstream.ca, SIZE),
    }
  end)
  teardown(function()
    server:stop()
    upstream:stop()
  end)

  it("have their turn each 256 KiB that a light thread reads, though it need not wait", function()
    local answer = server:get "/read"
    local total, most = answer:match "^(%d+) (%d+)\n$"
    assert.equal(tostring(SIZE), total, answer .. server:log())
    assert.is_true(tonumber(most) <= (256 + 64) * KIB, most .. " bytes at once")
  end)
end)
