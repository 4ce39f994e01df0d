--- A walk over whole sites that asks once for all they link to.
local asking = require("rill.crawl.robots")
local clients = require("rill.crawl.clients")
local html = require("rill.html")
local rill = require("rill")
local retry = require("rill.crawl.retry")
local robots = require("rill.robots")
local url = require("rill.url")

local M = {}

local PAGE_MOST = 16 * 2 ^ 20 -- bytes of a page that is read
local PAGES_SHOWN = 100 -- of those that hold a broken link
local FRAGMENTS_MOST = 10000 -- links of one page with a fragment that are looked at
local CRAWL_DELAY_MOST = 60 -- seconds
local PATIENCE = 3 -- times that a server may ask for it
local PAUSE_MOST = 60 -- seconds
local PAGE_TYPES = "text/html,application/xhtml+xml"
local TOO_LONG = { maxsize_exceeded = true, maxsize_exceeded_actual = true } -- it is there, and is not read
local PAGE_TAGS = { a = true, area = true, iframe = true, frame = true }

---@class rill.cli.Target a URL that something links to
---@field url string
---@field pages string[] that hold it
---@field page boolean it may be a page of the site: asked for by GET
---@field status integer?
---@field reason string? why it is broken
---@field message string? that in a sentence, or why it was not read
---@field ids table<string, boolean>? of a page of HTML
---@field fragments table<string, string[]> fragment -> pages that hold it

---@class rill.cli.Site
---@field options table
---@field targets table<string, rill.cli.Target>
---@field list rill.cli.Target[]
---@field queue rill.Queue
---@field origins table<string, boolean> of the start URLs
---@field agent string whose robots rules hold
---@field next_starts table<string, number> by origin
---@field gates table<string, rill.Semaphore> by origin
---@field asker table of robots.txt
---@field rules table<string, table|false|nil> robots by origin
local Site = {}
Site.__index = Site

local function origin_of(address)
  return address:match "^https?://[^/?#]+"
end

-- Notes a link; the first one has it asked for.
function Site:note(address, page, may_be_page)
  local inside = self.origins[origin_of(address)]
  if not inside and not self.options.external then return nil end
  local target = self.targets[address]
  if not target then
    target = { url = address, pages = {}, page = inside and may_be_page, fragments = {} }
    self.targets[address] = target
    table.insert(self.list, target)
    self.queue:push(target)
  end
  if page and #target.pages < PAGES_SHOWN and target.pages[#target.pages] ~= page then
    table.insert(target.pages, page)
  end
  return target
end

-- What a fragment can lead to, and where the page's own links with one lead.
local function read_fragments(body, address, content_type)
  local ids, links = {}, {}
  local document = html.document(body, address, content_type)
  if not document then return nil, links end
  for _, selector in ipairs { "[id]::attr(id)", "a[name]::attr(name)" } do
    for _, name in ipairs(document:css(selector) or {}) do ids[name] = true end
  end
  for _, href in ipairs(document:css "a[href*='#']::attr(href), area[href*='#']::attr(href)" or {}) do
    if #links < FRAGMENTS_MOST then links[#links + 1] = href end
  end
  document:close()
  return ids, links
end

