-- A crawl's state in Redis: many workers, and what goes wrong there.
local dkjson = require "dkjson"
local process = require "support.process"
local rill = require "rill"
local site = require "support.site"
local support = require "support"
local tree = require "support.tree"
local wire = require "rill.crawl.frontier.wire"

local PAGES = 300

-- The command rill, under `make asan` with the sanitizers.
local function rill_command(...)
  local argv = { "env", unpack(process.sanitizers()) }
  for _, word in ipairs { "luajit", "bin/rill", ... } do argv[#argv + 1] = word end
  return argv
end

describe("a crawl with its state in Redis", function()
  local server, directory, redis, children

  local function serve(given)
    server = tree.serve { pages = PAGES, gate = directory .. "/gate", wanted = given.wanted, hold = given.hold }
  end

  before_each(function()
    support.begin()
    directory, children = support.directory "shared", {}
    serve {}
    redis = support.redis()
  end)
  after_each(function()
    for _, child in ipairs(children) do child:stop() end
    server:stop()
    redis:stop()
    support.check_clean()
  end)

  -- From here on workers wait for each other.
  local function gather(count)
    server:stop()
    serve { wanted = count }
  end

  -- No worker can have finished before release().
  local function hold(count)
    server:stop()
    serve { hold = count }
  end

  local function release()
    support.write(directory .. "/gate", "")
  end

  local function options(more)
    local all = { start = server.url .. "/", state = redis:state "site", robots = false, progress = false,
      out = directory .. "/items.jsonl", client = { tls = { ca_file = server.ca } }, traps = false, lease = 60 }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  local function run(more)
    return support.run(function() return require "rill.crawl"(options(more)) end, 60)
  end

  local function worker(name, lua)
    local argv = { "env", unpack(process.sanitizers()) }
    local script = support.write(directory .. "/" .. name .. ".lua", [[
      package.path = "./lua/?.lua;./lua/?/init.lua;" .. package.path
      local url, ca, state, out, name = unpack(arg)
      local done, err = require "rill.crawl" { start = url .. "/", state = state, out = out, worker = name, lease = 60,
        robots = false, progress = false, traps = false, client = { tls = { ca_file = ca }, user_agent = name },
        concurrency = 2, per_origin = { concurrency = 8 },
        ]] .. (lua or "") .. [[ }
      if not done then io.stderr:write(tostring(err), "\n") os.exit(4, true) end
      print(done.reason, done.pages, done.items)]])
    for _, word in ipairs { "luajit", script, server.url, server.ca, redis:state "site",
      directory .. "/items.jsonl", name } do
      argv[#argv + 1] = word
    end
    local child = process.start(argv, directory .. "/" .. name .. ".output")
    children[#children + 1] = child
    return child
  end

  local function wait_for(child)
    assert.equal(0, child:wait(60), child:output())
    assert.equal(("finished\t%d\t%d\n"):format(PAGES, PAGES), child:output():match "finished\t.*$")
  end

  local function asked_by(name)
    local count = 0
    for _, event in ipairs(server:events()) do
      if event.agent == name then count = count + 1 end
    end
    return count
  end

  local function joined()
    assert(require("rill.crawl").join(redis:state "site", directory .. "/items.jsonl"))
    local seen = {}
    local lines = site.lines(directory .. "/items.jsonl")
    for _, item in ipairs(lines) do
      assert.is_nil(seen[item.url], item.url)
      seen[item.url] = true
    end
    return #lines
  end

  local function wait_until_asked(count)
    support.wait(function() return #site.asked(server) >= count end, 30, "pages to be asked for")
  end

  it("is one crawl for all workers: each page once, and the same summary", function()
    gather(3)
    local list = { worker "a", worker "b", worker "c" }
    for _, child in ipairs(list) do wait_for(child) end
    assert.equal(PAGES, #site.asked(server))
    assert.equal(PAGES, joined())
  end)

  it("loses nothing when a worker is killed and another one stands still past its lease", function()
    gather(2)
    local killed, still = worker("a", "lease = 2,"), worker("b", "lease = 2,")
    support.wait(function() return asked_by "a" > 5 and asked_by "b" > 5 end, 30, "both to work")
    still:signal "STOP"
    killed:signal "KILL"
    wait_for(worker "c") -- what they had has come back to it
    still:signal "CONT"
    wait_for(still)
    assert.equal(PAGES, joined())
  end)

  it("goes on when all were killed, twice", function()
    for _, more in ipairs { 20, 60 } do
      local list = { worker "a", worker "b" }
      wait_until_asked(more)
      for _, child in ipairs(list) do
        child:signal "KILL"
        child:wait(10)
      end
    end
    wait_for(worker "c")
    assert.equal(PAGES, joined())
  end)

  it("goes on when Redis was restarted, and nothing was lost there", function()
    redis:stop()
    redis = support.redis { save = true }
    local list = { worker "a", worker "b" }
    wait_until_asked(50)
    redis:restart()
    for _, child in ipairs(list) do wait_for(child) end
    assert.equal(PAGES, joined())
  end)

  it("ends when its keys are gone: it fetches nothing twice", function()
    local child = worker("a", "per_origin = { concurrency = 1, delay = 0.2 },")
    wait_until_asked(5)
    redis:cli "FLUSHALL"
    assert.equal(4, child:wait(30))
    assert.matches("the state is gone", child:output())
    assert.equal("0", redis:cli("EXISTS", "{site}:conf"))
  end)

  it("ends after `unreachable` when Redis does not come back", function()
    local child = worker("a", "unreachable = 0.3, per_origin = { concurrency = 1, delay = 0.2 },")
    wait_until_asked(5)
    redis:stop()
    assert.equal(4, child:wait(30))
    assert.matches("not reached for 0.3 s", child:output())
    redis = support.redis()
  end)

  it("stops at once where nothing can be reached, and shows no password", function()
    local done, err = run { state = "redis://user:secret@127.0.0.1:" .. support.free_port() .. "/?name=x" }
    assert.is_nil(done)
    assert.same({ "state", "unreachable" }, { err.reason, err.kind })
    assert.is_nil(tostring(err):find("secret", 1, true))
    assert.matches("^Redis at 127%.0%.0%.1:%d+: Connection refused$", err.message)
    local read, why = require("rill.crawl").status("redis://127.0.0.1:" .. support.free_port() .. "/?name=x")
    assert.is_nil(read)
    assert.equal("unreachable", why.kind)
    read, why = require("rill.crawl").status(redis:state "nothing")
    assert.is_nil(read)
    assert.equal("none", why.kind)
  end)

  it("is asked again after a task was cancelled in the middle of a call", function()
    local client = require("rill.redis").new(require("rill.redis").parse(redis:state "site"))
    support.run(function()
      for _, wait in ipairs { 0, 1 } do -- before it is connected, and with an answer on its way
        local task = rill.spawn(client.call, client, { "BLPOP", "nothing", "0" })
        for _ = 0, wait do rill.sleep(0) end
        task:cancel()
        task:join()
        assert.equal("PONG", client:call { "PING" })
      end
      client:close()
    end)
  end)

  it("keeps an origin's limit for all workers together", function()
    gather(2)
    local list = { worker("a", "per_origin = { concurrency = 3 },"), worker("b", "per_origin = { concurrency = 3 },") }
    for _, child in ipairs(list) do wait_for(child) end
    for _, event in ipairs(server:events()) do assert.is_true((event.most or 0) <= 3, event.most) end
  end)

  it("counts max_pages over all workers, and goes on with a higher one", function()
    local list = { worker("a", "max_pages = 40,"), worker("b", "max_pages = 40,") }
    for _, child in ipairs(list) do
      assert.equal(0, child:wait(60), child:output())
      assert.equal("max_pages\t40\t40\n", child:output():match "max_pages\t.*$")
    end
    assert.equal(40, #site.asked(server))
    local done = assert(run { worker = "c" })
    assert.same({ "finished", PAGES }, { done.reason, done.pages })
    assert.equal(PAGES, joined())
  end)

  it("joins no crawl that has another key or format, and writes over nothing that is not its own", function()
    assert(run { max_pages = 3, worker = "a" })
    local function kind(more)
      local done, err = run(more)
      assert.is_nil(done)
      assert.equal("state", err.reason)
      return err.kind
    end
    assert.equal("key", kind { key = { sort_query = false }, worker = "b" })
    redis:cli("HSET", "{site}:conf", "format", "99")
    assert.equal("version", kind { worker = "b" })
    redis:cli("SET", "{other}:due", "mine")
    assert.equal("corrupt", kind { state = redis:state "other" })
    assert.equal("mine", redis:cli("GET", "{other}:due"))
    redis:cli("HSET", "{third}:conf", "colour", "blue")
    assert.equal("corrupt", kind { state = redis:state "third" })
    assert.equal("recrawl", kind { recrawl = true, state = redis:state "fourth" })
    assert.equal("url", kind { state = "redis://127.0.0.1" })
  end)

  it("has one worker of a name at a time", function()
    local child = worker("a", "per_origin = { concurrency = 1, delay = 0.2 },")
    wait_until_asked(2)
    local done, err = run { worker = "a" }
    assert.is_nil(done)
    assert.equal("worker", err.kind)
    child:signal "KILL"
    child:wait(10)
    assert.equal("finished", assert(run { worker = "a" }).reason) -- its process is gone: the name is free
  end)

  -- A worker joins, which knows of a dead "a", and does no more.
  local function join_as(name)
    local function kept(field) return redis:cli("HGET", "{site}:conf", field) end
    local format, key, conf = kept "format", kept "key", kept "conf"
    return rill.run(function()
      local state = assert(wire.open(redis:state "site"))
      local answer = assert(state:script("open", { "1-1", format, key, "1", conf, name, name .. "'s", "2", "0", "0",
        "", "0", "a", "the one that died" }))
      state:close()
      return answer
    end)
  end

  it("ends where another worker has taken its name while it stood still, and leaves that one's files alone", function()
    hold(20)
    local still = worker("a", "lease = 2,")
    wait_until_asked(20)
    still:signal "STOP"
    release()
    local function field(name) return redis:cli("HGET", "{site}:w:a", name) end
    support.wait(function()
      join_as "b" -- a Redis that nobody has asked for 5 s was away, and its workers have more time
      return tonumber(field "alive") < tonumber((redis:cli("TIME"):match "%d+"))
    end, 30, "its name to be free")
    local owner, other = field "owner", worker "a"
    support.wait(function()
      join_as "b"
      return field "owner" ~= owner or other:ended()
    end, 30, "its name to be taken")
    wait_for(other)
    still:signal "CONT"
    assert.equal(4, still:wait(60), still:output())
    assert.matches("another worker has taken the name", still:output())
    assert.equal(PAGES, joined())
  end)

  it("keeps nothing of a worker without files: not a day longer when it was killed", function()
    hold(20)
    local killed = worker("a", "out = function() end,")
    wait_until_asked(20)
    killed:signal "KILL"
    killed:wait(10)
    release()
    local left = tonumber(redis:cli("TTL", "{site}:w:a"))
    assert.is_true(left > 86400 - 600 and left <= 86400, tostring(left))
    assert.equal("finished", assert(run { worker = "b", out = function() end }).reason)
    assert.equal("", redis:cli("SMEMBERS", "{site}:workers"))
    assert.equal("0", redis:cli("EXISTS", "{site}:w:a", "{site}:w:b"))
    assert.equal("2", redis:cli("HGET", "{site}:conf", "joined"))
  end)

  it("keeps how much of a worker's files is committed for as long as there is the crawl", function()
    hold(20)
    local killed = worker "a"
    wait_until_asked(20)
    killed:signal "KILL"
    killed:wait(10)
    release()
    wait_for(worker "b")
    for _, name in ipairs { "a", "b" } do assert.equal("-1", redis:cli("TTL", "{site}:w:" .. name)) end
    assert.equal("0", redis:cli("HEXISTS", "{site}:w:b", "alive"))
    assert.equal(PAGES, joined())
  end)

  it("keeps that too of a worker that a rill without the field `files` has left", function()
    hold(20)
    local killed = worker "a"
    wait_until_asked(20)
    killed:signal "KILL"
    killed:wait(10)
    release()
    redis:cli("HDEL", "{site}:w:a", "files")
    wait_for(worker "b")
    assert.equal("1", redis:cli("HGET", "{site}:w:a", "files"))
    assert.equal(PAGES, joined())
  end)

  it("notes no file for a worker whose name another one has taken", function()
    assert(run { max_pages = 5, worker = "a" })
    redis:cli("HSET", "{site}:w:a", "owner", "the one that lives")
    local run_of = redis:cli("HGET", "{site}:conf", "run")
    rill.run(function()
      local state = assert(wire.open(redis:state "site"))
      local answer, err = state:step("register", run_of .. " the one that stood still", "a", { "late.jsonl", "0" })
      state:close()
      assert.is_nil(answer)
      assert.equal("worker", err.kind)
    end)
    assert.equal("0", redis:cli("HEXISTS", "{site}:w:a", "out:late.jsonl"))
  end)

  it("is removed as doc/many-machines.md says, all of it and nothing else", function()
    local command = assert(support.read "doc/many-machines.md":match "\n +(redis%-cli %-%-scan [^\n]*)")
    assert(run { worker = "a", warc = directory .. "/site" })
    redis:cli("SET", "{site2}:conf", "mine")
    assert.is_true(tonumber(redis:cli "DBSIZE") > 5)
    local own = ("redis-cli -s '%s'"):format(redis.socket)
    assert.equal(0, os.execute(command:gsub("redis%-cli", own) .. " >/dev/null"))
    assert.equal("{site2}:conf", redis:cli("KEYS", "*"))
  end)

  it("leaves a worker alone that has taken a dead one's name since somebody looked", function()
    assert(run { max_pages = 5, worker = "a" })
    redis:cli("HSET", "{site}:w:a", "owner", "the one that lives", "alive", "4000000000")
    assert.equal("ok", join_as "b"[1])
    assert.equal("4000000000", redis:cli("HGET", "{site}:w:a", "alive"))
    local answer = join_as "a"
    assert.same({ "worker", "the one that lives" }, { answer[1], answer[2] })
  end)

  it("goes on with a worker that was forgotten while it stood still", function()
    hold(20)
    local still = worker("a", "out = function() end, lease = 2,")
    wait_until_asked(20)
    still:signal "STOP"
    release()
    redis:cli("DEL", "{site}:w:a")
    wait_for(worker("b", "out = function() end,"))
    still:signal "CONT"
    wait_for(still)
  end)

  it("ends with kind full where Redis has no room, and goes on when there is some", function()
    assert(run { max_pages = 5, worker = "a" })
    redis:cli("CONFIG", "SET", "maxmemory", "1")
    local done, err = run { worker = "a" }
    assert.is_nil(done)
    assert.same({ "state", "full" }, { err.reason, err.kind })
    redis:cli("CONFIG", "SET", "maxmemory", "0")
    assert.equal("finished", assert(run { worker = "a" }).reason)
    assert.equal(PAGES, joined())
  end)

  it("uses a password, and a wrong one is an error", function()
    redis:cli("CONFIG", "SET", "requirepass", "pass%")
    local socket = redis.socket
    local done, err = run {}
    assert.is_nil(done)
    assert.equal("auth", err.kind)
    assert.is_not_nil(socket)
  end)

  it("what stops one worker stops all", function()
    local child = worker("a", "per_origin = { concurrency = 1, delay = 0.2 },")
    wait_until_asked(3)
    local seen = 0
    local done = support.run(function()
      local crawl
      crawl = require("rill.crawl").new(options { worker = "b", per_origin = { concurrency = 1, delay = 0.2 },
        page = function()
          seen = seen + 1
          crawl:stop "enough"
        end })
      return assert(crawl:run())
    end, 60)
    assert.equal("enough", done.reason)
    assert.equal(0, child:wait(60), child:output())
    assert.matches("^enough", child:output())
  end)

  it("`rill status` and `rill join` read it while it runs", function()
    local child = worker("a", "per_origin = { concurrency = 1, delay = 0.2 },")
    wait_until_asked(5)
    local path = directory .. "/status"
    local status = process.start(rill_command("status", redis:state "site", "--json"), path)
    assert.equal(0, status:wait(20), status:output())
    local shown = assert(dkjson.decode(status:output()))
    assert.is_true(shown.pages < PAGES and shown.queued > 0)
    local join = process.start(rill_command("join", redis:state "site", directory .. "/items.jsonl"),
      directory .. "/join")
    assert.equal(0, join:wait(20), join:output())
    for _, item in ipairs(site.lines(directory .. "/items.jsonl")) do assert.is_string(item.url) end
    child:signal "TERM"
    child:wait(20)
    join = process.start(rill_command("join", redis:state "site", directory .. "/other.jsonl"), directory .. "/join2")
    assert.equal(4, join:wait(20))
    assert.matches("no worker of .* writes other.jsonl", join:output())
  end)

  it("asks again for what it remembers, by ETag, once for all workers", function()
    server:stop()
    server = site.start [[(path, headers) => {
      const etag = path === '/changes' ? String(Math.random()) : path;
      if (headers['if-none-match'] === etag) return { status: 304 };
      return { headers: { etag }, body: path === '/' ? '<a href="/changes"><a href="/same">' : path + Math.random() };
    }]]
    local first = assert(run { remember = true, expect = 1e5, worker = "a" })
    assert.equal(3, first.pages)
    local seen = {}
    local again = assert(run { remember = true, recrawl = true, worker = "b",
      page = function(page) seen[#seen + 1] = page.url:match "/%a+$" end })
    assert.same({ 3, 2, 1, 1 }, { again.pages, again.unchanged, again.changed, again.ok })
    assert.same({ "/changes" }, seen)
    assert.equal(6, #site.asked(server))
    redis:cli "FLUSHALL"
    assert(run { worker = "c" })
    local done, err = run { remember = true, recrawl = true, worker = "d" }
    assert.is_nil(done)
    assert.equal("recrawl", err.kind)
  end)

  it("the example in shell starts workers and joins what they have written", function()
    if os.getenv "RILL_SANITIZED" then return pending "a shell does not run there" end
    local function shell(name, join, folder)
      os.execute("mkdir -p " .. folder)
      local child = process.start({ "env", "RILL=luajit bin/rill", "WORKER=" .. name, "JOIN=" .. join, "sh",
        "examples/many-machines/workers.sh", "2", redis:state "shell", folder .. "/items.jsonl", server.url .. "/",
        "--ca", server.ca, "--no-robots", "--no-traps", "--concurrency", "2" }, folder .. "/output")
      children[#children + 1] = child
      assert.equal(0, child:wait(60), child:output())
    end
    shell("m", "yes", directory)
    assert.equal(PAGES, #site.lines(directory .. "/items.jsonl"))
    shell("other", "no", directory .. "/elsewhere") -- the files of m are not there
    assert.is_nil(io.open(directory .. "/elsewhere/items.jsonl"))
  end)

  it("goes on with the start URLs and options that the state has", function()
    assert(run { max_pages = 3, worker = "a" })
    local done = support.run(function()
      return require "rill.crawl" { state = redis:state "site", worker = "a", progress = false,
        client = { tls = { ca_file = server.ca } }, max_pages = PAGES }
    end, 60)
    assert.same({ "finished", PAGES }, { done and done.reason, done and done.pages })
    assert.is_true(rill.now() > 0)
  end)
end)
