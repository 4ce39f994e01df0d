--- Crawls sites: `crawl { start = url, page = function(page) ... end }`. What it does stands in doc/crawl.md.
local arguments = require("rill.core.arguments")
local clients = require("rill.crawl.clients")
local conf = require("rill.crawl.conf")
local digest = require("rill.crawl.digest")
local errors = require("rill.errors")
local frontiers = require("rill.crawl.frontiers")
local guard = require("rill.core.guard")
local in_task = require("rill.crawl.in_task")
local json = require("rill.core.plain_json")
local options_of = require("rill.crawl.options")
local page_of = require("rill.crawl.page")
local progress = require("rill.crawl.progress")
local rill = require("rill")
local robots = require("rill.crawl.robots")
local run = require("rill.crawl.run")
local save = require("rill.crawl.save")
local stats = require("rill.crawl.stats")

local M = {}

local SHOWN_MOST = 100 -- messages of handlers, each with its traceback
local SHOWN_LENGTH = 4096 -- bytes of one, which may hold what a page has

---@class rill.Crawl
---@field client rill.Client? none where it cannot be made, which run() reports
---@field clients rill.CrawlClients?
---@field options table
---@field agent string
---@field frontier rill.CrawlFrontier
---@field outputs rill.CrawlOutputs
---@field commit rill.CrawlCommit
---@field archive rill.CrawlArchive?
---@field counts rill.CrawlStats
---@field links rill.CrawlLinks
---@field robots rill.CrawlRobots
---@field written rill.CrawlWritten
---@field scan rill.CrawlScan
---@field fetch rill.CrawlFetch
---@field worker rill.CrawlWorker
---@field starts rill.CrawlStarts
---@field examples table<string, string> one URL per reason of skipping
---@field robots_allow fun(origin: string, url: string): boolean?
---@field on_exchange fun(kind: "page"|"robots"|"sitemap", url: string, status: integer?, err: any, pause: number?)?
---  is called after each; pause: seconds, it is asked for again
---@field loop rill.CrawlLoop?
---@field offset number seconds from the monotonic clock to the world's
---@field quiet boolean? nothing is said but what went wrong
---@field private _shown table<string, boolean> messages of handlers
---@field private _shown_count integer
---@field waiting table[] added before the crawl ran
---@field private _unusable rill.Error? why the state could not be asked for its options, or there is no client
---@field before integer pages of earlier runs
---@field private _scope_size integer
---@field final table? the frontier's last numbers
---@field signal string?
---@field stopped string? why, where stop() was called
---@field private _state "new"|"running"|"done"
local Crawl = {}
Crawl.__index = Crawl

--- Seconds since 1970, and never backwards.
---@return number
function Crawl:clock()
  return rill.now() + self.offset
end

--- Writes one line to stderr, beside the progress.
---@param text string
function Crawl:say(text)
  progress.say(self, text)
end

--- Reports an exchange, where somebody looks.
---@param kind string
---@param address string
---@param status integer?
---@param err rill.Error?
---@param again { due: number }?
function Crawl:exchanged(kind, address, status, err, again)
  if self.on_exchange then self.on_exchange(kind, address, status, err, again and again.due - self:clock()) end
end

local function shown(why)
  local text = tostring(why)
  return #text > SHOWN_LENGTH and text:sub(1, SHOWN_LENGTH) .. "..." or text
end

local function trace(why)
  if why == rill.cancelled then return why end
  return { why = why, traceback = debug.traceback(shown(why), 2) }
end

--- Calls what a script has given; what it raises is shown once and counted.
---@param name string
---@param fn function
---@return boolean ok
---@return any value what it returned, or the error
function Crawl:guarded(name, fn, ...)
  local ok, value = xpcall(fn, trace, ...)
  if ok then return true, value end
  if value == rill.cancelled then error(value, 0) end
  local key = shown(value.why)
  if not self._shown[key] and self._shown_count < SHOWN_MOST then
    self._shown[key], self._shown_count = true, self._shown_count + 1
    self:say(("the %s handler raised: %s"):format(name, value.traceback))
    if self._shown_count == SHOWN_MOST then self:say "what handlers raise is only counted from here on" end
  end
  return false, errors.new { reason = "handler", message = tostring(value.why), traceback = value.traceback }
end

-- Makes a link of a URL that a script gave; what is none is counted, but for mailto: and its kind.
local function link_of(self, given, fields)
  local link, wrong = self.links:identify(given)
  if not link then
    if wrong == "silent" then return nil, "scheme" end
    if not fields.uncounted then self.commit:skip(given, wrong, fields.from, digest(given)) end
    return nil, wrong
  end
  link.depth, link.priority, link.from = fields.depth, fields.priority, fields.from
  link.meta = json.copy(fields.meta)
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
  local seen = page:has_named(link.high, link.low) or self.frontier:is_seen(link.high, link.low, link)
  if seen and not link.again then return false, "seen" end
  if seen and self.options.depth then link.depth = math.min(link.depth, self.options.depth) end -- it keeps its own
  local reason = self.links:judge(link) or not seen and self.frontier:trap(link)
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
  local link, wrong = nil, "invalid"
  if type(given) == "string" then link, wrong = link_of(self, given, { depth = 0, uncounted = true }) end
  if not link then
    local text = tostring(given)
    self:say(("no start URL (%s): %s"):format(wrong, errors.show(given)))
    self.counts:add "invalid"
    self.commit:skip(text, wrong, nil, digest(text))
    return false
  end
  self.options.scope:start(link.origin)
  self.links:count(link)
  link.start = true
  if self.commit:admit(link) then self.starts:wait() end
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
  page_of.check_link("crawl:add", fields)
  local depth = fields.depth or 0
  if type(depth) ~= "number" or depth % 1 ~= 0 or depth < 0 then
    errors.raise("crawl:add: depth must be a whole number, got " .. errors.show(depth))
  end
  if not self.frontier then
    table.insert(self.waiting, { given, fields })
    return true
  end
  local link, wrong = link_of(self, given, { depth = depth, priority = fields.priority,
    meta = fields.meta })
  if not link then return false, wrong end
  local reason = self.links:judge(link)
  if reason then
    self.commit:skip(link.url, reason, nil, link.high, link.low)
    return false, reason
  end
  local ok, why = self.commit:admit(link)
  if self.loop then self.loop.bell:ring() end
  return ok, why
