--- What the task of one entry does: fetches, finds links, calls the handler. Only the outcome leaves it.
local digest = require("rill.crawl.digest")
local links = require("rill.crawl.links")
local page_of = require("rill.crawl.page")
local places = require("rill.crawl.places")
local rill = require("rill")
local scan_of = require("rill.crawl.scan")
local url = require("rill.url")

local M = {}

local SITEMAP_LEVELS = 3
local SITEMAP_HOPS = 5 -- redirects
local ROBOTS_SITEMAPS = 1000 -- that one robots.txt names

---@class rill.CrawlWorker
---@field private _crawl table
---@field private _places rill.CrawlPlaces of sitemaps that an archive keeps
local Worker = {}
Worker.__index = Worker

local function pass_over(outcome, link, found, reason, from)
  local high, low
  if link then
    high, low = link.high, link.low
  else
    high, low = digest(found)
  end
  table.insert(outcome.skips, { url = link and link.url or found, reason = reason, from = from, high = high,
    low = low })
end

-- A URL that a page names becomes a link of its outcome, a skip, or nothing.
local function propose(self, outcome, found, fields, nofollow)
  local crawl = self._crawl
  local written = crawl.written
  if written:has(found) and not fields.lastmod then return end
  local link, wrong = crawl.links:identify(found, fields.normal)
  if not link then
    if wrong ~= "silent" then pass_over(outcome, nil, found, wrong, fields.from) end
    return
  end
  if crawl.frontier:known(link.high, link.low) then
    written:add(found)
    if not fields.lastmod then return end
  end
  link.depth, link.from, link.hops, link.attempts, link.free = fields.depth, fields.from, fields.hops or 0, 0, 0
  link.priority, link.via, link.meta, link.from_id = fields.priority, fields.via, fields.meta, outcome.entry.id
  link.lastmod = fields.lastmod
  local reason = nofollow and "nofollow" or crawl.links:judge(link)
  if not reason then return table.insert(outcome.links, link) end
  pass_over(outcome, link, found, reason, fields.from)
  if reason == "scope" and crawl.options.scope.is_fixed then written:add(found) end
end

-- Where fragments make URLs, each link with one is looked at as it was written.
local function propose_fragments(self, outcome, fields)
  local options, page = self._crawl.options, outcome.page
  for _, node in ipairs(page:css "a[href*='#'], area[href*='#']" or {}) do
    local target = url.resolve(page.base or page.url, node:attr "href")
    local rel = " " .. (node:attr "rel" or ""):lower():gsub("%s", " ") .. " "
    local marked = rel:find " nofollow " or rel:find " ugc " or rel:find " sponsored "
    if target and scan_of.has_tag(options, node.name) then
      propose(self, outcome, target, { depth = fields.depth, from = fields.from },
        options.nofollow and (marked ~= nil or page.nofollow))
    end
  end
end

-- Addresses that are no links are counted, but for mailto: and its kind.
local function pass_over_refused(self, outcome, refused, from)
  for _, link in ipairs(refused) do
    local reason = self._crawl.links:refused(link)
    if reason ~= "silent" then pass_over(outcome, nil, link.url, reason, from) end
    if not link.cut then self._crawl.written:add(link.url) end -- its beginning may be another URL
  end
end

local function find_links(self, outcome)
  local options, page = self._crawl.options, outcome.page
  local scan = page:scanned()
  if not scan or page.unchanged then return end
  local fields = { depth = page.depth + 1, from = page.url, normal = true }
  for _, link in ipairs(scan.links) do
    propose(self, outcome, link.url, fields, options.nofollow and (link.nofollow or page.nofollow))
  end
  local nofollow = options.nofollow and page.nofollow
  if scan.refresh and scan_of.has_tag(options, "meta") then propose(self, outcome, scan.refresh, fields, nofollow) end
  if options.fragments then propose_fragments(self, outcome, fields) end
  pass_over_refused(self, outcome, scan.refused, page.url)
end

