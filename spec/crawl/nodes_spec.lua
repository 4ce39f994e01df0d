-- A crawl's state in several Redis servers: each host belongs to one of them.
local nodes = require "rill.crawl.frontier.nodes"
local process = require "support.process"
local site = require "support.site"
local support = require "support"

local HOSTS, PAGES = 5, 24 -- of each host

-- Five hosts, by their port all the same server; each page leads to two of the next host, and to a page of its own.
local SITE = ([[
server.on('stream', (stream, headers) => {
  const path = headers[':path'], [host, port] = headers[':authority'].split(':'), n = Number(path.slice(1)) || 0;
  const names = ['a.test', 'b.test', 'c.test', 'www.test', 'localhost'];
  log({ path, host, agent: headers['user-agent'] });
  stream.on('error', () => {});
  const next = names[(names.indexOf(host) + 1) %% %d];
  const link = (to, m) => m < %d ? `<a href="https://${to}:${port}/${m || ''}">` : '';
  stream.respond({ ':status': 200, 'content-type': 'text/html' });
  stream.end(`<title>${host} ${n}</title>` + link(next, n) + link(next, n + 1) + link(host, n + 1));
});
]]):format(HOSTS, PAGES)

describe("a crawl with its state in several Redis servers", function()
  local server, directory, servers, children

  before_each(function()
    support.begin()
    directory, children, servers = support.directory "nodes", {}, {}
    server = support.node { source = SITE }
  end)
  after_each(function()
    for _, child in ipairs(children) do child:stop() end
    for _, each in ipairs(servers) do each:stop() end
    server:stop()
    support.check_clean()
  end)

  local function start(count, options)
    for i = 1, count do servers[i] = support.redis(options) end
  end

  local function state()
    local list = {}
    for i, each in ipairs(servers) do list[i] = each:state "site" end
    return list
  end

  local function allowed()
    local list = {}
    for _, host in ipairs { "a.test", "b.test", "c.test", "www.test", "localhost" } do
      list[#list + 1] = ("%s:%d"):format(host, server.port)
    end
    return list
  end

  local function resolve()
    local map = {}
    for _, host in ipairs(allowed()) do map[host] = "127.0.0.1" end
    return map
  end

  local function options(more)
    local all = { start = ("https://a.test:%d/"):format(server.port), state = state(), robots = false, lease = 60,
      progress = false, out = directory .. "/items.jsonl", traps = false, allow = allowed(), worker = "w",
      client = { tls = { ca_file = server.ca }, resolve = resolve(), deny_private = false } }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  local function run(more)
    return support.run(function() return require "rill.crawl"(options(more)) end, 60)
  end

  local function worker(name, more)
    local argv = { "env", unpack(process.sanitizers()) }
    local script = support.write(directory .. "/" .. name .. ".lua", [[
      package.path = "./lua/?.lua;./lua/?/init.lua;" .. package.path
      local json = require "rill.core.plain_json"
      local file = io.open(arg[1])
      local options = json.decode(file:read "*a")
      file:close()
      local done, err = require "rill.crawl"(options)
      if not done then io.stderr:write(tostring(err), " ", tostring(err.kind), "\n") os.exit(4, true) end
      print(done.reason, done.pages, done.items)]])
    local given = options(more)
    given.worker, given.client.user_agent, given.concurrency = name, name, 4
    local words = support.write(directory .. "/" .. name .. ".json", require("rill.core.plain_json").encode(given))
    for _, word in ipairs { "luajit", script, words } do argv[#argv + 1] = word end
    local child = process.start(argv, directory .. "/" .. name .. ".output")
    children[#children + 1] = child
    return child
  end

  local function wait_for(child)
    assert.equal(0, child:wait(60), child:output())
    assert.equal(("finished\t%d\t%d\n"):format(HOSTS * PAGES, HOSTS * PAGES), child:output():match "finished\t.*$")
  end

  local function asked()
    return #site.asked(server)
  end

  local function wait_until_asked(count)
    support.wait(function() return asked() >= count end, 30, "pages to be asked for")
  end

  local function joined()
    assert(require("rill.crawl").join(state(), directory .. "/items.jsonl"))
    local seen, lines = {}, site.lines(directory .. "/items.jsonl")
    for _, item in ipairs(lines) do
      assert.is_nil(seen[item.url], item.url)
      seen[item.url] = true
    end
    return #lines
  end

  it("is one crawl: every page once, on the node of its host, and the same counters for all", function()
    start(3)
    local done, err = run()
    assert.same({ "finished", HOSTS * PAGES, HOSTS * PAGES }, { done and done.reason or tostring(err),
      done and done.pages, done and done.items })
    assert.equal(HOSTS * PAGES, asked())
    assert.equal(HOSTS * PAGES, joined())
    local pages = 0
    for number, each in ipairs(servers) do
      pages = pages + (tonumber(each:cli("HGET", "{site}:stats", "pages")) or 0)
      for key in each:cli("KEYS", "{site}:o:*"):gmatch "[^\n]+" do
        assert.equal(number, nodes.number(key:match "https.*", 3), key)
      end
    end
    assert.equal(HOSTS * PAGES, pages)
    local read = assert(require("rill.crawl").status(state()))
    assert.same({ HOSTS * PAGES, 0, HOSTS }, { read.pages, read.queued, read.origins })
    local again = assert(run())
    assert.same({ "finished", HOSTS * PAGES, HOSTS * PAGES }, { again.reason, again.pages, asked() })
  end)

  it("ends for all workers at once, and keeps max_pages over all nodes", function()
    start(2)
    local list = { worker("a", { max_pages = 33 }), worker("b", { max_pages = 33 }) }
    for _, child in ipairs(list) do
      assert.equal(0, child:wait(60), child:output())
      assert.equal("max_pages\t33\t33\n", child:output():match "max_pages\t.*$")
    end
    assert.equal(33, asked())
    list = { worker "a", worker "b", worker "c" }
    for _, child in ipairs(list) do wait_for(child) end
    assert.equal(HOSTS * PAGES, asked())
    assert.equal(HOSTS * PAGES, joined())
  end)

  it("loses nothing when workers are killed, and writes nothing twice", function()
    start(3)
    for _, more in ipairs { 10, 25, 40, 60 } do
      local list = { worker "a", worker "b" }
      wait_until_asked(more)
      for _, child in ipairs(list) do
        child:signal "KILL"
        child:wait(10)
      end
    end
    wait_for(worker "c")
    assert.equal(HOSTS * PAGES, joined())
  end)

  it("waits for a node that is restarted, and goes on", function()
    start(3, { save = true })
    local list = { worker "a", worker "b" }
    wait_until_asked(20)
    servers[2]:restart()
    wait_until_asked(40)
    servers[1]:restart()
    for _, child in ipairs(list) do wait_for(child) end
    assert.equal(HOSTS * PAGES, asked())
    assert.equal(HOSTS * PAGES, joined())
  end)

  it("ends when a node does not come back, or has lost its data", function()
    start(2)
    local child = worker("a", { unreachable = 0.3, per_origin = { concurrency = 1, delay = 5 } })
    wait_until_asked(HOSTS) -- the first page of each; there are two minutes until the last
    servers[2]:stop()
    assert.equal(4, child:wait(30), child:output())
    assert.matches("not reached for 0.3 s.* unreachable", child:output())
    servers[2] = support.redis() -- another one, with nothing in it
    local done, err = run { worker = "b" }
    assert.is_nil(done)
    assert.same({ "state", "corrupt" }, { err.reason, err.kind })
    assert.equal("0", servers[2]:cli "DBSIZE")
    servers[1]:cli "FLUSHALL"
    assert.equal("finished", assert(run { worker = "b" }).reason)
    servers[1]:cli "FLUSHALL"
    done, err = run { worker = "b" }
    assert.same({ nil, "corrupt" }, { done, err.kind })
    assert.equal("0", servers[1]:cli "DBSIZE")
  end)

  it("stands in the list it was begun with, and in no other", function()
    start(3)
    assert(run { max_pages = 3 })
    local list = state()
    local function kind(given)
      local done, err = run { state = given }
      assert.is_nil(done)
      assert.equal("state", err.reason)
      local read, why = require("rill.crawl").status(given)
      assert.same({ nil, err.kind }, { read, why.kind })
      return err.kind, err.message
    end
    local found, message = kind { list[2], list[1], list[3] }
    assert.equal("nodes", found)
    assert.matches("this is node 2 of 3 of a crawl: the state must list all of them, in the order", message)
    assert.equal("nodes", kind { list[1], list[2] })
    assert.equal("nodes", kind { list[1], list[2], list[3], servers[1]:state "fourth" })
    assert.equal("nodes", kind(list[1]))
    assert.equal("0", servers[1]:cli("EXISTS", "{fourth}:conf"))
    local done, err = run { state = { list[1], list[2], list[1] } }
    assert.same({ nil, "url" }, { done, err.kind })
    done, err = run { state = { list[1], "file.crawl" } }
    assert.same({ nil, "url" }, { done, err.kind })
    assert.equal("finished", assert(run()).reason)
    assert(run { state = servers[1]:state "alone", max_pages = 1, out = directory .. "/other.jsonl" })
    done, err = run { state = { servers[1]:state "alone", servers[2]:state "alone" } }
    assert.same({ nil, "nodes" }, { done, err.kind })
    assert.equal("0", servers[2]:cli("EXISTS", "{alone}:conf"))
  end)

  it("knows a body of another node's page, and goes on from the state alone", function()
    start(3)
    server:stop()
    server = site.start [[(path) => ({ body: '<a href="/1"><a href="/2">' })]]
    local urls, map = {}, {}
    for c in ("abc"):gmatch "." do
      urls[#urls + 1], map[("%s.test:%d"):format(c, server.port)] = ("https://%s.test:%d/"):format(c, server.port),
        "127.0.0.1"
    end
    local client = { tls = { ca_file = server.ca }, resolve = map, deny_private = false }
    local first = support.run(function()
      return require "rill.crawl" { start = urls, client = client, max_pages = 4, state = state(), robots = false,
        progress = false, worker = "a", out = directory .. "/items.jsonl" }
    end, 60)
    assert.equal(4, first.pages)
    local done = support.run(function()
      return require "rill.crawl" { state = state(), client = client, worker = "a", progress = false, max_pages = 100 }
    end, 60)
    assert.same({ "finished", 9 }, { done and done.reason, done and done.pages })
    local duplicates = 0
    for _, item in ipairs(site.lines(directory .. "/items.a.jsonl")) do
      if item.duplicate_of then duplicates = duplicates + 1 end
    end
    assert.equal(8, duplicates)
  end)
end)
