-- Events that a handler keeps, what it finds in them, and where one of two that come together goes wrong.
local rill = require "rill"
local support = require "support"

local PHASES = { "queue", "dns", "connect", "tls", "wait", "body", "stalled_local", "stalled_remote", "total" }

local function fields(event)
  local names = {}
  for name in pairs(event) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, " ")
end

describe("an event that is kept", function()
  local server

  setup(function() server = support.node() end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("keeps its values when thousands have come after it", function()
    local kept, copies = {}, {}
    local client = support.client { on_event = function(event)
      local copy = {}
      for name, value in pairs(event) do copy[name] = value end
      kept[#kept + 1], copies[#copies + 1] = event, copy
    end }
    support.run(function()
      for round = 1, 30 do
        local tasks = {}
        for i = 1, 50 do
          tasks[i] = rill.spawn(client.get, client, ("%s/%d?round=%d"):format(server.url, i, round))
        end
        for i = 1, 50 do assert(tasks[i]:join()) end
      end
    end, 30)
    assert.is_true(#kept >= 30 * 50 * 4)
    local urls = {}
    for i, event in ipairs(kept) do
      for name, value in pairs(copies[i]) do
        if event[name] ~= value then error(("%s of event %d has changed"):format(name, i)) end
      end
      if event.type == "done" then
        urls[event.url] = (urls[event.url] or 0) + 1
        assert.equal(event.total, event.timings.total)
      end
    end
    for round = 1, 30 do
      for i = 1, 50 do assert.equal(1, urls[("%s/%d?round=%d"):format(server.url, i, round)]) end
    end
  end)

  it("shows its fields to pairs(), and those of its type alone", function()
    local found = {}
    local client = support.client { on_event = function(event) found[event.type] = fields(event) end }
    support.run(function() assert(client:get(server.url .. "/")) end)
    assert.equal("client method time type url", found.request)
    assert.equal("attempt client connection stream time type url", found.sent)
    assert.equal("client connection status stream time type url", found.head)
    assert.equal("body bytes_received client close_reason connect connection dns queue stalled_local stalled_remote "
      .. "status stream time tls total type url wait", found.done)
    assert.equal("address client connection time type", found.dial)
  end)

  it("has `timings` as a table of its own, which pairs() shows once it was read", function()
    local done = {}
    local client = support.client { on_event = function(event)
      if event.type == "done" then done[#done + 1] = event end
    end }
    local first = support.run(function()
      local res = assert(client:get(server.url .. "/"))
      assert(client:get(server.url .. "/"))
      return res
    end)
    assert.same(first.timings, done[1].timings)
    assert.equal(done[1].timings, rawget(done[1], "timings"))
    assert.not_equal(done[1].timings, done[2].timings)
    for _, phase in ipairs(PHASES) do assert.equal(done[1][phase], done[1].timings[phase]) end
    assert.is_nil(done[1].no_such_field)
  end)

  it("is told when the hook has raised for the one before it, which came with it", function()
    local types, former, told = {}, rill.on_error, 0
    rill.on_error = function() told = told + 1 end
    local client = support.client { on_event = function(event)
      types[#types + 1] = event.type
      if event.type == "head" then error "not this one" end
    end }
    support.run(function() assert(client:get(server.url .. "/")) end)
    rill.on_error = former
    assert.equal("head done", table.concat(types, " "):match "head.*$")
    assert.equal(1, told)
  end)

  it("is told once, and in order, where the hook's own calls take what is left", function()
    local types, client, begun = {}, nil, nil
    client = support.client { on_event = function(event)
      types[#types + 1] = event.type .. " " .. (event.url or ""):match "[^/]*$"
      if event.type == "head" and not begun then
        begun = client:open { url = server.url .. "/more" }
        client:stats()
      end
    end }
    support.run(function()
      assert(client:get(server.url .. "/first"))
      assert.equal("ended", begun:closed() and begun.close_reason)
    end)
    local seen = {}
    for _, each in ipairs(types) do seen[each] = (seen[each] or 0) + 1 end
    for _, type in ipairs { "request", "sent", "head", "done" } do
      assert.equal(1, seen[type .. " first"], type)
      assert.equal(1, seen[type .. " more"], type)
    end
    assert.equal("head first, done first", table.concat(types, ", "):match "head first, [^,]*")
  end)

  it("reports a wait that the hook has caught, and what it raises in another event", function()
    local told, former = {}, rill.on_error
    rill.on_error = function(message) told[#told + 1] = message end
    local client = support.client { on_event = function(event)
      if event.type == "request" then pcall(rill.sleep, 0) end
      if event.type == "done" then error "no thanks" end
    end }
    support.run(function() assert(client:get(server.url .. "/")) end)
    rill.on_error = former
    assert.equal(2, #told)
    assert.matches("may not wait", told[1])
    assert.matches("no thanks", told[2])
  end)

  it("is reported by an on_error that waits, whatever the hook has raised, and nothing is held up", function()
    local told, former = {}, rill.on_error
    rill.on_error = function(message)
      rill.sleep(0)
      told[#told + 1] = message
    end
    local broken = setmetatable({}, { __tostring = function() error "no text" end })
    local client = support.client { on_event = function(event)
      if event.type == "done" then error(broken) end
    end }
    support.run(function()
      for _ = 1, 3 do assert(client:get(server.url .. "/")) end
      rill.sleep(0)
    end)
    rill.on_error = former
    assert.equal(3, #told)
    assert.matches("whose __tostring raises", told[1])
  end)
end)