local function unescaped(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function note_fragments(self, links, base, page)
  for _, href in ipairs(links) do
    local fragment = href:match "#(.*%S)%s*$"
    local absolute = fragment and url.resolve(base, href)
    local target = absolute and url.normalize(absolute)
    target = target and self.targets[target]
    if target and target.page then
      local pages = target.fragments[fragment] or {}
      target.fragments[fragment] = pages
      if #pages < PAGES_SHOWN and pages[#pages] ~= page then table.insert(pages, page) end
    end
  end
end

-- An address that is no URL is a broken link, which nobody can ask for. One of another scheme is none of ours.
local function note_refused(self, refused, page)
  if refused.reason == "scheme" or refused.url:find "^%s*data:" then return end
  local target = self.targets[refused.url]
  if not target then
    target = { url = refused.url, pages = {}, page = false, fragments = {}, reason = "invalid_url" }
    self.targets[refused.url] = target
    table.insert(self.list, target)
  end
  if #target.pages < PAGES_SHOWN then table.insert(target.pages, page) end
end

local function read_page(self, target, response)
  local body, address, kind = response.body, response.url:gsub("#.*", ""), response.headers["content-type"]
  local fragments
  target.ids, fragments = read_fragments(body, address, kind)
  if not self.origins[origin_of(address)] then return end
  local scan = html.scan(body, address, { content_type = kind, tags = "all" })
  for _, link in ipairs(scan) do
    if link.tag ~= "form" then self:note(link.url, target.url, PAGE_TAGS[link.tag]) end
  end
  for _, refused in ipairs(scan.refused or {}) do
    if refused.tag ~= "form" then note_refused(self, refused, target.url) end
  end
  note_fragments(self, fragments, scan.base or address, target.url)
end

local function is_html(response)
  local kind = (response.headers["content-type"] or ""):lower():match "^%s*([^;%s]*)"
  return kind == "text/html" or kind == "application/xhtml+xml"
end

local function ask(self, method, address)
  return self.options.client:request { url = address, method = method, maxsize = PAGE_MOST, types = PAGE_TYPES,
    on_headers = function(head) -- one that names no type is no page either
      if method == "GET" and not is_html(head) then return "stop" end
    end }
end

-- Whether the site lets us ask: its robots.txt is asked for once.
function Site:allowed(address)
  if not self.options.robots then return true end
  local origin = origin_of(address)
  if not self.origins[origin] then return true end -- one request, as a reader's click
  if self.rules[origin] == nil then
    local asked = self.asker:ask(origin .. "/robots.txt")
    if self.rules[origin] == nil then
      self.rules[origin] = asked.answer == "parsed" and robots.parse(asked.body) or false
    end
  end
  local rules = self.rules[origin]
  return not rules or rules:allowed(address, self.agent)
end

-- Waits until the next request to that origin may start: by --delay, and by the Crawl-delay of its robots.txt.
function Site:wait_turn(origin)
  local rules = self.rules[origin]
  local asked = rules and rules:crawl_delay(self.agent) or 0
  local delay = math.max(self.options.delay, math.min(CRAWL_DELAY_MOST, asked))
  if delay == 0 then return end
  local now = rill.now()
  local start = math.max(now, self.next_starts[origin] or 0)
  self.next_starts[origin] = start + delay
  if start > now then rill.sleep(start - now) end
end

-- How long a server asks to be left alone; nil: it does not, or for too long.
local function pause_of(response)
  if not response or response.status ~= 429 and response.status ~= 503 then return nil end
  local pause = retry.retry_after(response.headers["retry-after"], os.time())
  return pause and pause <= PAUSE_MOST and pause or nil
end

-- A server that asks for patience gets it, from this request and those behind it.
local function ask_patiently(self, method, target)
  local origin = origin_of(target.url)
  local gate = self.gates[origin] or rill.semaphore(self.options.per_origin)
  self.gates[origin] = gate
  gate:acquire()
  local response, err, pause
  for _ = 1, PATIENCE do
    self:wait_turn(origin)
    response, err = ask(self, method, target.url)
    self.options.show(response, err)
    pause = pause_of(response)
    if not pause then break end
    rill.sleep(pause)
  end
  gate:release()
  return response, err
end

-- Asks for a target and looks at the answer.
function Site:visit(target)
  if not self:allowed(target.url) then
    target.refused = true
    return
  end
  local response, err = ask_patiently(self, target.page and "GET" or "HEAD", target)
  if response and not target.page and (response.status == 405 or response.status == 501) then
    response, err = ask_patiently(self, "GET", target)
  end
  if not response and not TOO_LONG[err.reason] then
    target.reason, target.message = err.reason, tostring(err)
    return
  end
  target.status, target.message = (response or err).status, err and tostring(err)
  if target.status >= 400 then
    target.reason = "status"
  elseif response and target.page and is_html(response) and response.body then
    read_page(self, target, response)
  end
end

local function add_broken_fragments(list, target)
  local names = {}
  for name in pairs(target.fragments) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local known = target.ids[name] or target.ids[unescaped(name)] or name:lower() == "top" or name:find "^:~:"
    if not known then
      list[#list + 1] = { url = target.url .. "#" .. name, status = target.status, reason = "fragment",
        pages = target.fragments[name] }
    end
  end
end

local function broken_of(self)
  local list, asked = {}, 0
  for _, target in ipairs(self.list) do
    if not target.refused then asked = asked + 1 end
    if target.reason then
      list[#list + 1] = { url = target.url, status = target.status, reason = target.reason, pages = target.pages,
        message = target.message }
    elseif target.ids then
      add_broken_fragments(list, target)
    end
  end
  return list, asked
end

--- Checks the sites of some URLs.
---@param starts string[] normalized
---@param options { client: rill.Client, external: boolean?, robots: boolean, concurrency: integer,
---  per_origin: integer, delay: number,
---  agent: string, show: function, exchange: function }
---@return { url: string, status: integer?, reason: string, pages: string[] }[] broken
---@return integer count of what was asked for
---@return string[] refused those of `starts` that robots.txt forbids
---@return string[] unread why pages that are there were not read
function M.check(starts, options)
  local self = setmetatable({ options = options, targets = {}, list = {}, queue = rill.queue(), origins = {},
    rules = {}, next_starts = {}, gates = {}, agent = options.agent }, Site)
  self.asker = asking.new(self.agent, clients.new(options.client), function() end,
    options.exchange)
  for _, start in ipairs(starts) do self.origins[origin_of(start)] = true end
  for _, start in ipairs(starts) do self:note(start, nil, true) end
  local function visit(target)
    self:visit(target)
    return true
  end
  for target, done, err in rill.map(self.queue, visit, { concurrency = options.concurrency }) do
    if not done then target.reason, target.message = target.reason or "error", tostring(err) end
  end
  local refused, unread = {}, {}
  for _, target in ipairs(self.list) do
    if target.message and not target.reason then unread[#unread + 1] = target.message end
  end
  for _, start in ipairs(starts) do
    if self.targets[start].refused then refused[#refused + 1] = start end
  end
  local broken, count = broken_of(self)
  return broken, count, refused, unread
end

return M
