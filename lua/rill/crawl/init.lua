--- Crawls sites: `crawl { start = url, page = function(page) ... end }`. What it does stands in doc/crawl.md.
local address = require("rill.crawl.address")
local arguments = require("rill.core.arguments")
local clients = require("rill.crawl.clients")
local commit = require("rill.crawl.commit")
local conf = require("rill.crawl.conf")
local errors = require("rill.errors")
local fetch = require("rill.crawl.fetch")
local frontiers = require("rill.crawl.frontiers")
local guard = require("rill.core.guard")
local links = require("rill.crawl.links")
local loop = require("rill.crawl.loop")
local options_of = require("rill.crawl.options")
local outputs = require("rill.crawl.outputs")
local page_of = require("rill.crawl.page")
local progress = require("rill.crawl.progress")
local rill = require("rill")
local robots = require("rill.crawl.robots")
local save = require("rill.crawl.save")
local starts = require("rill.crawl.starts")
local stats = require("rill.crawl.stats")
local url = require("rill.url")
local worker = require("rill.crawl.worker")

local M = {}

---@class rill.Crawl
---@field client rill.Client
---@field clients rill.CrawlClients
---@field options table
---@field agent string
---@field frontier rill.CrawlFrontier
---@field outputs rill.CrawlOutputs
---@field commit rill.CrawlCommit
---@field counts rill.CrawlStats
---@field links rill.CrawlLinks
---@field robots rill.CrawlRobots
---@field fetch rill.CrawlFetch
---@field worker rill.CrawlWorker
---@field starts rill.CrawlStarts
---@field examples table<string, string> one URL per reason of skipping
---@field robots_allow fun(origin: string, url: string): boolean?
---@field private _loop rill.CrawlLoop?
---@field private _offset number seconds from the monotonic clock to the world's
---@field private _shown table<string, integer> messages of handlers, and how often
---@field private _waiting table[] added before the crawl ran
---@field private _unreadable rill.Error? why the state could not be asked for its options
---@field private _before integer pages of earlier runs
---@field private _scope_size integer
---@field private _final table? the frontier's last numbers
---@field private _signal string?
---@field private _state "new"|"running"|"done"
local Crawl = {}
Crawl.__index = Crawl

--- Seconds since 1970, and never backwards.
---@return number
function Crawl:clock()
  return rill.now() + self._offset
end

--- Writes one line to stderr, beside the progress.
---@param text string
function Crawl:say(text)
  progress.say(self, text)
end

--- Calls what a script has given; what it raises is shown once and counted.
---@param name string
---@param fn function
---@return boolean ok
---@return any value what it returned, or the error
function Crawl:guarded(name, fn, ...)
  local function trace(why)
    if why == rill.cancelled then return why end
    return { why = why, traceback = debug.traceback(tostring(why), 2) }
  end
  local arguments_of, count = { ... }, select("#", ...)
  local ok, value = xpcall(function() return fn(unpack(arguments_of, 1, count)) end, trace)
  if ok then return true, value end
  if value == rill.cancelled then error(value, 0) end
  local message = tostring(value.why)
  self._shown[message] = (self._shown[message] or 0) + 1
  if self._shown[message] == 1 then self:say(("the %s handler raised: %s"):format(name, value.traceback)) end
  return false, errors.new { reason = "handler", message = message, traceback = value.traceback }
end

-- Makes a link of a URL that a script gave.
local function link_of(self, given, fields)
  local link, wrong = self.links:identify(given)
  if not link then return nil, wrong == "silent" and "scheme" or wrong end
  link.depth, link.priority, link.meta, link.from = fields.depth, fields.priority, fields.meta, fields.from
  link.hops, link.attempts, link.free, link.again = 0, 0, 0, fields.again
  return link
end

--- A page wants a URL to be asked for.
---@private
---@param page rill.CrawlPage
---@param given string
---@param fields { priority: integer?, meta: any, again: boolean? }
---@return boolean followed
---@return string? reason
function Crawl:follow_from(page, given, fields)
  local link, wrong = link_of(self, given, { depth = page.depth + 1, from = page.url, priority = fields.priority,
    meta = fields.meta, again = fields.again })
  if not link then return false, wrong end
  if not link.again and self.frontier:known(link.high, link.low) then return false, "seen" end
  local reason = self.links:judge(link) or self.frontier:trap(link)
  if reason then
    self.commit:skip(link.url, reason, page.url, link.high, link.low)
    return false, reason
  end
  link.from_id = page:entry_id()
  page:note(link)
  return true
