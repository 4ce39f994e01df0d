--- A crawl from its first moment to its last: what is opened, run and closed, and what is said at the end.
local address = require("rill.crawl.address")
local C = require("rill.clib")
local code_room = require("rill.crawl.code_room")
local commit = require("rill.crawl.commit")
local errors = require("rill.errors")
local fetch = require("rill.crawl.fetch")
local frontiers = require("rill.crawl.frontiers")
local large_pages = require("rill.crawl.large_pages")
local links = require("rill.crawl.links")
local loop = require("rill.crawl.loop")
local options_of = require("rill.crawl.options")
local outputs = require("rill.crawl.outputs")
local progress = require("rill.crawl.progress")
local rill = require("rill")
local robots = require("rill.crawl.robots")
local scan = require("rill.crawl.scan")
local starts = require("rill.crawl.starts")
local stats = require("rill.crawl.stats")
local url = require("rill.url")
local worker = require("rill.crawl.worker")
local written = require("rill.crawl.written")

local function watch_signals(self)
  if rill.runtime ~= "standalone" then return nil end
  return rill.spawn(function()
    self.signal = rill.signal("INT", "TERM")
    self.loop:drain("interrupted")
    if self.pictures then self.pictures:write() end -- with a second signal the process is gone
  end)
end

-- What a script says of an origin; where that raises, nothing is said.
local function guard_policy(self)
  local of = self.options.policy
  self.options.policy = function(origin)
    local ok, policy = self:guarded("per_origin", of, origin)
    return ok and policy or options_of.policy()
  end
end

local function open_frontier(self)
  local options = self.options
  guard_policy(self)
  local frontier, err = frontiers.open(options, self:clock())
  if not frontier then return nil, err end
  self.frontier = frontier
  self.counts = stats.new(frontier.counters, rill.now())
  self.before = self.counts.counters.pages
  self.robots = robots.new(self.agent, self.clients, function(key) return frontier:origin(key) end,
    function(...) self:exchanged("robots", ...) end)
  self.robots_allow = function(key, link)
    if not options.robots then return true end
    return self.robots:allowed(key, link)
  end
  self.links = links.new(options, self.robots_allow)
  self.written = written.new(self)
  self.scan = scan.new(options, self.written, self.agent)
  self.fetch, self.worker = fetch.new(self), worker.new(self)
  return true
end

-- What the archive says of itself.
local function about(self)
  local client = self.options.client
  local given = type(client) == "table" and client.user_agent
  return { agent = type(given) == "string" and given or "rill/" .. rill.version, robots = self.options.robots,
    version = rill.version }
end

local function open(self)
  outputs.check(self.options.out)
  local ok, err = open_frontier(self)
  if not ok then return nil, err end
  self.outputs, err = outputs.open(self.options.out, self.frontier, function(text) self:say(text) end,
    function(...) return self:guarded(...) end)
  if not self.outputs then return nil, err end
  if self.options.warc then
    self.archive, err = require("rill.crawl.archive").open(self.options.warc, self.frontier, about(self),
      function() return self:clock() end)
    if not self.archive then return nil, err end
    self.clients.archive = self.archive
  end
  if self.options.save then
    ok, err = require("rill.crawl.save").open(self.options.save)
    if not ok then return nil, err end
  end
  if self.options.har or self.options.waterfall then
    self.pictures, err = require("rill.crawl.pictures").open(self.options, self.clients, self.frontier.worker)
    if not self.pictures then return nil, err end
  end
  self.commit, err = commit.new(self)
  if not self.commit then return nil, err end
  return true
end

-- `failed`: files that were made and have nothing are not left, where they would be in the way of the next try.
local function close(self, failed)
  if self.commit then self.commit:close(failed) end
  if self.outputs then self.outputs:close(failed) end
  if self.archive then self.archive:close(failed) end
  if self.pictures then self.pictures:close() end
  if self.frontier then
    self.frontier:close(self.counts and self.counts.counters)
    self.final = self.frontier:stats()
  end
  self.clients:close()
end

