-- How many TLS handshakes are under way at a time: GATE_MOST, and more by and by while those get no answer.
local process = require "support.process"
local rill = require "rill"
local script = require "support.script"
local support = require "support"
local tcp = require "support.tcp"

local MOST, BEYOND = 64, 6
local ORIGINS = MOST + BEYOND

-- Asks so many origins that are one silent server, and then one that answers.
local ASK = [[
local port, url, ca, origins = ...
rill.run(function()
  local resolve, tasks = {}, {}
  for i = 1, origins do resolve[("o%d.test:443"):format(i)] = "127.0.0.1:" .. port end
  local client = rill.client { resolve = resolve, tls = { ca_file = ca }, connect_timeout = 80, timeout = 80 }
  for i = 1, origins do
    tasks[i] = rill.spawn(function() client:get(("https://o%d.test/"):format(i)) end)
  end
  rill.sleep(0) -- they come first
  tell("status", assert(client:get(url)).status)
  for i = 1, origins do tasks[i]:cancel() end
end)
]]

describe("TLS handshakes", function()
  local silent, node

  setup(function()
    silent = tcp.start "silent"
    node = support.node()
  end)

  teardown(function()
    silent:stop()
    node:stop()
  end)

  before_each(support.begin)
  after_each(support.check_clean)

  it("wait where many are under way, and go on while those get no answer", function()
    local child = script.start(ASK, { tostring(silent.port), node.url .. "/echo", node.ca, tostring(ORIGINS) },
      { environment = { "RILL_TRACE=dial" } })
    assert.equal(0, child:wait(80), child:output())
    assert.matches("\nstatus 200\n", child:output())
    local _, waited = child:output():gsub("waits: %d+ TLS handshakes are under way\n", "")
    assert.is_true(waited >= BEYOND, waited .. " have waited")
  end)

  it("have all of connect_timeout, however long they wait for others", function()
    -- make asan has built the program too, with flags that are not known here.
    local build = os.getenv "RILL_SANITIZED" and "build/asan" or "build"
    support.make(build .. "/held_dial", "BUILD=" .. build)
    local child = process.start({ build .. "/held_dial" }, support.directory "held_dial" .. "/output")
    assert.equal(0, child:wait(80), child:output())
    assert.equal("waits: held\nlet in: says hello\nthen: timeout in phase tls\n", child:output())
  end)

  it("are all begun though the first ones get no answer", function()
    local before = #silent:events()
    support.run(function()
      local clients, tasks = {}, {}
      for i = 1, ORIGINS do
        clients[i] = support.client { resolve = { ["a.test:443"] = "127.0.0.1:" .. silent.port }, connect_timeout = 50 }
        tasks[i] = rill.spawn(function() return clients[i]:get "https://a.test/" end)
      end
      support.wait(function()
        local heard = 0
        local events = silent:events()
        for i = before + 1, #events do
          if events[i].event == "heard" then heard = heard + 1 end
        end
        return heard >= ORIGINS
      end, 40, "all handshakes")
      for i = 1, ORIGINS do tasks[i]:cancel() end
    end, 50)
  end)
end)
