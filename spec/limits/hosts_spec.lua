local script = require "support.script"
local support = require "support"

-- CPU time of a request to each of so many hosts, from the calls to the first pass of the loop: far more
-- hosts than connections, so that nearly all stand in line.
local OPEN = [[
local hosts = tonumber((...))
local started = os.clock()
rill.run(function()
  local client = rill.client { max_connections = 16, dns_servers = { "127.0.0.1:9" } }
  for i = 1, hosts do assert(client:open { url = ("https://h%d.test/"):format(i) }) end
  rill.sleep(0)
  tell(os.clock() - started)
  client:close()
end)
]]

-- The same of closing a client that has limits for each host.
local CLOSE = [[
local hosts = tonumber((...))
local started
rill.run(function()
  local client = rill.client { max_connections = 16, dns_servers = { "127.0.0.1:9" }, per_origin = { concurrency = 1 } }
  for i = 1, hosts do assert(client:open { url = ("https://h%d.test/"):format(i) }):cancel() end
  rill.sleep(0)
  started = os.clock()
  client:close()
end)
rill.run(rill.sleep, 0)
tell(os.clock() - started)
]]

describe("a client of many hosts", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("spends as much on each of 40,000 as on each of 5,000", function()
    local few = tonumber(script.run(OPEN, { "5000" })[1])
    local many = tonumber(script.run(OPEN, { "40000" })[1])
    assert.is_true(many < few * 8 * 3, ("%.3f s and %.3f s"):format(few, many)) -- walking the line: 64 times
  end)

  it("spends as much on each of 40,000 as on each of 5,000 when it closes", function()
    local few = tonumber(script.run(CLOSE, { "5000" })[1])
    local many = tonumber(script.run(CLOSE, { "40000" })[1])
    assert.is_true(many < few * 8 * 3, ("%.3f s and %.3f s"):format(few, many))
  end)
end)
