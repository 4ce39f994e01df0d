--- The client of a crawl, or its two: links are hostile input, so only the start URLs' own hosts may be private.
local address_of = require("rill.crawl.address")
local arguments = require("rill.core.arguments")
local descriptors = require("rill.crawl.descriptors")
local headers_of = require("rill.headers")
local hooks = require("rill.core.hooks")
local rill = require("rill")

local M = {}

-- An origin whose next page is due in seconds keeps its connection: another one would cost more than the page.
local CONNECTIONS = 2048
local LEAST = 512 -- the client's own default

local ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
local FORCED = { redirects = 0, retries = 0, retry_idempotent = false }

---@class rill.CrawlClients
---@field main rill.Client
---@field owned boolean made here, so closed here
---@field archive rill.CrawlArchive?
---@field guarded rill.Client? for hosts that no start URL names
---@field private _scope rill.CrawlScope
---@field private _fields table header fields of each request, where they are known
local Clients = {}
Clients.__index = Clients

--- Who asks that origin.
---@param origin string
---@return rill.Client
function Clients:of(origin)
  if self.guarded and not self._scope:is_start(origin) then return self.guarded end
  return self.main
end

--- Asks for a URL, and keeps what was exchanged where that is archived.
---@param address string
---@param options table of the request; a hook of chunks is replaced
---@return rill.Response?
---@return rill.Error? err
---@return rill.CrawlExchange? exchange
function Clients:get(address, options)
  local client = self:of(address_of.origin(address))
  if not self.archive then return client:get(address, options) end
  local exchange = self.archive:watch(address, options, self._fields)
  local response, err = client:get(address, options)
  exchange:done(response, err)
  return response, err, exchange
end

function Clients:close()
  if not self.owned then return end
  self.main:close()
  if self.guarded then self.guarded:close() end
end

local function copy(given)
  local options = {}
  for name, value in pairs(given) do options[name] = value end
  return options
end

local function has_accept(headers)
  for name, value in pairs(headers or {}) do
    if type(name) == "string" and name:lower() == "accept" then return true end
    if type(value) == "table" and type(value[1]) == "string" and value[1]:lower() == "accept" then return true end
  end
  return false
end

local function with_accept(headers)
  if has_accept(headers) then return headers end
  headers = copy(headers or {})
  if headers[1] then
    headers[#headers + 1] = { "accept", ACCEPT }
  else
    headers.accept = ACCEPT
  end
  return headers
end

-- As many as the descriptors allow: there may be two clients, and files.
local function connections()
  local limit = descriptors.limit()
  return limit and math.max(LEAST, math.min(CONNECTIONS, math.floor(limit / 4))) or LEAST
end

-- What both clients warn of as they are made is one warning; others name a URL. What cannot be called is given to
-- rill.client as it is, which raises.
local function once(hook)
  if hook and not arguments.is_callable(hook) then return hook end
  local given = {}
  return function(message, fields)
    if given[message] then return end
    given[message] = not fields.url or nil
    local to = hook or rill.on_warning
    if to then return to(message, fields) end
    hooks.write("warning", message)
  end
end

--- Makes what is asked with, or takes the client that was given.
---@param given table|rill.Client|nil the option `client`
---@param scope rill.CrawlScope
---@return rill.CrawlClients?
---@return rill.Error? err the client's: a file of certificates that is not there
function M.new(given, scope)
  if type(given) == "userdata" or type(given) == "table" and type(given.request) == "function" then
    return setmetatable({ main = given, owned = false, _scope = scope, _fields = {} }, Clients)
  end
  local options = copy(given or {})
  for name, value in pairs(FORCED) do options[name] = value end
  options.per_origin = nil
  options.timeout = options.timeout or 60
  options.max_connections = options.max_connections or connections()
  options.headers = with_accept(options.headers)
  local guarded = options.deny_private ~= false
  options.deny_private = false
  if options.lenient_eof == nil then options.lenient_eof = true end
  if guarded then options.on_warning = once(options.on_warning) end
  local fields = headers_of.fields("crawl: client.headers", options.headers)
  local main, err = rill.client(options)
  if not main then return nil, err end
  local self = setmetatable({ main = main, owned = true, _scope = scope, _fields = fields }, Clients)
  if guarded then
    options.deny_private = true
    self.guarded, err = rill.client(options)
  end
  if guarded and not self.guarded then
    main:close()
    return nil, err
  end
  return self
end

return M
