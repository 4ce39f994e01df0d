-- What a recrawl leaves in WARC files of pages that have not changed, read back by the strict reader.
local process = require "support.process"
local server_of = require "support.server"
local site = require "support.site"
local sqlite = require "rill.sqlite"
local support = require "support"

local PAGES = [[(path, headers) => {
  if (path === '/') return '<a href="/changes"><a href="/tagged">';
  if (path.startsWith('/alike')) return 'alike';
  if (path === '/changes') return String(Math.random());
  if (path === '/twins') return '<a href="/twin/1"><a href="/twin/2">';
  if (headers['if-none-match']) return { status: 304 };
  if (path.startsWith('/twin/')) return { body: 'a twin', headers: { etag: '"2"' } };
  return path === '/tagged' ? { body: 'the same', headers: { etag: '"1"' } } : undefined;
}]]

describe("a recrawl's WARC files", function()
  local server, directory, redis, files

  before_each(function()
    support.begin()
    directory, files = support.directory "revisit", {}
    server = site.start(PAGES)
    redis = support.redis()
  end)
  after_each(function()
    server:stop()
    redis:stop()
    support.check_clean()
  end)

  local function records(path)
    local child = process.start({ "/usr/bin/python3", "-B", support.here .. "/warc.py", path },
      support.directory "read" .. "/records")
    assert.equal(0, child:wait(30), child:output())
    return server_of.json_lines(child:output())
  end

  -- Crawls all of it; what its archive holds then, by path, but for requests. Each crawl has an archive of its own.
  local function crawl(state, more)
    local name = "visit" .. #files + 1
    local options = site.options(server, { state = state, warc = directory .. "/" .. name, worker = "a",
      remember = true, recrawl = #files > 0 or nil, out = function() end })
    if more == "no archive" then options.warc = nil end
    if more == "twins" then options.start, options.concurrency = server.url .. "/twins", 1 end
    local done = assert(support.run(function() return require "rill.crawl"(options) end))
    assert.equal(3, done.pages)
    files[#files + 1] = name
    local map = {}
    if not options.warc then return map end
    local path = ("%s/%s%s-00000.warc.gz"):format(directory, name, state:find "^redis" and ".a" or "")
    for _, each in ipairs(records(path)) do
      local target = each["WARC-Target-URI"]
      if target and each["WARC-Type"] ~= "request" then map[target:sub(#server.url + 1)] = each end
    end
    return map
  end

  local function change(state, sql)
    local db = assert(sqlite.open(state))
    assert(db:exec(sql))
    db:close()
  end

  local function second_of(date)
    return date:sub(1, 19) .. "Z"
  end

  local STATES = {
    ["a file"] = function() return directory .. "/site.crawl" end,
    Redis = function() return redis:state "site" end,
  }
  for where, state_of in pairs(STATES) do
    it("refer to the record that has the body, with the state in " .. where, function()
      local state = state_of()
      local first = crawl(state)
      assert.equal("response", first["/"]["WARC-Type"])
      for _ = 1, 2 do -- the second of these refers to the first visit, too
        local again = crawl(state)
        local page, tagged = again["/"], again["/tagged"]
        assert.same({ "revisit", "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest", "" },
          { page["WARC-Type"], page["WARC-Profile"], page.payload })
        assert.matches("^HTTP/1.1 200 OK\r\n", page.head)
        assert.same({ server.url .. "/", second_of(first["/"]["WARC-Date"]), first["/"]["WARC-Payload-Digest"] },
          { page["WARC-Refers-To-Target-URI"], page["WARC-Refers-To-Date"], page["WARC-Payload-Digest"] })
        assert.same({ "revisit", "http://netpreserve.org/warc/1.1/revisit/server-not-modified" },
          { tagged["WARC-Type"], tagged["WARC-Profile"] })
        assert.equal(second_of(first["/tagged"]["WARC-Date"]), tagged["WARC-Refers-To-Date"])
        assert.equal("response", again["/changes"]["WARC-Type"])
      end
    end)

    it("hold what an earlier visit has not archived, with the state in " .. where, function()
      local state = state_of()
      crawl(state, "no archive")
      local first = crawl(state)
      assert.same({ "response", '<a href="/changes"><a href="/tagged">' },
        { first["/"]["WARC-Type"], first["/"].payload })
      assert.same({ "response", "the same" }, { first["/tagged"]["WARC-Type"], first["/tagged"].payload })
      crawl(state, "no archive") -- and what was archived before stays known
      local again = crawl(state)
      assert.equal(second_of(first["/"]["WARC-Date"]), again["/"]["WARC-Refers-To-Date"])
    end)
  end

  local function refers_to(each)
    return { each["WARC-Type"], each["WARC-Profile"]:match "[^/]*$", each["WARC-Refers-To-Target-URI"],
      each["WARC-Refers-To-Date"] }
  end

  it("refer from a 304 to the other page whose record has the body", function()
    local state = directory .. "/twins.crawl"
    local first = crawl(state, "twins")
    assert.equal("response", first["/twin/1"]["WARC-Type"])
    local url, date = server.url .. "/twin/1", second_of(first["/twin/1"]["WARC-Date"])
    assert.same({ "revisit", "identical-payload-digest", url, date }, refers_to(first["/twin/2"]))
    for _ = 1, 2 do
      local again = crawl(state, "twins")
      assert.same({ "revisit", "server-not-modified", url, date }, refers_to(again["/twin/1"]))
      assert.same({ "revisit", "server-not-modified", url, date }, refers_to(again["/twin/2"]))
    end
  end)

  it("hold a body that is archived under a name that Redis does not know, and refer to it then", function()
    local state = redis:state "twins"
    local first = crawl(state, "twins")
    assert.equal("response", first["/twin/1"]["WARC-Type"])
    assert.same({ "revisit", "identical-payload-digest", server.url .. "/twin/1",
      second_of(first["/twin/1"]["WARC-Date"]) }, refers_to(first["/twin/2"]))
    local again = crawl(state, "twins")
    assert.same({ "response", "a twin" }, { again["/twin/2"]["WARC-Type"], again["/twin/2"].payload })
    assert.same({ "revisit", "server-not-modified", server.url .. "/twin/2", second_of(again["/twin/2"]["WARC-Date"]) },
      refers_to(crawl(state, "twins")["/twin/2"]))
  end)

  -- All pages have one body; the first one's handler comes to its end when that of the second has begun.
  local function crawl_alike(warc)
    local second = require "rill".queue()
    local alike
    alike = require "rill.crawl".new(site.options(server, { start = server.url .. "/alike/1", warc = warc,
      state = directory .. "/alike.crawl", page = function(page)
        if page.url:find "1$" then
          assert(alike:add(server.url .. "/alike/2"))
          second:pop()
        elseif page.url:find "2$" then
          second:push(true)
          assert(alike:add(server.url .. "/alike/3"))
        end
      end }))
    return assert(support.run(function() return alike:run() end, 60))
  end

  it("hold a body whose first page has not come to its end, and refer to it then", function()
    assert.equal(3, crawl_alike(directory .. "/alike").pages)
    local types = {}
    for _, each in ipairs(records(directory .. "/alike-00000.warc.gz")) do
      if each["WARC-Type"] ~= "request" then types[(each["WARC-Target-URI"] or ""):sub(-1)] = each["WARC-Type"] end
    end
    assert.equal("response", types["2"])
    assert.equal("revisit", types["3"])
  end)

  it("are known to a state that an earlier rill has made from the next visit on", function()
    local state = directory .. "/site.crawl"
    crawl(state)
    change(state, "alter table url drop column archived; pragma user_version = 1")
    assert.equal("response", crawl(state)["/"]["WARC-Type"])
    assert.equal("revisit", crawl(state)["/"]["WARC-Type"])
  end)

  it("refer to nothing that was there before an earlier rill has written to the state", function()
    local state = directory .. "/site.crawl"
    crawl(state)
    change(state, "pragma user_version = 1")
    assert.equal("response", crawl(state)["/"]["WARC-Type"])
    assert.equal("revisit", crawl(state)["/"]["WARC-Type"])
  end)

  it("are of a state that an earlier rill refuses", function()
    local state = directory .. "/site.crawl"
    crawl(state)
    local db = assert(sqlite.open(state))
    assert.equal(2, db:value "pragma user_version")
    db:close()
  end)
end)