-- A redirect is an edge: its target is a URL of its own, at the same depth.
local function find_target(self, outcome)
  local entry = outcome.entry
  local via = {}
  for i, step in ipairs(entry.via or {}) do via[i] = step end
  via[#via + 1] = entry.url
  propose(self, outcome, outcome.location, { depth = entry.depth, from = entry.url, hops = entry.hops + 1, via = via,
    priority = entry.priority, meta = entry.meta }, false)
end

local function handler_of(options, outcome)
  local page = outcome.page
  if outcome.kind == "failed" then return "failed", options.failed end
  if outcome.status >= 400 then return "failed", options.failed end
  if outcome.status >= 300 and outcome.status ~= 304 then return nil end
  if page.unchanged and options.unchanged ~= "deliver" then return nil end
  if outcome.other_canonical then return nil end
  return "page", options.page
end

-- Whether the page names another one as canonical, which comes by itself.
local function has_other_canonical(self, outcome)
  local crawl, page = self._crawl, outcome.page
  if crawl.options.canonical ~= "skip" or not page.canonical then return false end
  return crawl.options.key(page.canonical, page.canonical) ~= crawl.options.key(page.url, page.url)
end

-- Calls a handler with the page. What it emits and follows counts, unless it raises.
local function take_effects(self, outcome, name, handler)
  local page = outcome.page
  page:open_effects(outcome.links)
  local ok, why = self._crawl:guarded(name, handler, page, page.error)
  local items, follows = page:take_effects()
  if not ok then return false, why end
  outcome.items = items
  for _, link in ipairs(follows) do table.insert(outcome.links, link) end
  return true
end

local function call_handler(self, outcome)
  local crawl, page = self._crawl, outcome.page
  local name, handler = handler_of(crawl.options, outcome)
  if not handler then return end
  local ok, why = take_effects(self, outcome, name, handler)
  if ok then return end
  outcome.kind, outcome.reason, outcome.error = "failed", "handler", why
  if name == "page" and crawl.options.failed then
    page.error = why
    take_effects(self, outcome, "failed", crawl.options.failed)
  end
end

local function finish_page(self, outcome)
  if outcome.kind ~= "done" and outcome.kind ~= "failed" then return end
  local crawl = self._crawl
  if outcome.kind == "done" then
    if outcome.location then find_target(self, outcome) end
    if outcome.bad_location then pass_over(outcome, nil, outcome.bad_location, "invalid", outcome.entry.url) end
    outcome.other_canonical = has_other_canonical(self, outcome)
    if crawl.options.follow then find_links(self, outcome) end
    if outcome.high and crawl.options.limits.same_run < math.huge then
      outcome.run = links.run_counter(outcome.entry.url, outcome.entry.origin)
    end
    if crawl.options.save and not outcome.page.stopped and outcome.page.body then
      local ok, err = crawl:save_page(outcome.page)
      if not ok then outcome.fatal = err end
    end
  end
  call_handler(self, outcome)
end

local function add_sitemap(self, outcome, address, level, hops)
  local crawl = self._crawl
  local link = crawl.links:identify(address)
  if not link or level > SITEMAP_LEVELS or hops > SITEMAP_HOPS then return end
  link.kind, link.level, link.depth, link.hops, link.attempts, link.free = "sitemap", level, 0, hops, 0, 0
  link.from, link.from_id = outcome.entry.url, outcome.entry.id
  link.high, link.low = crawl.links:fingerprint(link)
  if crawl.robots_allow(link.origin, link.url) == false then
    return pass_over(outcome, link, address, "robots", link.from)
  end
  table.insert(outcome.links, link)
end

-- An origin that only a sitemap has led to names no further ones: else one host would lead to the next.
local function finish_robots(self, outcome)
  local wanted, key = self._crawl.options.sitemaps, outcome.entry.origin
  if wanted ~= "robots" and wanted ~= "auto" or not self._crawl.frontier:leads_on(key) then return end
  for i, address in ipairs(outcome.sitemaps or {}) do
    if i > ROBOTS_SITEMAPS then break end
    add_sitemap(self, outcome, url.resolve(key .. "/robots.txt", address) or address, 1, 0)
  end
  if wanted == "auto" and outcome.robots.answer ~= "never" then
    add_sitemap(self, outcome, key .. "/sitemap.xml", 1, 0)
  end
end

local function pass_over_text(self, outcome, found)
  local _, reason = self._crawl.links:identify(found)
  if reason and reason ~= "silent" then pass_over(outcome, nil, found, reason, outcome.entry.url) end
end

-- What a sitemap names is taken in as it comes, so that its length costs no memory.
local function take_sitemap(self, outcome, reader)
  local entry, commit = outcome.entry, self._crawl.commit
  local fields = { depth = 1, priority = -1, from = entry.url, normal = true }
  for i, found in ipairs(reader.urls) do
    fields.lastmod = found.lastmod
    propose(self, outcome, found.url, fields, false)
    reader.urls[i] = nil
  end
  for i, found in ipairs(reader.refused) do
    pass_over_text(self, outcome, found)
    reader.refused[i] = nil
  end
  for i, found in ipairs(reader.sitemaps) do
    add_sitemap(self, outcome, found.url, (entry.level or 1) + 1, 0)
    reader.sitemaps[i] = nil
  end
  for _, link in ipairs(outcome.links) do commit:admit(link) end
  for _, skip in ipairs(outcome.skips) do commit:skip(skip.url, skip.reason, skip.from, skip.high, skip.low) end
  outcome.links, outcome.skips = {}, {}
  while commit:is_full() and not self._crawl.clients.archive do -- hooks read for an archive: they cannot wait
    self._crawl.loop.bell:ring()
    rill.sleep(0.001)
  end
end

local function finish_sitemap(self, outcome)
  local entry = outcome.entry
  if outcome.location then add_sitemap(self, outcome, outcome.location, entry.level or 1, entry.hops + 1) end
end

local FINISH = { robots = finish_robots, sitemap = finish_sitemap }

-- Robots and retired shapes are looked at when an entry's turn has come: they may have changed since it was found.
local function refuse(self, entry)
  local crawl = self._crawl
  if entry.dead or entry.kind == "robots" then return nil end
  if crawl.options.robots and crawl.robots:allowed(entry.origin, entry.url) == false then return "robots" end
  if entry.kind or crawl.options.limits.same_run == math.huge then return nil end
  local run = links.run_counter(entry.url, entry.origin)
  return crawl.frontier:retired(run.high, run.low) and "same_run" or nil
end

--- Whether the entry's turn is passed over.
---@param entry rill.CrawlEntry
---@return table? outcome
function Worker:refuse(entry)
  local reason = refuse(self, entry)
  if not reason then return nil end
  return { entry = entry, page = page_of.new(self._crawl, entry), kind = "skip", reason = reason, bytes = 0,
    result = { kind = "none" } }
end

-- Takes what was read of a sitemap, so far.
local function taker_of(self, entry)
  local read = { entry = entry, links = {}, skips = {} }
  return function(reader)
    self._crawl:guarded("key, allow or deny", take_sitemap, self, read, reader)
  end
end

local function run(self, entry)
  local take = entry.kind == "sitemap" and taker_of(self, entry)
  local outcome = self._crawl.fetch:run(entry, take)
  outcome.links, outcome.skips = {}, {}
  local finish = FINISH[outcome.kind] or finish_page
  local ok, err = self._crawl:guarded("key, allow, deny or page", finish, self, outcome)
  if not ok and finish == finish_page then
    outcome.kind, outcome.reason, outcome.error = "failed", "handler", err
  end
  if self._crawl.archive then self._crawl.archive:prepare(outcome) end
  return outcome
end

-- It may have waited for its place until here.
local function run_unless_draining(self, entry)
  if self._crawl.loop.draining then return nil end
  return run(self, entry)
end

--- Does all that the entry asks for.
---@param entry rill.CrawlEntry
---@return table? outcome nil: it was not begun, for the crawl takes nothing more
function Worker:run(entry)
  if not self._crawl.archive or entry.kind ~= "sitemap" or entry.dead then return run(self, entry) end
  return self._places:with(entry.origin, run_unless_draining, self, entry)
end

---@param crawl table
---@return rill.CrawlWorker
function M.new(crawl)
  return setmetatable({ _crawl = crawl, _places = places.new() }, Worker)
end

return M
