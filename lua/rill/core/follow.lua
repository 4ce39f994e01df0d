--- Redirects (RFC 9110 section 15.4): which of them are followed, and what of a request goes on with them. Only calls
--- of clients follow them. Nothing here is reached by a response that is no redirect.
local errors = require("rill.errors")
local facts = require("rill.core.facts")
local headers = require("rill.headers")
local jars = require("rill.core.jars")
local lazy = require("rill.core.lazy")
local events = lazy.module("rill.core.events")
local request = lazy.module("rill.core.request")
local upload = lazy.module("rill.core.upload")
local url = lazy.module("rill.url")

local M = {}

local MAX_LOCATION = 8 * 1024 -- bytes; a longer one is not followed
local FOLLOWED = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }
local KEEPS_BODY = { [307] = true, [308] = true }
local SECRET = { authorization = true, cookie = true, ["proxy-authorization"] = true, host = true } -- of one origin
local OF_BODY = { expect = true, trailer = true, digest = true, ["repr-digest"] = true } -- and content-*

---@class rill.Hop what is sent next
---@field endpoint rill.Client
---@field call string
---@field method string
---@field url string
---@field body any
---@field given table? options of the call
---@field path string? of a download
---@field block string header block

--- A call goes on with another request: what it was answered is none that the caller is given.
---@param client rill.Endpoint
---@param answered boolean it counts among the client's responses
function M.count(client, answered)
  client._hops = client._hops + 1
  if answered then client._passed = client._passed + 1 end
end

--- How many redirects a call follows.
---@param endpoint rill.Endpoint
---@param given table?
---@return integer
function M.limit(endpoint, given)
  local default = endpoint._redirects
  if not default then return 0 end -- a connection
  local own = given and given.redirects
  if own == nil then return default end
  return own or 0
end

--- Where a response says that its request goes on: an absolute URL of whatever scheme.
---@param status integer
---@param fields rill.Headers
---@param base string the URL that was asked for
---@return string? address nil: the response is the answer
function M.target(status, fields, base)
  if not FOLLOWED[status] then return nil end
  local location = fields:get("location")
  if not location or #location > MAX_LOCATION then return nil end
  return (url.resolve(base, location))
end

local function origin_of(parts)
  return ("%s://%s:%d"):format(parts.scheme, parts.host, parts.port)
end

local function without_fragment(address)
  return (address:gsub("#.*$", ""))
end

-- A request as the server sees it.
local function key_of(method, parts)
  return ("%s %s%s"):format(method, origin_of(parts), parts.target)
end

-- A redirect of this chain that cannot be followed.
local function refused(chain, kind, message)
  local hop = chain.hop
  hop.endpoint._passed = hop.endpoint._passed + 1
  return nil, errors.new { reason = "redirect", kind = kind, message = message, url = hop.url, method = hop.method,
    status = chain.status, processed = "yes", attempts = chain.attempts, history = chain.history }
end

local function begin(hop, limit)
  local parts = url.parse(hop.url)
  local fragment = hop.url:match("#(.*)$")
  hop.url = without_fragment(hop.url)
  return {
    hop = hop,
    limit = limit,
    origin = origin_of(parts),
    userinfo = parts.userinfo,
    fragment = fragment,
    fields = hop.fields,
    given = hop.given,
    history = {},
    seen = { [key_of(hop.method, parts)] = true },
    attempts = 0,
    total = 0, -- seconds of the hops so far
    left = 0, -- seconds of `timeout`; 0: there is no limit
  }
end