end

--- Takes a start URL in: it is in scope always.
---@private
---@param given string
---@return boolean valid
function Crawl:add_start(given)
  local link, wrong = link_of(self, given, { depth = 0 })
  if not link then
    self:say(("no start URL (%s): %s"):format(wrong, errors.show(given)))
    return false
  end
  self.options.scope:start(link.origin)
  self.commit:admit(link)
  return true
end

local ADD = { priority = true, meta = true, depth = true }

--- Has a URL asked for, whatever page named it. Scope, robots and traps apply.
---@param given string
---@param fields { priority: integer?, meta: any, depth: integer? }?
---@return boolean added
---@return string? reason
function Crawl:add(given, fields)
  if type(given) ~= "string" then errors.raise("crawl:add: url must be a string, got " .. errors.show(given)) end
  arguments.options("crawl:add: options", fields, ADD)
  fields = fields or {}
  page_of.check_meta("crawl:add", fields.meta)
  if not self.frontier then
    table.insert(self._waiting, { given, fields })
    return true
  end
  local link, wrong = link_of(self, given, { depth = fields.depth or 0, priority = fields.priority,
    meta = fields.meta })
  if not link then return false, wrong end
  local reason = self.links:judge(link)
  if reason then
    self.commit:skip(link.url, reason, nil, link.high, link.low)
    return false, reason
  end
  local ok, why = self.commit:admit(link)
  if self._loop then self._loop.bell:ring() end
  return ok, why
end

--- Writes an item to every output.
---@param item table
function Crawl:emit(item)
  page_of.check_item("crawl:emit", item)
  if not self.commit then errors.raise "crawl:emit: the crawl does not run" end
  self.commit:add_item(item)
  if self._loop then self._loop.bell:ring() end
end

--- Ends the crawl: what is in flight ends first, the rest stays in the state.
---@param reason string? ("stopped")
function Crawl:stop(reason)
  if self._loop then self._loop:drain(reason or "stopped") end
end

--- All counters.
---@return table
function Crawl:stats()
  if not self.counts then return stats.new(nil, rill.now()):snapshot({ queued = 0, in_flight = 0, origins = 0 }, 0) end
  return self.counts:snapshot(self._final or self.frontier:stats(), rill.now())
end

--- The hosts of start URLs, where they are more than at the last commit.
---@private
---@return string[]?
function Crawl:changed_scope()
  local list = self.options.scope:list()
  if #list == self._scope_size then return nil end
  self._scope_size = #list
  return list
end

---@private
function Crawl:save_page(page)
  local ok, err = save.page(self.options.save, page)
  if not ok then self:guarded("save", error, tostring(err)) end
end

local function watch_signals(self)
  if rill.runtime ~= "standalone" then return nil end
  return rill.spawn(function()
    self._signal = rill.signal("INT", "TERM")
    self._loop:drain("interrupted")
  end)
end

local function open_frontier(self)
  local options = self.options
  local frontier, err = frontiers.open(options, self:clock())
  if not frontier then return nil, err end
  self.frontier = frontier
  self.counts = stats.new(frontier.counters, rill.now())
  self._before = self.counts.counters.pages
  self.robots = robots.new(self.agent, self.clients, function(key) return frontier:origin(key) end)
  self.robots_allow = function(key, link)
    if not options.robots then return true end
    return self.robots:allowed(key, link)
  end
  self.links = links.new(options, self.robots_allow)
  self.fetch, self.worker = fetch.new(self), worker.new(self)
  return true
end

local function open(self)
  local ok, err = open_frontier(self)
  if not ok then return nil, err end
  self.outputs, err = outputs.open(self.options.out, self.frontier, function(text) self:say(text) end,
    function(...) return self:guarded(...) end)
  if not self.outputs then return nil, err end
  self.commit, err = commit.new(self)
  if not self.commit then return nil, err end
  return true
end

local function close(self)
  if self.commit then self.commit:close() end
  if self.outputs then self.outputs:close() end
  if self.frontier then
    self._final = self.frontier:stats()
    self.frontier:close()
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

