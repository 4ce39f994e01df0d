-- Each connection that opened has one `closed`, however it ends; each dial comes to one end.
local rill = require "rill"
local support = require "support"

-- What is wrong with the events of connections: nil for nothing.
local function flaw(events)
  local states = {}
  for _, event in ipairs(events) do
    local number = event.connection
    if event.type == "dial" then
      if states[number] then return number .. " is dialled again" end
      states[number] = "dialled"
    elseif event.type == "connected" or event.type == "failed" then
      if states[number] ~= "dialled" then return ("%s: %s is %s"):format(event.type, number, states[number]) end
      states[number] = event.type
    elseif event.type == "closed" then
      if states[number] ~= "connected" then return ("closed: %s is %s"):format(number, states[number]) end
      states[number] = "closed"
    end
  end
  for number, state in pairs(states) do
    if state == "dialled" or state == "connected" then return ("%s is left %s"):format(number, state) end
  end
end

local function unended(events)
  local left = 0
  for _, event in ipairs(events) do
    left = left + (event.type == "request" and 1 or event.type == "done" and -1 or 0)
  end
  return left
end

describe("the end of a connection", function()
  local server, http1

  setup(function()
    server = support.node()
    http1 = support.http1 { ["/"] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi" }
  end)
  teardown(function()
    server:stop()
    http1:stop()
  end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function seen(fn)
    local events = {}
    support.run(function() fn(function(event) events[#events + 1] = event end) end)
    assert.is_nil(flaw(events))
    assert.equal(0, unended(events))
    return events
  end

  it("is shown when a client closes: idle, in the middle of a request, still dialling", function()
    for _, url in ipairs { server.url, http1.url } do
      seen(function(hook)
        local client = support.client { on_event = hook }
        assert(client:get(url .. "/"))
        client:close()
      end)
      seen(function(hook)
        local client = support.client { on_event = hook }
        assert(client:get(url .. "/"))
        client:open { url = url .. "/" }
        client:close()
      end)
      seen(function(hook)
        local client = support.client { on_event = hook }
        client:open { url = url .. "/" }
        client:close()
      end)
    end
  end)

  it("is shown when it goes through a proxy", function()
    local proxy = require("support.proxy").start()
    seen(function(hook)
      local client = support.client { on_event = hook, proxy = proxy.url }
      assert(client:get(server.url .. "/"))
      client:close()
    end)
    proxy:stop()
  end)

  it("is shown when one's own connection closes or drains, with streams that are open or wait", function()
    seen(function(hook)
      local conn = support.connect(server.url, { on_event = hook })
      assert(conn:request { url = "/" })
      conn:close()
    end)
    seen(function(hook)
      local conn = support.connect(server.url, { on_event = hook, max_streams = 1 })
      for _ = 1, 3 do conn:open { url = "/" } end
      conn:close()
    end)
    seen(function(hook)
      local conn = support.connect(server.url, { on_event = hook })
      conn:open { url = "/" }
      conn:drain()
      conn:close()
    end)
  end)

  it("is shown when a hook closes its own client", function()
    local client
    local events = seen(function(hook)
      client = support.client { on_event = function(event)
        hook(event)
        if event.type == "done" then client:close() end
      end }
      client:get(server.url .. "/")
      rill.sleep(0)
    end)
    assert.equal("closed", events[#events].type)
  end)
end)