-- Notes what a redirect was and has cost.
local function note(chain, response)
  chain.status = response.status
  chain.history[#chain.history + 1] = { url = response.url, status = response.status, headers = response.headers }
  chain.attempts = chain.attempts + facts.attempts(response)
  chain.total = chain.total + facts.timings(response).total
  chain.left = facts.left(response)
end

local function check_scheme(chain, parts, address)
  local from = chain.hop.url:match("^%a+")
  if parts.scheme ~= "http" and parts.scheme ~= "https" then
    return refused(chain, "scheme", ("it leads to %s, whose scheme %s is not followed: http and https are")
      :format(errors.show(errors.shown(address)), parts.scheme))
  end
  local given = chain.given and chain.given.allow_downgrade
  if given == nil then given = chain.hop.endpoint._allow_downgrade end
  if from:lower() == "https" and parts.scheme == "http" and not given then
    return refused(chain, "scheme", ("it leads from https to http, %s: allow_downgrade is not set")
      :format(errors.show(errors.shown(address))))
  end
  return true
end

-- What the next request is: its method, and whether the body goes with it.
local function next_method(status, method)
  if KEEPS_BODY[status] then return method, true end
  if status == 303 then
    if method == "GET" or method == "HEAD" then return method, true end
    return "GET", false
  end
  if method == "POST" then return "GET", false end
  return method, true
end

local function drop_body(chain)
  chain.hop.body = nil
  local kept = {}
  for i = 1, #chain.fields, 2 do
    local name = chain.fields[i]
    if not OF_BODY[name] and name:sub(1, 8) ~= "content-" then
      kept[#kept + 1], kept[#kept + 2] = name, chain.fields[i + 1]
    end
  end
  chain.fields = kept
  chain.bodiless = true
end

-- The options of the next hop: those of the call, with what is left of its time.
local function options_of(chain)
  local own = {}
  for name, value in pairs(chain.given or {}) do own[name] = value end
  if chain.bodiless then own.trailers = nil end
  if chain.left > 0 then own.timeout = chain.left end
  return own
end

local function fields_for(chain, away)
  if not away then return chain.fields end
  local kept = {}
  for i = 1, #chain.fields, 2 do
    if not SECRET[chain.fields[i]] then kept[#kept + 1], kept[#kept + 2] = chain.fields[i], chain.fields[i + 1] end
  end
  return kept
end

local function advance(chain, parts, address)
  local hop, away = chain.hop, origin_of(parts) ~= chain.origin
  chain.fragment = parts.fragment or chain.fragment
  hop.url = without_fragment(address)
  if not away and chain.userinfo and not parts.userinfo then
    hop.url = hop.url:gsub("^(%a+://)", function(lead) return lead .. chain.userinfo .. "@" end)
  end
  hop.given = options_of(chain)
  local fields = fields_for(chain, away)
  if hop.endpoint._jar then fields = jars.with_cookie(hop.endpoint._jar, hop.url, fields) end
  hop.block = headers.block(fields)
end

-- Makes the chain's hop the next one, or says why there is none.
local function step(chain, address)
  local parts = url.parse(address)
  local ok, err = check_scheme(chain, parts, address)
  if not ok then return nil, err end
  local hop = chain.hop
  local method, keeps = next_method(chain.status, hop.method)
  if keeps and hop.body ~= nil and not upload.is_repeatable(hop.body) then
    return refused(chain, "body", ("it leads to %s, and the body cannot be sent again")
      :format(errors.show(errors.shown(address))))
  end
  local key = key_of(method, parts)
  if chain.seen[key] then
    return refused(chain, "loop", ("it leads back to %s"):format(errors.show(errors.shown(address))))
  end
  if #chain.history > chain.limit then
    return refused(chain, "too_many", ("%d redirects were followed, no more are allowed"):format(chain.limit))
  end
  chain.seen[key] = true
  hop.method = method
  if not keeps then drop_body(chain) end
  advance(chain, parts, address)
  return true
end

-- The answer of the whole call: its times and attempts are those of all hops.
local function finish(chain, response)
  facts.add_before(response, chain.total, chain.attempts)
  response.history = chain.history
  response._fragment = chain.fragment
  return response
end

local function fail(chain, err)
  err.history = chain.history
  err.attempts = (err.attempts or 0) + chain.attempts
  return nil, err
end

--- Follows redirects.
---@param hop rill.Hop what was sent; `fields` is the flat list that its block was made of
---@param response rill.Response what came
---@param limit integer
---@param send fun(hop: rill.Hop): rill.Response?, rill.Error?
---@return rill.Response?
---@return rill.Error? err reason "redirect", or that of a later hop
function M.go(hop, response, limit, send)
  local address = M.target(response.status, response.headers, hop.url)
  if not address then return response end
  local chain = begin(hop, limit)
  while address do
    local from = hop.url
    note(chain, response)
    local ok, err = step(chain, address)
    if not ok then return nil, err end
    err = request.closed(hop.endpoint, hop.method, hop.url)
    if err then return fail(chain, err) end
    M.count(hop.endpoint, true)
    if hop.endpoint._on_event then
      events.redirect(hop.endpoint, from, response.status, response.headers:get("location"))
    end
    response, err = send(hop)
    if not response then return fail(chain, err) end
    address = M.target(response.status, response.headers, hop.url)
  end
  return finish(chain, response)
end

return M
