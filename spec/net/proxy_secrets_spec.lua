-- A proxy's user and password stand in nothing that is shown: events, warnings, errors, statistics, HAR, traces.
local proxies = require "support.proxy"
local scratch = require "support.scratch"
local script = require "support.script"
local support = require "support"

-- Asks by each way through a proxy, one that works and one that refuses, and tells all that it can find out.
local ASK = [[
local url, plain, ca, directory, proxies = ...
local function show(value, seen)
  if type(value) ~= "table" then return tell((tostring(value):gsub("%c", " "))) end
  if seen[value] then return end
  seen[value] = true
  tell((tostring(value):gsub("%c", " ")))
  for key, inner in pairs(value) do show(key, seen) show(inner, seen) end
end
rill.on_warning = function(message, fields) show({ message, fields }, {}) end
rill.run(function()
  local number = 0
  for proxy in proxies:gmatch "%S+" do
    for _, asked in ipairs { url, plain } do
      local events = {}
      local client = rill.client { proxy = proxy, tls = { ca_file = ca }, retries = 0, maxsize = 1000,
        on_event = function(event) events[#events + 1] = event end }
      local recorder = rill.har.recorder(client, { bodies = true })
      local res, err = client:get(asked)
      show({ res or false, err or false, client:stats() }, {})
      show(events, {})
      number = number + 1
      local path = ("%s/%d"):format(directory, number)
      assert(recorder:save(path .. ".har"))
      assert(rill.har.page(path .. ".har", path .. ".html"))
      show({ client, recorder:entries() }, {})
      client:close()
      local conn, why = rill.connect(asked, { proxy = proxy, tls = { ca_file = ca } })
      show({ conn or false, why or false, conn and conn:frames() or false }, {})
      if conn then show({ conn:request { url = "/" } }, {}) conn:close() end
    end
  end
end)
tell "asked"
]]

local TOPICS = { "frames", "dial", "pool", "tls" }

-- Plain, and in base64.
local SECRETS = { "s3cret%-word", "czNjcmV0LXdvcmQ", "dXNlcjpzM2NyZXQtd29yZA", "zM2NyZXQtd29yZ" }

describe("a proxy's credentials", function()
  setup(support.begin)
  teardown(support.stop_all)

  it("appear in nothing that is shown", function()
    local nginx = support.nginx { files = { ["a.txt"] = 1000 } }
    local plain = support.http1 { ["/"] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi" }
    local list = {}
    for _, behaviour in ipairs { "http", "refuses", "nonsense", "midway" } do
      list[#list + 1] = ("http://user:s3cret-word@127.0.0.1:%d"):format(proxies.start(behaviour).port)
    end
    local socks, other = proxies.start("socks", "user:s3cret-word"), proxies.start("socks", "user:other")
    list[#list + 1] = ("socks5h://user:s3cret-word@127.0.0.1:%d"):format(socks.port)
    list[#list + 1] = ("socks5://user:s3cret-word@127.0.0.1:%d"):format(other.port)
    list[#list + 1] = ("http://user:s3cret-word@127.0.0.1:%d"):format(support.free_port())
    local directory = scratch.directory "secrets"
    local told = script.run(ASK, { nginx.url .. "/a.txt", plain.url .. "/", nginx.ca, directory,
      table.concat(list, " ") }, { environment = { "RILL_TRACE=" .. table.concat(TOPICS, ",") } })
    assert.equal("asked", told[#told])
    local shown = { table.concat(told, "\n") }
    for _, topic in ipairs(TOPICS) do assert.matches("\nrill [%d.]+ " .. topic .. " ", shown[1]) end
    for _, path in ipairs(support.find(directory)) do shown[#shown + 1] = support.read(path) end
    assert.is_true(#shown >= 1 + 2 * 2 * #list, #shown .. " texts")
    for _, text in ipairs(shown) do
      for _, secret in ipairs(SECRETS) do
        local at = text:find(secret)
        assert.is_nil(at, at and text:sub(math.max(1, at - 100), at + 100))
      end
    end
  end)
end)
