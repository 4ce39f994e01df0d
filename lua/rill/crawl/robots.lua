--- robots.txt of the origins of a crawl: asked for once a day each, what is allowed, what came of asking.
local rill = require("rill")
local url = require("rill.url")

local M = {}

local MAX_BYTES = 500 * 1024 -- what is read of one
local MAX_HOPS = 5
local MAX_PARSED = 1000 -- origins whose rules are kept parsed
local MAX_PARSED_BYTES = 2 * 2 ^ 20 -- that these were: parsed they take up to 40 times as many

local found, parser = pcall(require, "rill.robots")

---@class rill.CrawlRobots
---@field private _agent string
---@field private _clients rill.CrawlClients
---@field private _origins fun(key: string): rill.CrawlOrigin
---@field private _report fun(address: string, status: integer?, err: any)
---@field private _parsed table<string, table>
---@field private _count integer
---@field private _bytes integer
local Robots = {}
Robots.__index = Robots

local function parsed_of(self, o)
  local parsed = self._parsed[o.key]
  if parsed and parsed.at == o.robots.at then return parsed.rules end
  local body = o.robots.body
  if self._count >= MAX_PARSED or self._bytes + #body > MAX_PARSED_BYTES then
    self._parsed, self._count, self._bytes = {}, 0, 0
  end
  local rules = found and parser.parse(body) or nil
  self._parsed[o.key] = { at = o.robots.at, rules = rules }
  self._count, self._bytes = self._count + 1, self._bytes + #body
  return rules
end

--- Whether a URL may be asked for.
---@param key string origin
---@param link string
---@return boolean? allowed nil: not known yet
function Robots:allowed(key, link)
  local o = self._origins(key)
  if not o or not o.robots then return nil end
  if not o.robots.body or o.robots.body == "" then return true end
  local rules = parsed_of(self, o)
  return not rules or rules:allowed(link, self._agent)
end

-- Reads at most the first 500 KiB: a longer one is cut, not refused.
local function get(self, address, exchanges)
  local parts, size = {}, 0
  local head
  local response, err, exchange = self._clients:get(address, {
    redirects = 0, maxsize = 0,
    on_headers = function(of) head = of end,
    on_chunk = function(chunk)
      parts[#parts + 1], size = chunk, size + #chunk
      if size >= MAX_BYTES then return "stop" end
    end,
  })
  if exchanges then exchanges[#exchanges + 1] = exchange end
  self._report(address, (head or response or {}).status, err)
  if not response then return nil, err end
  return head or response, nil, table.concat(parts):sub(1, MAX_BYTES)
end

local function next_hop(address, head)
  local location = head.headers["location"]
  local target = location and url.resolve(address, location)
  target = target and url.normalize(target)
  return target and target:find "^https?://" and target
end

local function of_status(status, body)
  if status >= 200 and status < 300 then return { answer = "parsed", body = body } end
  if status == 429 or status >= 500 then return { answer = "wait" } end
  return { answer = "allow" } -- 4xx, and redirects that lead nowhere
end

--- Asks for an origin's robots.txt.
---@param address string
---@param exchanges table[] gets what is archived
---@return table robots answer, body, err
---@return table? head of the last answer
function Robots:ask(address, exchanges)
  local head, err, body
  for _ = 0, MAX_HOPS do
    head, err, body = get(self, address, exchanges)
    if not head then return { answer = "lost", err = err } end
    if head.status < 300 or head.status >= 400 then return of_status(head.status, body), head end
    address = next_hop(address, head)
    if not address then break end
  end
  return { answer = "allow" }, head
end

--- What a robots.txt says beside its rules.
---@param body string?
---@return number? delay
---@return string[] sitemaps
function Robots:read(body)
  if not found or not body then return nil, {} end
  local rules = parser.parse(body)
  return rules:crawl_delay(self._agent), rules.sitemaps or {}
end

--- The product token of a user agent: up to its slash.
---@param given string?
---@param user_agent string?
---@return string
function M.agent(given, user_agent)
  return given or (user_agent or "rill/" .. rill.version):match "^%s*([^/%s]*)"
end

---@param agent string
---@param clients rill.CrawlClients
---@param origins fun(key: string): rill.CrawlOrigin
---@param report fun(address: string, status: integer?, err: any) is called after each exchange
---@return rill.CrawlRobots
function M.new(agent, clients, origins, report)
  return setmetatable({ _agent = agent, _clients = clients, _origins = origins, _report = report, _parsed = {},
    _count = 0, _bytes = 0 }, Robots)
end

return M
