--- Requests by URL, over a pool of connections.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local endpoints = require("rill.core.endpoint")
local errors = require("rill.errors")
local lazy = require("rill.core.lazy")
local exchange = lazy.module("rill.core.exchange")
local jars = lazy.module("rill.core.jars")
local guard = require("rill.core.guard")
local runtime = require("rill.runtime")
local shown = lazy.module("rill.core.shown")

local M = {}

local REDIRECTS = 10 -- that one call follows, unless options say otherwise

local NOTES = C.RILL_EVENT_NOTES

local stats = ffi.new("rill_stats")
local COUNTS = {
  "connections", "connections_opened", "handshakes", "resumptions", "streams", "pending", "requests",
  "attempts", "responses", "bytes_sent", "bytes_received", "retries", "buffered",
}

---@class rill.Client: rill.Endpoint
---@field private _closed boolean?
---@field private _redirects integer that a call follows
---@field private _allow_downgrade boolean
---@field private _hops integer requests that went on with a call
---@field private _passed integer responses that no caller was given
local Client = {}
Client.__index = Client

-- Receives a client's warnings. Weak: the runtime holds it, and it must not hold the client.
local Warnings = { __mode = "v" }
Warnings.__index = Warnings

function Warnings:on_event(event)
  if event.type == NOTES then return endpoints.news(self.client) end
  endpoints.warn(self.client, "client", event)
end

local function create(options, id, failure)
  return C.rill_client_new(runtime.loop(), options, id, failure)
end

local function listen(client)
  local id = client._id
  runtime.watch(id.slot, id.generation, setmetatable({ client = client }, Warnings))
end

-- A client's calls follow redirects: see rill.core.follow.
local function equip(client, given)
  local limit = given.redirects
  if limit == nil then limit = REDIRECTS end
  client._redirects = limit or 0
  client._allow_downgrade = given.allow_downgrade or false
  client._hops, client._passed = 0, 0
  if given.cookies then jars.equip(client, given) end
end

--- Makes a client. Where requests may be made in another process, or later only, the core's object is made by the
--- first of them.
---@param given rill.ClientOptions? doc/reference/options.md; what is wrong with them is raised
---@return rill.Client?
---@return rill.Error? err a file that cannot be read (reason "file_error")
function M.new(given)
  if given == nil then given = {} end
  local endpoint, err = endpoints.new("rill.client", given, create, nil, runtime.makes_later and listen)
  if not endpoint then return nil, err end
  equip(endpoint, given)
  local client = setmetatable(endpoint, Client)
  if not client._later then listen(client) end
  return client
end

---@param url string
---@param given rill.RequestOptions? doc/reference/options.md
---@return rill.Response?
---@return rill.Error? err
function Client:get(url, given)
  return exchange.call(self, "client:get", "GET", url, nil, given)
end

---@param url string
---@param given rill.RequestOptions?
---@return rill.Response? response without a body
---@return rill.Error? err
function Client:head(url, given)
  return exchange.call(self, "client:head", "HEAD", url, nil, given)
end

---@param url string
---@param given rill.RequestOptions?
---@return rill.Response?
---@return rill.Error? err
function Client:delete(url, given)
  return exchange.call(self, "client:delete", "DELETE", url, nil, given)
end

---@param url string
---@param given rill.RequestOptions?
---@return rill.Response?
---@return rill.Error? err
function Client:options(url, given)
  return exchange.call(self, "client:options", "OPTIONS", url, nil, given)
end

---@param url string
---@param body string|table|function|nil as lua/rill/core/upload.lua says
---@param given rill.RequestOptions?
---@return rill.Response?
---@return rill.Error? err
function Client:post(url, body, given)
  return exchange.call(self, "client:post", "POST", url, body, given)
end

---@param url string
---@param body string|table|function|nil
---@param given rill.RequestOptions?
---@return rill.Response?
---@return rill.Error? err
function Client:put(url, body, given)
  return exchange.call(self, "client:put", "PUT", url, body, given)
end

---@param url string
---@param body string|table|function|nil
---@param given rill.RequestOptions?
---@return rill.Response?
---@return rill.Error? err
function Client:patch(url, body, given)
  return exchange.call(self, "client:patch", "PATCH", url, body, given)
end

--- Gets what a URL brings into a file: written beside it and renamed when complete, so no part of a body ever
--- stands under its name. Only a 2xx body is written; that of another status is the response's.
---@param url string
---@param path string
---@param given rill.DownloadOptions? without on_chunk; `method` ("GET"), `body`, `resume`,
---  `on_progress(received, total or nil)`
---@return rill.Response? response with `path`, and no body
---@return rill.Error? err reason "file_error" where the file cannot be written
function Client:download(url, path, given)
  return exchange.download(self, "client:download", url, path, given)
end

--- Sends a request and waits for the whole response.
---@param given rill.Request url, method ("GET"), body, and the options of a request
---@return rill.Response?
---@return rill.Error? err
function Client:request(given)
  return exchange.request(self, "client:request", given)
end

--- Opens a stream and returns it at once: queued, dialling or sent. It is never repeated.
---@param given rill.Request url, method ("GET"), body, and the options of a request
---@return rill.Stream?
---@return rill.Error? err reason "invalid_url"; "file_error" for the body's file
function Client:open(given)
  return exchange.open(self, "client:open", given)
end

--- Counts since the client was made; connections, streams, pending and buffered as they are now.
---@return table<string, number> counts and closed = {reason = count}
function Client:stats()
  local id = self._id
  if self._closed then errors.raise("client:stats: the client is closed") end
  if self._later then
    ffi.fill(stats, ffi.sizeof(stats))
  elseif C.rill_client_stats(runtime.loop_for(id.slot, "client:stats"), id.slot, id.generation, stats) ~= 0 then
    errors.raise("client:stats: the client is closed")
  end
  local counts = { closed = {} }
  for _, name in ipairs(COUNTS) do
    counts[name] = stats[name]
  end
  counts.requests, counts.responses = counts.requests - self._hops, counts.responses - self._passed
  for number = 1, C.RILL_REASONS - 1 do
    if stats.closed[number] > 0 then counts.closed[errors.reasons[number]] = stats.closed[number] end
  end
  return counts
end

--- Idle connections close gracefully; sent streams end as cancelled, unsent ones as inactive. May be
--- called twice; any other use afterwards raises.
function Client:close()
  if self._closed then return end
  self._closed = true
  if not self._later then C.rill_client_close(runtime.loop(), self._id.slot, self._id.generation) end
  endpoints.drop(self)
end

function Client:__tostring()
  return shown.client(self)
end

guard("client", Client, Client)

return M
