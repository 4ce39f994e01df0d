-- A crawl of more than 60 hosts that are traps: it ends, and asks for what it must and for nothing that it must not.
local crawl = require "rill.crawl"
local dkjson = require "dkjson"
local rill = require "rill"
local process = require "support.process"
local support = require "support"
local trap_site = require "support.trap_site"

describe("a crawl of traps", function()
  local server, manifest, asked, done, titles, per_host, directory
  local warnings, hook = {}, rill.on_warning

  -- One crawl for all that is looked at.
  setup(function()
    directory = support.directory "traps"
    server, manifest = trap_site.start()
    titles = {}
    rill.on_warning = function(message) warnings[#warnings + 1] = message end
    done = support.run(function()
      return crawl {
        start = server.starts, traps = trap_site.traps, progress = false, retries = 1, robots_wait = 1, drain = 1,
        concurrency = 32, out = directory .. "/out.jsonl", skipped = directory .. "/skipped.jsonl",
        client = { h2c = true, protocols = { "h2" }, resolve = server.resolve, timeout = 8 },
        page = function(page)
          titles[page.url:match "^http://([^:]+)"] = titles[page.url:match "^http://([^:]+)"] or page.title
          page:emit { url = page.url, status = page.status }
        end,
      }
    end, 120)
    asked, per_host = {}, {}
    for _, event in ipairs(server:events()) do
      if event.path then
        local url = event.host .. event.path
        asked[url] = (asked[url] or 0) + 1
        if event.path ~= "/robots.txt" then per_host[event.host] = (per_host[event.host] or 0) + 1 end
      end
    end
  end)
  teardown(function()
    rill.on_warning = hook
    process.stop_all()
  end)

  it("ends by itself", function()
    assert.equal("finished", done.reason)
    assert.equal(0, done.queued)
    assert.equal(1, #warnings)
    assert.matches("^sitemap http://bomb.maps.test:%d+/map: it is longer than 52428800 bytes", warnings[1])
  end)

  it("has asked for all that it must", function()
    local missing = {}
    for _, url in ipairs(manifest.must) do
      if not asked[url] then missing[#missing + 1] = url end
    end
    table.sort(missing)
    assert.same({}, missing)
  end)

  it("has asked for nothing that it must not", function()
    local wrong = {}
    for _, url in ipairs(manifest.never) do
      if asked[url] then wrong[#wrong + 1] = url end
    end
    table.sort(wrong)
    assert.same({}, wrong)
  end)

  it("has left sites without an end after a few pages", function()
    local over = {}
    for host, most in pairs(manifest.most) do
      if (per_host[host] or 0) > most then over[#over + 1] = ("%s: %d"):format(host, per_host[host]) end
    end
    table.sort(over)
    assert.same({}, over)
  end)

  it("has asked once for what has answered", function()
    local again = {}
    for url, count in pairs(asked) do
      local host = url:match "^[^/]+"
      local retried = host == "broken.test" or host == "stall.test" or url:find("/robots.txt", 1, true)
      if count > 1 and not retried then again[#again + 1] = ("%s: %d"):format(url, count) end
    end
    table.sort(again)
    assert.same({}, again)
  end)

  it("has read titles in odd encodings", function()
    for name, kind in pairs(trap_site.CHARSETS) do
      assert.equal(kind[3], titles[name .. ".charset.test"], name)
    end
  end)

  it("has written each page once, and says why it passed over the others", function()
    local seen = {}
    for line in support.read(directory .. "/out.jsonl"):gmatch "[^\n]+" do
      local item = assert(dkjson.decode(line))
      assert.is_nil(seen[item.url], item.url)
      seen[item.url] = true
    end
    local reasons = {}
    for line in support.read(directory .. "/skipped.jsonl"):gmatch "[^\n]+" do
      local item = assert(dkjson.decode(line))
      reasons[item.reason] = (reasons[item.reason] or 0) + 1
    end
    for _, reason in ipairs { "robots", "robots_unreachable", "per_shape", "per_path", "per_host", "same_run",
      "repeats", "url_length", "redirects", "scope", "retry_after" } do
      assert.is_true((reasons[reason] or 0) > 0, reason)
      assert.equal(done.skipped[reason], reasons[reason], reason)
    end
  end)
end)
