-- Sitemaps of a crawl with WARC files, which hold them whole: how many are asked for at once.
local support = require "support"

local HOSTS = { "a.test", "b.test", "c.test", "www.test", "localhost" } -- as the certificate has them
local PAGES = 10 -- of each host

-- Each host has two sitemaps, and a row of pages. Sitemaps are answered from then on that RELEASE holds, a function of
-- how many pages were asked for and of whether /release was.
local SITE = [[
const held = [], open = {};
let pages = 0, told = false, released = false;
const holds = RELEASE;
server.on('stream', (stream, headers) => {
  const path = headers[':path'], host = headers[':authority'].split(':')[0], n = Number(path.slice(1)) || 0;
  stream.on('error', () => {});
  const answer = (type, body) => {
    stream.respond({ ':status': 200, 'content-type': type });
    stream.end(body);
  };
  const release = () => {
    released = released || holds(pages, told);
    if (released) for (const end of held.splice(0)) end();
  };
  if (path === '/robots.txt') return answer('text/plain', 'Sitemap: /map1\nSitemap: /map2\n');
  if (path === '/release') told = true;
  if (path.startsWith('/map')) {
    open[host] = (open[host] || 0) + 1;
    log({ map: host + path, of_host: open[host], all: Object.values(open).reduce((sum, each) => sum + each) });
    held.push(() => {
      open[host]--;
      answer('text/xml', '<urlset></urlset>');
    });
    return release();
  }
  pages++;
  release();
  answer('text/html', `<title>${host} ${n}</title>` + (n + 1 < PAGES ? `<a href="/${n + 1}">` : ''));
});
]]

describe("sitemaps of a crawl with WARC files", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "places"
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  local function begin(holds)
    server = support.node { source = SITE:gsub("RELEASE", holds):gsub("PAGES", PAGES) }
  end

  local function new(hosts, more)
    local start, resolve = {}, {}
    for i = 1, hosts do
      local authority = ("%s:%d"):format(HOSTS[i], server.port)
      start[i], resolve[authority] = "https://" .. authority .. "/", "127.0.0.1"
    end
    local options = { start = start, warc = directory .. "/site", progress = false, page = function() end,
      client = { tls = { ca_file = server.ca }, resolve = resolve, deny_private = false } }
    for name, value in pairs(more or {}) do options[name] = value end
    return require("rill.crawl").new(options)
  end

  local function run(...)
    local crawl = new(...)
    return assert(support.run(function() return crawl:run() end, 60))
  end

  -- Sitemaps that were asked for, and how many at most at once: of all, of one host.
  local function maps()
    local count, all, of_host = 0, 0, 0
    for _, event in ipairs(server:events()) do
      if event.map then
        count, all, of_host = count + 1, math.max(all, event.all), math.max(of_host, event.of_host)
      end
    end
    return count, all, of_host
  end

  it("are asked for four at a time, each of another host", function()
    local hosts = 5
    begin(("pages => pages >= %d"):format(hosts * PAGES)) -- by then all were asked for that may be
    local done = run(hosts)
    assert.same({ hosts * PAGES, 2 * hosts }, { done.pages, done.sitemaps })
    assert.same({ 2 * hosts, 4, 1 }, { maps() })
  end)

  it("are not begun when the crawl is told to stop while they wait, but by the next run", function()
    begin "(pages, told) => told"
    local crawl
    local state = directory .. "/site.crawl"
    crawl = new(5, { state = state, page = function(page)
      local _, all = maps()
      if all < 4 or crawl.is_stopping then return end
      crawl.is_stopping = true
      crawl:stop()
      assert(crawl.client:get((page.url:gsub("/%d*$", "/release"))))
    end })
    local done = assert(support.run(function() return crawl:run() end, 60))
    assert.equal("stopped", done.reason)
    assert.equal(4, (maps()))
    done = run(5, { state = state })
    assert.same({ "finished", 5 * PAGES, 10 }, { done.reason, done.pages, done.sitemaps })
    assert.equal(10, (maps()))
  end)
end)
