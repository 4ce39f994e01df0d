-- SIGKILL at random moments: nothing is lost, nothing is written twice.
local process = require "support.process"
local rill = require "rill"
local site = require "support.site"
local sqlite = require "rill.sqlite"
local support = require "support"

local PAGES, KILLS = 2000, 50
local AT_ONCE, BATCH = 64, 64 -- what may be asked for again after a kill: in flight, or not committed

local BUDGET = 36 -- answers that a connection gets: no crawl ends before its kills have come

-- A tree of pages; each links to two more, to the first and to a page of another host.
local TREE = ([[
server.on('stream', (stream, headers) => {
  const path = headers[':path'], n = path === '/' ? 1 : Number(path.slice(1));
  log({ path });
  stream.on('error', () => {});
  stream.session.answers = (stream.session.answers || 0) + 1;
  if (headers['user-agent'] !== 'last' && stream.session.answers > %d) return;
  const links = [2 * n, 2 * n + 1].filter((m) => m <= %d).map((m) => `<a href="/${m}">`).join('');
  stream.respond({ ':status': 200, 'content-type': 'text/html' });
  stream.end(`<title>page ${n}</title>${links}<a href="/"><a href="http://elsewhere.example/${n}">`);
});
]]):format(BUDGET, PAGES)

for _, kind in ipairs { "a file", "Redis" } do describe("a crawl that is killed, its state in " .. kind, function()
  local server, directory, redis

  before_each(function()
    support.begin()
    directory = support.directory "killed"
    server = support.node { source = TREE }
    redis = kind == "Redis" and support.redis() or nil
  end)
  after_each(function()
    server:stop()
    if redis then redis:stop() end
    support.check_clean()
  end)

  local function start(name)
    local argv = { "env", unpack(process.sanitizers()) }
    for _, word in ipairs { "luajit", "spec/support/crawler.lua", server.url, server.ca, directory,
      name or "killed" } do
      argv[#argv + 1] = word
    end
    if redis then
      argv[#argv + 1] = redis:state "killed"
      argv[#argv + 1] = "w"
    end
    return process.start(argv, directory .. "/output")
  end

  local function fetched()
    return #site.asked(server)
  end

  -- Lets it ask for some pages more, or for none, then kills it.
  local function kill_after(more)
    local child, wanted = start(), fetched() + more
    support.wait(function() return fetched() >= wanted or child:ended() end, 20, "the crawl to go on")
    child:signal "KILL"
    child:wait(10)
    return child.status == 137
  end

  -- Where a worker writes that shares its state with others.
  local function own(name)
    return directory .. "/" .. (redis and name:gsub("%.", ".w.", 1) or name)
  end

  local function each_once(list)
    local seen, count = {}, 0
    for _, url in ipairs(list) do
      assert.is_nil(seen[url], url)
      seen[url], count = true, count + 1
    end
    assert.equal(PAGES, count)
  end

  local function column(lines, name)
    local list = {}
    for i, item in ipairs(lines) do list[i] = item[name] end
    return list
  end

  local function rows()
    local db, list = assert(sqlite.open(own "out.sqlite")), {}
    local stmt = assert(db:prepare "select url from pages")
    while stmt:step() do list[#list + 1] = stmt:column(0) end
    db:close()
    return list
  end

  it("at " .. KILLS .. " moments has every page once in every output, when it has gone on", function()
    local random, kills = rill.now() * 1e6 % 2 ^ 31, 0
    math.randomseed(random)
    for _ = 1, KILLS do
      if kill_after(math.random(0, BUDGET)) then kills = kills + 1 end
    end
    local child = start "last"
    assert.equal(0, child:wait(120), child:output())
    assert.equal(KILLS, kills)
    assert.matches("finished\t2000", child:output())

    each_once(column(site.lines(own "out.jsonl"), "url"))
    each_once(rows())
    local csv = {}
    for line in support.read(own "out.csv"):gmatch "[^\r\n]+" do csv[#csv + 1] = line:match "^[^,]+" end
    assert.equal("url", table.remove(csv, 1))
    each_once(csv)
    each_once(column(site.lines(own "skipped.jsonl"), "url"))
    assert.is_true(fetched() <= PAGES + kills * (AT_ONCE + BATCH), "fetched: " .. fetched())
  end)
end) end