-- Start URLs' hosts are known before the first is asked for: a link between two of them is in scope.
local function prepare_scope(self)
  for _, given in ipairs(starts.known(self.options.start)) do
    local normal = type(given) == "string" and url.normalize(given)
    local origin = normal and address.origin(normal)
    if origin then self.options.scope:start(origin) end
  end
end

-- Those that are named; "auto" needs no robots.txt.
local function sitemaps_of(self)
  local wanted = self.options.sitemaps
  if type(wanted) == "table" then return wanted end
  if wanted ~= "auto" or self.options.robots then return {} end
  local list, known = {}, {}
  for _, given in ipairs(starts.known(self.options.start)) do
    local normal = url.normalize(given)
    local origin = normal and address.origin(normal)
    if origin and not known[origin] then
      known[origin] = true
      list[#list + 1] = origin .. "/sitemap.xml"
    end
  end
  return list
end

local function add_sitemaps(self)
  for _, given in ipairs(sitemaps_of(self)) do
    local link, wrong = self.links:identify(given)
    if not link then self:say(("no sitemap's URL (%s): %s"):format(wrong, errors.show(given))) end
    if link then
      link.kind, link.level, link.depth, link.hops, link.attempts, link.free = "sitemap", 1, 0, 0, 0, 0
      link.high, link.low = self.links:fingerprint(link)
      self.commit:admit(link)
    end
  end
end

-- Whoever runs a finished crawl again may wonder why nothing was fetched.
local function say_finished(self)
  if self.quiet or self.options.recrawl or self.frontier.fresh ~= false then return end
  self:say(("%s is finished and nothing was fetched: recrawl (--recrawl) asks for all of it again"):format(
    frontiers.shown(self.options.state)))
end

local function summary(self, reason)
  local all = self:stats()
  if reason == "finished" and all.pages > 0 and all.failed == all.pages and all.failures.connect_failed then
    reason = "breaker"
  end
  all.reason, all.signal = reason, self.signal
  return all
end

local function run_loop(self)
  self.loop = loop.new(self, self.counts.counters.pages + self.frontier:stats().retrying)
  if self.stopped then self.loop:drain(self.stopped) end
  for _, waiting in ipairs(self.waiting) do self:add(waiting[1], waiting[2]) end
  add_sitemaps(self)
  local signals = watch_signals(self)
  local line = progress.start(self)
  local ok, reason = pcall(self.loop.run, self.loop)
  if signals then signals:cancel() end
  if line then line:cancel() end
  if not ok then error(reason, 0) end
  return reason
end

-- Nothing was there to begin with.
local function start_error(self)
  local counters = self.counts.counters
  if self.starts.valid > 0 or counters.pages > 0 or self.frontier.fresh == false and next(counters.skipped) then
    return nil
  end
  if self.waiting[1] or type(self.options.sitemaps) == "table" then return nil end
  return errors.new { reason = "start", message = self.starts.count == 0 and "there is no start URL"
    or "no start URL can be asked for" }
end

local function crawl_all(self)
  local ok, err = open(self)
  if not ok then return nil, err end
  local reason = run_loop(self)
  err = self.loop.failure or reason == "finished" and start_error(self) or nil
  if err then return nil, err end
  if self.options.finish then self:guarded("finish", self.options.finish, self) end
  ok, err = self.commit:flush()
  if ok and self.pictures then ok, err = self.pictures:write() end
  if not ok then return nil, err end
  if reason == "finished" and self.counts.counters.pages == self.before then say_finished(self) end
  return reason
end

--- Runs a crawl, in a task.
---@param self rill.Crawl
---@return table? summary
---@return rill.Error? err
return function(self)
  code_room()
  large_pages()
  C.rill_outlive_file_limit()
  self.offset = os.time() - rill.now()
  prepare_scope(self)
  self.starts = starts.new(self.options.start)
  local done, reason, err = pcall(crawl_all, self)
  close(self, not (done and reason))
  if not done then error(reason, 0) end
  if not reason then return nil, err end
  local all = summary(self, reason)
  progress.finish(self, all)
  return all
end

