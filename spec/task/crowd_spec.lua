-- Tasks that have not begun, while more requests wait than can be sent.
local support = require "support"
local rill = require "rill"

describe("a crowd of tasks", function()
  local BULK, PASS, STREAMS = 1000, 256, 100
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
      assert.is_true(most >= BULK / 2, most .. " at most: nothing was held back")
    end)
    nghttpd:stop()
  end)

  it("is held back, but for the first 1,000, and begins where nothing is ever answered", function()
    local client = support.client()
    support.run(function()
      local tasks, begun = spawn_all(client)
      rill.sleep(0)
      assert.is_true(begun.last >= BULK and begun.last <= BULK + PASS + STREAMS, begun.last .. " have begun")
      support.wait(function() return begun.last == TASKS end, 15)
      assert.is_true(client:stats().pending > TASKS - 200)
      for i = 1, TASKS do tasks[i]:cancel() end
    end)
  end)

  it("is not let in because nothing happens for a moment: others may have the processors", function()
    local client = support.client()
    support.run(function()
      local tasks, begun = spawn_all(client)
      rill.sleep(0)
      local before = begun.last
      rill.sleep(0.05) -- at most 50 looks at the network, fewer on a busy machine, and some while it connects
      assert.is_true(begun.last - before <= 2 * PASS, begun.last - before .. " have begun")
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
      assert.equal("done", rill.timeout(60, function() return "done" end))
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

  it("is collected early as long as it waits, and then as the script has set", function()
    local client, usual = support.client(), { collectgarbage("setpause", 190), collectgarbage("setstepmul", 210) }
    local function settings(pause, stepmul)
      return { collectgarbage("setpause", pause), collectgarbage("setstepmul", stepmul) }
    end
    support.run(function()
      local tasks, begun = spawn_all(client)
      rill.sleep(0)
      local meanwhile = settings(180, 1000)
      assert.is_true(meanwhile[1] < 190 and meanwhile[2] > 210)
      assert.is_true(begun.last < TASKS, "all had begun")
      for i = 1, TASKS do tasks[i]:cancel() end
    end)
    assert.same({ 180, 210 }, settings(usual[1], usual[2])) -- one was set by the script meanwhile
  end)

  it("is over for the collector too, however many there were", function()
    local nghttpd, usual = support.nghttpd { files = { page = "here" } }, collectgarbage("setpause", 190)
    local client = support.client { tls = { ca_file = nghttpd.ca }, per_origin = { concurrency = 8 } }
    support.run(function()
      for count = 2 * BULK, 2 * BULK + 16 do -- whatever they are taken by: the last of them may be the last of a pass
        local left, all = count, rill.queue()
        for _ = 1, count do
          rill.spawn(function()
            assert(client:get(nghttpd.url .. "/page"))
            left = left - 1
            if left == 0 then all:push(true) end
          end)
        end
        all:pop()
        assert.equal(190, collectgarbage("setpause", 190), count)
      end
    end)
    collectgarbage("setpause", usual)
    nghttpd:stop()
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

describe("tasks of a bulk", function()
  local BULK, MORE = 1000, 3000

  before_each(support.begin)
  after_each(support.check_clean)

  -- Runs fn(i) in so many tasks that are started at once. Returns which coroutine each had, in order, and the tasks.
  local function run_bulk(count, fn)
    local seen, tasks = {}, {}
    for i = 1, count do
      tasks[i] = rill.spawn(function(number)
        seen[number] = coroutine.running()
        return fn and fn(number)
      end, i)
    end
    for i = 1, count do tasks[i]:join() end
    return seen, tasks
  end

  local function different(seen, first, last)
    local count, known = 0, {}
    for i = first, last do
      if not known[seen[i]] then count = count + 1 end
      known[seen[i]] = true
    end
    return count
  end

  it("share coroutines where these have returned; others have their own, which are dead then", function()
    support.run(function()
      local seen = run_bulk(BULK + MORE)
      assert.equal(BULK, different(seen, 1, BULK))
      for i = 1, BULK do assert.equal("dead", coroutine.status(seen[i])) end
      assert.equal(1, different(seen, BULK + 1, BULK + MORE))
      assert.equal(BULK + 1, different(seen, 1, BULK + MORE))
    end)
  end)

  it("have coroutines of their own while they live", function()
    support.run(function()
      local seen = run_bulk(BULK + MORE, function() rill.sleep(0) end)
      assert.is_true(different(seen, BULK + 1, BULK + MORE) > 1)
      local live, most = {}, 0
      run_bulk(BULK + MORE, function()
        local co = coroutine.running()
        assert.is_nil(live[co])
        live[co], most = true, most + 1
        rill.sleep(0)
        live[co] = nil
      end)
      assert.equal(BULK + MORE, most)
    end)
  end)

  it("leave to none the coroutine of one that raised, was cancelled, or has changed its globals", function()
    support.run(function()
      for _, fn in ipairs {
        function() error "boom" end,
        function() error(rill.cancelled) end,
        function() setfenv(0, setmetatable({}, { __index = _G })) end,
      } do
        local seen, tasks = run_bulk(BULK + 20, function(number) return number > BULK and fn() end)
        assert.equal(20, different(seen, BULK + 1, BULK + 20))
        for i = 1, #tasks do tasks[i]:join() end
      end
    end)
  end)

  it("begin with the globals of the script", function()
    support.run(function()
      local strange = 0
      run_bulk(BULK + 20, function()
        if getfenv(0) ~= _G then strange = strange + 1 end
        setfenv(0, {})
      end)
      assert.equal(0, strange)
    end)
  end)

  it("end as what they are, with the results and errors that are theirs", function()
    support.run(function()
      local _, tasks = run_bulk(BULK + 40, function(number)
        if number % 4 == 1 then error("no " .. number, 0) end
        if number % 4 == 2 then rill.sleep(0) end
        return number % 4 ~= 3 and number or nil
      end)
      for i = BULK, BULK + 40 do
        local result, err = tasks[i]:join()
        if i % 4 == 1 then
          assert.same({ nil, "no " .. i }, { result, err.message })
        else
          assert.equal(i % 4 ~= 3 and i or nil, result)
        end
      end
    end)
  end)

  it("show where they raised and stand, and nothing of how they were started", function()
    support.run(function()
      local function work() error "boom" end
      local _, tasks = run_bulk(BULK + 2, work)
      local _, err = tasks[BULK + 2]:join()
      assert.matches("^[^\n]*crowd_spec.lua:%d+: boom$", err.message)
      assert.is_nil(err.traceback:find("task/root.lua", 1, true))
      assert.is_nil(err.traceback:find("xpcall", 1, true))
      assert.matches("in a task started at [^\n]*crowd_spec.lua", err.traceback)
      for i = 1, BULK + 1 do tasks[i] = rill.spawn(i > BULK and error or tostring, "plain") end
      assert.equal("plain", select(2, tasks[BULK + 1]:join()).message)
    end)
  end)

  it("hold nothing of those that have ended", function()
    support.run(function()
      local kept = setmetatable({}, { __mode = "k" })
      do
        local tasks = {}
        for i = 1, BULK + 20 do
          local given, result = {}, {}
          kept[given], kept[result] = true, true
          tasks[i] = rill.spawn(function() return given and result end, given)
          kept[tasks[i]] = true
        end
        for i = 1, #tasks do tasks[i]:join() end
      end
      rill.sleep(0)
      collectgarbage()
      collectgarbage()
      assert.is_nil((next(kept)))
    end)
  end)

  it("do not begin where a script resumes a coroutine that it has seen", function()
    support.run(function()
      local seen = run_bulk(BULK + 5)
      local co = seen[BULK + 1]
      assert.equal("suspended", coroutine.status(co))
      coroutine.resume(co)
      coroutine.resume(co, {}, print)
      local ran = run_bulk(BULK + 5)
      assert.equal(co, ran[BULK + 5])
    end)
  end)

  it("keep at most 1,000 coroutines, and none when no task is left", function()
    local kept = setmetatable({}, { __mode = "k" })
    support.run(function()
      run_bulk(2 * BULK + MORE, function() rill.sleep(0) kept[coroutine.running()] = true end)
      rill.sleep(0)
      collectgarbage()
      collectgarbage()
      local count = 0
      for _ in pairs(kept) do count = count + 1 end
      assert.equal(1000, count)
    end)
    collectgarbage()
    collectgarbage()
    assert.is_nil((next(kept)))
  end)
end)