local function add_sitemaps(self)
  local wanted = self.options.sitemaps
  if type(wanted) ~= "table" then return end
  for _, given in ipairs(wanted) do
    local link = self.links:identify(given)
    if link then
      link.kind, link.level, link.depth, link.hops, link.attempts, link.free = "sitemap", 1, 0, 0, 0, 0
      link.high, link.low = self.links:fingerprint(link)
      self.commit:admit(link)
    end
  end
end

-- Whoever runs a finished crawl again may wonder why nothing was fetched.
local function say_finished(self)
  if self.options.recrawl or self.frontier.fresh ~= false then return end
  self:say(self.options.state .. " is finished and nothing was fetched: recrawl (--recrawl) asks for all of it again")
end

local function summary(self, reason)
  local all = self:stats()
  if reason == "finished" and all.pages > 0 and all.failed == all.pages and all.failures.connect_failed then
    reason = "breaker"
  end
  all.reason, all.signal = reason, self._signal
  return all
end

local function run_loop(self)
  self._loop = loop.new(self, self.counts.counters.pages + self.frontier:stats().retrying)
  for _, waiting in ipairs(self._waiting) do self:add(waiting[1], waiting[2]) end
  add_sitemaps(self)
  local signals = watch_signals(self)
  local line = progress.start(self)
  local ok, reason = pcall(self._loop.run, self._loop)
  if signals then signals:cancel() end
  if line then line:cancel() end
  if not ok then error(reason, 0) end
  return reason
end

local function run(self)
  self._offset = os.time() - rill.now()
  prepare_scope(self)
  self.starts = starts.new(self.options.start)
  local ok, err = open(self)
  local reason
  if ok then
    reason = run_loop(self)
    err = self._loop.failure
    if not err and self.options.finish then self:guarded("finish", self.options.finish, self) end
    if not err and not self.commit:is_empty() then
      ok, err = self.commit:flush()
    end
  end
  if ok and not err and reason == "finished" and self.counts.counters.pages == self._before then say_finished(self) end
  close(self)
  if not ok or err then return nil, err end
  local all = summary(self, reason)
  progress.finish(self, all)
  return all
end

local function is_inside()
  local ok, err = pcall(rill.sleep, 0)
  return ok or err == rill.cancelled
end

--- Runs the crawl to its end. In a task it waits there; outside of one it runs the tasks itself.
---@return table? summary
---@return rill.Error? err reason "state", "output" or "start"; `path` names the file
function Crawl:run()
  if self._state ~= "new" then errors.raise "crawl:run: it has run already" end
  if self._unreadable then return nil, self._unreadable end
  if self.options.start == nil and not self._waiting[1] then errors.raise "crawl: start is missing" end
  self._state = "running"
  if is_inside() then return run(self) end
  return rill.run(run, self)
end

function Crawl:__tostring()
  local counters = self.counts and self.counts.counters
  return ("crawl: %d pages, %d failed"):format(counters and counters.pages or 0, counters and counters.failed or 0)
end

guard("crawl", Crawl, Crawl)

-- A state that is named alone brings its start URLs and options.
local function complete(given)
  if type(given) ~= "table" or given.start ~= nil or type(given.state) ~= "string" then return given end
  local file = io.open(given.state, "rb")
  if not file then return given end
  file:close()
  local kept, err = frontiers.read(given.state)
  if not kept then return given, err end
  return conf.merge(given, kept.conf)
end

--- Makes a crawl, which does not run yet.
---@param given table options: doc/crawl.md
---@return rill.Crawl
function M.new(given)
  local unreadable
  given, unreadable = complete(given)
  local options = options_of.check(given)
  local self = setmetatable({ options = options, examples = {}, _shown = {}, _waiting = {}, _state = "new",
    _unreadable = unreadable, _offset = 0, _scope_size = 0 }, Crawl)
  self.clients = clients.new(options.client, options.scope)
  self.client = self.clients.main
  local user_agent = type(options.client) == "table" and options.client.user_agent
  self.agent = robots.agent(options.robots_agent, type(user_agent) == "string" and user_agent or nil)
  return self
end

--- The counters of a state, also while its crawl runs.
---@param state string
---@return table? stats as crawl:stats() has them
---@return rill.Error? err reason "state"
function M.status(state)
  local kept, err = frontiers.read(state)
  if not kept then return nil, err end
  return stats.new(kept.counters, 0):snapshot({ queued = kept.queued, in_flight = 0, origins = kept.origins }, 0)
end

return setmetatable(M, {
  __call = function(_, given)
    return M.new(given):run()
  end,
})
