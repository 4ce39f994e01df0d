-- What a worker knows of a body that another one's page had: Redis is asked where somebody wants to know.
local site = require "support.site"
local support = require "support"

local PAGES = 150

-- Each of so many pages has a body of its own, all others the same.
local SITE = [[(path) => {
  const links = [...Array(%d).keys()].map((n) => `<a href="/${n + 1}">`).join('');
  return path === '/' ? links : Number(path.slice(1)) %% %d === 0 ? path : 'one for all';
}]]

describe("a body that another worker's page had", function()
  local server, redis

  before_each(function()
    support.begin()
    redis = support.redis()
  end)
  after_each(function()
    server:stop()
    redis:stop()
    support.check_clean()
  end)

  local function serve(every)
    server = site.start(SITE:format(PAGES, every))
  end

  local function run(worker, more)
    more.state, more.worker = redis:state "site", worker
    more.concurrency = more.concurrency or 1
    more.per_origin = { concurrency = more.concurrency }
    return support.run(function() return require "rill.crawl"(site.options(server, more)) end, 60)
  end

  local function questions()
    return tonumber(redis:cli("INFO", "commandstats"):match "cmdstat_sismember:calls=(%d+)" or 0)
  end

  -- The start page, and two with the body of most.
  local function begin(every)
    serve(every)
    run("a", { max_pages = 3, traps = false })
    redis:cli("CONFIG", "RESETSTAT")
  end

  it("is asked for where a handler reads page.duplicate_of, once for each body", function()
    begin(10)
    local known = 0
    local done = run("b", { traps = false, page = function(page)
      if page.duplicate_of == true and page.duplicate_of == true then known = known + 1 end
    end })
    assert.equal(1 + PAGES, done.pages)
    assert.equal(PAGES - 2 - PAGES / 10, known)
    assert.equal(1 + PAGES / 10, questions())
  end)

  it("is not asked for where none does", function()
    begin(10)
    local done = run("b", { traps = false, page = function(page) page:emit { url = page.url } end })
    assert.equal(1 + PAGES, done.pages)
    assert.equal(0, questions())
  end)

  it("is in the records of pages that no handler takes", function()
    begin(10)
    local known = 0
    run("b", { traps = false, out = function(item) if item.duplicate_of then known = known + 1 end end })
    assert.equal(PAGES - 2 - PAGES / 10, known)
  end)

  it("retires a shape all the same", function()
    begin(1000)
    local done = run("b", { traps = { same_run = 20 }, page = function() end })
    assert.is_true(done.pages >= 22 and done.pages <= 22 + 64, done.pages)
    assert.equal(1 + PAGES - done.pages, done.skipped.same_run)
    assert.equal(0, questions())
  end)

  it("is known to a function of `out`, which runs in the commit", function()
    begin(10)
    local known = 0
    run("b", { traps = false, page = function(page) page:emit { url = page.url } end, out = function(_, page)
      if page.duplicate_of == true then known = known + 1 end
    end })
    assert.equal(PAGES - 2 - PAGES / 10, known)
  end)

  it("is not asked for where a function of `out` has the item alone", function()
    begin(10)
    local items = 0
    local done = run("b", { traps = false, page = function(page) page:emit { url = page.url } end,
      out = function(_) items = items + 1 end })
    assert.equal(done.pages - 3, items)
    assert.equal(0, questions())
  end)

  it("is known to a function of `out` that has any number of arguments", function()
    begin(10)
    local known = 0
    run("b", { traps = false, page = function(page) page:emit { url = page.url } end, out = function(...)
      if select(2, ...).duplicate_of == true then known = known + 1 end
    end })
    assert.equal(PAGES - 2 - PAGES / 10, known)
  end)

  it("is in no record where Redis is away when it is asked for it", function()
    begin(1000)
    local items, gone = 0, false
    local options = site.options(server, { state = redis:state "site", worker = "b", concurrency = 1, traps = false,
      unreachable = 0.3, out = function() items = items + 1 end })
    options.per_origin = { concurrency = 1 }
    local crawl = require "rill.crawl".new(options)
    function crawl.on_exchange()
      if not gone then redis:kill() end
      gone = true
    end
    local done, err = support.run(function() return crawl:run() end, 60)
    redis = support.redis()
    assert.is_nil(done)
    assert.same({ "state", "unreachable", 0 }, { err.reason, err.kind, items })
  end)

  it("is in no record where another node is away when it is asked for it", function()
    local nodes = require "rill.crawl.frontier.nodes"
    serve(1000)
    local other = support.redis()
    local list = { redis:state "site", redis:state "site" }
    list[nodes.number(server.url, 2) % 2 + 1] = other:state "site"
    local items, gone = 0, false
    local function new(worker, more)
      more.state, more.worker, more.concurrency, more.traps = list, worker, 1, false
      local options = site.options(server, more)
      options.per_origin = { concurrency = 1 }
      return require "rill.crawl".new(options)
    end
    local first = new("a", { max_pages = 1, page = function() end })
    assert(support.run(function() return first:run() end, 60))
    local crawl = new("b", { unreachable = 0.3, out = function() items = items + 1 end })
    function crawl.on_exchange()
      if not gone then other:kill() end
      gone = true
    end
    local done, err = support.run(function() return crawl:run() end, 60)
    assert.is_nil(done)
    assert.same({ "state", "unreachable", 0 }, { err.reason, err.kind, items })
  end)

  it("is asked for by the commit alone, where a handler takes pages and a function of `out` their items", function()
    begin(10)
    local early, known = 0, 0
    run("b", { traps = false, concurrency = 8, page = function(page)
      if rawget(page, "_unasked") then early = early + 1 end
      page:emit { url = page.url }
    end, out = function(_, page)
      if rawget(page, "duplicate_of") then known = known + 1 end
    end })
    assert.equal(1 + PAGES / 10, early) -- one for each body: the handler has not waited for an answer
    assert.equal(PAGES - 2 - PAGES / 10, known)
    assert.equal(1 + PAGES / 10, questions())
  end)

  it("is another's also where the page comes again and nobody has asked before", function()
    begin(1000)
    local first, second
    run("b", { traps = false, page = function(page)
      if page.url == first then
        second = tostring(page.duplicate_of)
      elseif not first and page.body == "one for all" then
        first = page.url
        page:follow(first, { again = true })
      end
    end })
    assert.equal("true", second)
  end)

  it("is the page's own where that comes again, though Redis knows it by then", function()
    begin(10)
    local visits = {}
    run("b", { traps = false, page = function(page)
      if page.url ~= server.url .. "/50" then return end
      if visits[1] then
        visits[2] = tostring(page.duplicate_of)
      else
        visits[1] = "unasked"
        page:follow(page.url, { again = true })
      end
    end })
    assert.same({ "unasked", "nil" }, visits)
  end)

  it("is not taken for another's where the answer comes after the page has gone to the commit", function()
    begin(1000)
    local rill = require "rill"
    local answer, begun, has_asked
    run("b", { traps = false, page = function(page)
      if begun or page.body ~= "one for all" then return end
      begun = true
      redis.process:signal "STOP"
      rill.spawn(function()
        has_asked = true
        answer = tostring(page.duplicate_of)
      end)
      rill.spawn(function()
        while rawget(page, "_unasked") do rill.sleep(0.001) end
        redis.process:signal "CONT"
      end)
      while not has_asked do rill.sleep(0) end
    end })
    assert.equal("nil", answer)
  end)

  it("is nobody's where pages of the same worker that came later have ended before", function()
    serve(1000)
    run("a", { max_pages = 1, traps = false })
    local rill = require "rill"
    local answer, begun, others = nil, false, 0
    run("b", { traps = false, concurrency = 2, page = function(page)
      if page.body ~= "one for all" then return end
      if begun then
        others = others + 1
        return
      end
      begun = true
      while others < PAGES - 2 do rill.sleep(0.001) end -- more than one commit takes
      answer = tostring(page.duplicate_of)
    end })
    assert.equal("nil", answer)
  end)

  it("is not taken for the page's own where there was no answer", function()
    local room = require "rill.crawl.frontier.questions"
    local replies = { { 0, 1 } }
    local asked = room.new(function() return table.remove(replies) end)
    serve(1000)
    local answers = support.run(function()
      local rill = require "rill"
      local function ask(value) return asked:ask("body:1", value) end
      local function both()
        local results = rill.all { function() return ask "1" end, function() return ask "2" end }
        return tostring(results[1][1]) .. " " .. tostring(results[2][1])
      end
      return { both(), both() }
    end)
    assert.same({ "false true", "nil nil" }, answers)
  end)

  it("cannot be asked for where none may wait, and the error names the field", function()
    begin(1000)
    local messages = {}
    run("b", { traps = false, page = function(page)
      if messages[1] or page.body ~= "one for all" then return end
      local _, message = pcall(string.gsub, "x", "x", function() return tostring(page.duplicate_of) end)
      messages[1] = tostring(message)
      messages[2] = tostring(page.duplicate_of)
    end })
    assert.truthy(messages[1]:find("page.duplicate_of waits", 1, true), messages[1])
    assert.equal("true", messages[2])
  end)

  it("retires none in which new bodies come now and then", function()
    begin(10)
    assert.equal(1 + PAGES, run("b", { traps = { same_run = 20 }, page = function() end }).pages)
  end)
end)