end

--- Writes an item to every output.
---@param item table
function Crawl:emit(item)
  item = page_of.check_item("crawl:emit", item)
  if not self.commit then errors.raise "crawl:emit: the crawl does not run" end
  self.commit:add_item(item)
  if self.loop then self.loop.bell:ring() end
end

--- Ends the crawl: what is in flight ends first, the rest stays in the state.
---@param reason string? ("stopped")
function Crawl:stop(reason)
  self.stopped = self.stopped or reason or "stopped"
  if self.frontier and self.frontier.stop then self.frontier:stop(self.stopped) end
  if self.loop then self.loop:drain(self.stopped) end
end

--- All counters.
---@return table
function Crawl:stats()
  if not self.counts then return stats.new(nil, rill.now()):snapshot({ queued = 0, in_flight = 0, origins = 0 }, 0) end
  return self.counts:snapshot(self.final or self.frontier:stats(), rill.now())
end

--- The hosts of start URLs, where they are more than at the last commit.
---@private
---@return string[]?
function Crawl:changed_scope()
  local scope = self.options.scope
  if scope.size == self._scope_size then return nil end
  self._scope_size = scope.size
  return scope:list()
end

--- Writes a page's body where `save` says. One that cannot be written is named; a full disk ends the crawl.
---@private
---@param page rill.CrawlPage
---@return boolean ok
---@return rill.Error? err
function Crawl:save_page(page)
  local ok, err = save.page(self.options.save, page)
  if ok then return true end
  if err.kind == "full" then return false, err end
  self:say(("cannot save %s: %s"):format(page.url, err.message))
  return true
end

--- Runs the crawl to its end. In a task it waits there; outside of one it runs the tasks itself.
---@return table? summary
---@return rill.Error? err reason "state", "output" or "start", or that of the client; `path` names the file
function Crawl:run()
  if self._state ~= "new" then errors.raise "crawl:run: it has run already" end
  if self._unusable then
    if self.clients then self.clients:close() end
    return nil, self._unusable
  end
  if self.options.start == nil and not self.waiting[1] then
    local state = self.options.state
    errors.raise("crawl: start is missing" .. (state and ", and no state brings it: " .. frontiers.shown(state) or ""))
  end
  self._state = "running"
  return in_task(run, self)
end

function Crawl:__tostring()
  local counters = self.counts and self.counts.counters
  return ("crawl: %d pages, %d failed"):format(counters and counters.pages or 0, counters and counters.failed or 0)
end

guard("crawl", Crawl, Crawl)

-- A state that is named alone brings its start URLs and options.
local function complete(given)
  if type(given) ~= "table" or given.start ~= nil or given.state == nil then return given end
  if not frontiers.is_shared(given.state) then
    local file = io.open(given.state, "rb")
    if not file then return given end
    file:close()
  end
  local kept, err = frontiers.read(given.state)
  if not kept then return given, err.kind ~= "none" and err or nil end
  return conf.merge(given, kept.conf)
end

--- Makes a crawl, which does not run yet.
---@param given rill.CrawlOptions doc/reference/crawl.md
---@return rill.Crawl
function M.new(given)
  local unusable
  given, unusable = complete(given)
  local options = options_of.check(given)
  local self = setmetatable({ options = options, examples = {}, _shown = {}, _shown_count = 0, waiting = {},
    _state = "new", offset = 0, _scope_size = 0 }, Crawl)
  local made, err = clients.new(options.client, options.scope)
  self._unusable = unusable or err
  self.clients, self.client = made, made and made.main
  local user_agent = type(options.client) == "table" and options.client.user_agent
  self.agent = robots.agent(options.robots_agent, type(user_agent) == "string" and user_agent or nil)
  return self
end

M.join = require("rill.crawl.join")

--- The counters of a state, also while its crawl runs.
---@param state string|string[]
---@return table? stats as crawl:stats() has them
---@return rill.Error? err reason "state"
function M.status(state)
  frontiers.check("crawl.status", state)
  local kept, err = frontiers.read(state)
  if not kept then return nil, err end
  return stats.new(kept.counters, 0):snapshot({ queued = kept.queued, in_flight = 0, origins = kept.origins }, 0)
end

return setmetatable(M, {
  __call = function(_, given)
    return M.new(given):run()
  end,
})
