local port = require "support.port"
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

-- CPU time of closing a client that has asked so many hosts through a proxy, and may ask none of them for an hour.
local CLOSE = [[
local hosts, proxy = ...
local started
rill.run(function()
  local client = rill.client { proxy = proxy, per_origin = { delay = 3600 } }
  local urls = {}
  for i = 1, tonumber(hosts) do urls[i] = ("http://h%d.test/"):format(i) end
  local function get(url) return client:get(url) end
  for _, res, err in rill.map(urls, get, { concurrency = 6 }) do assert(res, err) end
  started = os.clock()
  client:close()
end)
tell(os.clock() - started)
]]

describe("a client of many hosts", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- That a script spends less than three times as much on each of eight times as many hosts: walking the line makes 64
  -- of 8. Another one's turn of the processor may be counted as ours, but not each time: the least of each counts.
  local function assert_linear(text, count, ...)
    local rest = { ... }
    local function spent(hosts) return tonumber(script.run(text, { tostring(hosts), unpack(rest) })[1]) end
    local few, many = math.huge, math.huge
    support.tries(5, function()
      few, many = math.min(few, spent(count)), math.min(many, spent(8 * count))
      return many < few * 8 * 3, ("less than three times as much: %.3f s and %.3f s"):format(few, many)
    end)
  end

  it("spends as much on each of 40,000 as on each of 5,000", function() assert_linear(OPEN, 5000) end)

  it("spends as much on each of 16,000 as on each of 2,000 when it closes", function()
    local listening = port.free()
    support.nginx { http_config = ([[
      server { listen 127.0.0.1:%d; access_log off; keepalive_requests 1000000; location / { return 204; } }
    ]]):format(listening) }
    local proxy = "http://127.0.0.1:" .. listening
    assert_linear(CLOSE, 2000, proxy)
  end)
end)
