-- Tasks that have not begun, while more requests wait than can be sent.
local support = require "support"
local rill = require "rill"

describe("a crowd of tasks", function()
  local CROWD, PASS, STREAMS = 1000, 256, 100
  local TASKS = 20000
  local server

  setup(function() server = support.node { script = "held.js" } end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  -- Spawns TASKS that each ask for a page which is never answered. Returns them, and which one began `last`.
  local function spawn_all(client)
    local tasks, begun = {}, { last = 0 }
    for i = 1, TASKS do
      tasks[i] = rill.spawn(function(number)
        assert.equal(begun.last + 1, number)
        begun.last = number
        return client:get(server.url .. "/held")
      end, i)
    end
    return tasks, begun
  end

  it("begins in order, held back or not", function()
    local nghttpd = support.nghttpd { files = { page = "here" } }
    local client = support.client { tls = { ca_file = nghttpd.ca } }
    support.run(function()
      local order, most, tasks = 0, 0, {}
      for i = 1, TASKS do
        tasks[i] = rill.spawn(function(number)
          order = order + 1
          assert.equal(order, number)
          local res = assert(client:get(nghttpd.url .. "/page"))
          most = math.max(most, client:stats().pending)
          return res.status
        end, i)
      end
      for i = 1, TASKS do assert.equal(200, tasks[i]:join()) end
      assert.is_true(most >= CROWD / 2, most .. " at most: nothing was held back")
    end)
    nghttpd:stop()
  end)

  it("is held back when 1,000 requests wait, but begins where nothing is ever answered", function()
    local client = support.client()
    support.run(function()
      local tasks, begun = spawn_all(client)
      rill.sleep(0)
      assert.is_true(begun.last >= CROWD and begun.last <= CROWD + PASS + STREAMS, begun.last .. " have begun")
      support.wait(function() return begun.last == TASKS end, 15)
      assert.is_true(client:stats().pending > TASKS - 200)
      for i = 1, TASKS do tasks[i]:cancel() end
    end)
  end)

  it("is none where connections are coming for all of them", function()
    local ORIGINS = 30
    local resolve, urls, begun = {}, {}, 0
    for i = 1, ORIGINS do
      local authority = ("o%d.test:%d"):format(i, server.port)
      resolve[authority], urls[i] = "127.0.0.1:" .. server.port, "https://" .. authority .. "/held"
    end
    local client = support.client { resolve = resolve, max_streams = STREAMS,
      tls = { ca_file = server.ca, server_name = "localhost" } }
    support.run(function()
      local tasks = {}
      for i = 1, ORIGINS * STREAMS do
        tasks[i] = rill.spawn(function()
          begun = begun + 1
          client:get(urls[i % ORIGINS + 1])
        end)
      end
      rill.sleep(0)
      assert.equal(ORIGINS * STREAMS, begun)
      for i = 1, #tasks do tasks[i]:cancel() end
    end)
  end)

  it("does not keep those waiting whom somebody waits for", function()
    local client = support.client()
    support.run(function()
      local tasks, begun = spawn_all(client)
      rill.sleep(0)
      assert.equal("done", rill.timeout(1, function() return "done" end))
      assert.same({ { "first" }, { "second" } },
        rill.all { function() return "first" end, function() return "second" end })
      assert.equal("child", rill.spawn(function() return "child" end):join())
      tasks[TASKS]:cancel()
      local _, err = tasks[TASKS]:join()
      assert.equal("cancelled", err.reason)
      assert.is_true(begun.last < TASKS - 1, "all had begun")
      for i = 1, TASKS do tasks[i]:cancel() end
    end)
  end)

  it("goes with the first task that fails, begun or not", function()
    local client, begun = support.client(), nil
    local ok, err = pcall(rill.run, function()
      begun = select(2, spawn_all(client))
      rill.sleep(0)
      error "enough"
    end)
    assert.is_false(ok)
    assert.matches("enough", err)
    assert.is_true(begun.last < TASKS, "all had begun")
  end)
end)
