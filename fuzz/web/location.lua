--- Redirects. Any bytes of a Location are a URL that can be sent or none; and whatever a chain of them is, what belongs
--- to an origin stays there, https stays https, methods and bodies follow the rules, and it ends.
local facts = require("rill.core.facts")
local ffi = require("rill.core.ffi")
local follow = require("rill.core.follow")
local headers = require("rill.headers")
local url = require("rill.url")
local pick = require("pick")

local PIECES = { "http:", "https:", "HTTPS:", "ftp:", "javascript:", "/", "//", "\\", ".", "..", "%2e", "%", "%41", "?",
  "#", "@", ":", "a", "b.c", "[::1]", "127.1", "\195\188", "\255", " ", "\t", "\r", "\n", "\1", "user:pw@", ":8080",
  "=", "&", "'", "|", "xn--", "\226\130\172" }
local PAGES = { "https://one.test/a/b?c#d", "https://one.test", "http://one.test:8080/x/../y", "https://[::1]/",
  "https://user:secret@one.test/a" }
local ORIGINS = { "https://one.test", "https://two.test", "https://one.test:444", "http://one.test", "ftp://one.test",
  "https://a.one.test", "https://user:other@two.test" }
local NEXT = { "/1", "/2", "/3", "?4", "5", "#6", "//two.test/7", "\\8" }
local STATUSES = { 301, 302, 303, 307, 308 }
local METHODS = { "GET", "HEAD", "POST", "PUT", "DELETE" }
local MAX_LOCATION = 8192 -- bytes
local LIMIT = 5 -- redirects
local TIME = 20 -- seconds that a chain has; each of its requests takes one
local timings = ffi.new("rill_timings", { total = 1 })

local function fields_of(location, ...)
  if not location then return headers.new(headers.block {}) end
  return headers.new(headers.block { "location", location, ... })
end

local function is_a_url_or_none()
  local location = pick.once_in(4) and pick.bytes(40) or pick.text(PIECES, 10)
  if pick.once_in(50) then location = ("a"):rep(math.random(MAX_LOCATION - 5, MAX_LOCATION + 5)) end
  location = location:gsub("[%z\r\n]", " ")
  local page, status = pick.of(PAGES), math.random(300, 310)
  local target = follow.target(status, fields_of(location, "location", "https://second.test/"), page)
  if not target then return end
  if #location > MAX_LOCATION or status > 308 or status == 300 or status > 303 and status < 307 then
    error(("%d %q is followed"):format(status, location))
  end
  local parts = url.parse(target)
  if not parts or target:find "[^\33-\126]" or url.resolve(page, target) ~= target then
    error(("%q on %s leads to %q"):format(location, page, target))
  end
  if parts.host == "second.test" then error(("%q on %s: the second one is followed"):format(location, page)) end
end

local function origin_of(address)
  local parts = url.parse(address)
  return ("%s://%s:%d"):format(parts.scheme, parts.host, parts.port)
end

-- What is next by RFC 9110 section 15.4, as browsers do it: the method, and whether the body goes along.
local function expected(status, method)
  local is_get = status == 303 and method ~= "GET" and method ~= "HEAD" or status < 303 and method == "POST"
  return is_get and "GET" or method, not is_get
end

-- One chain of redirects; `trail` describes it.
local function new_walk(page, method)
  local walk = { page = page, method = method, keeps = true, hops = 0, trail = { method .. " " .. page } }
  walk.origin, walk.secure = origin_of(page), page:find "^https" ~= nil
  walk.allowed = pick.once_in(3)
  return walk
end

local function fail(walk, why)
  error(("%s: %s"):format(table.concat(walk.trail, " -> "), why))
end

-- An answer: mostly another redirect.
local function answer(walk, hop)
  local status, location = pick.of(STATUSES), nil
  if pick.once_in(5) then
    status = 200
  else
    location = pick.once_in(2) and pick.of(ORIGINS) .. pick.of(NEXT) or pick.of(NEXT)
  end
  walk.status, walk.location = status, location
  walk.trail[#walk.trail + 1] = ("%d %s"):format(status, location or "")
  local response = { status = status, url = hop.url, headers = fields_of(location) }
  timings.left = TIME - 1 - walk.hops
  facts.keep(response, timings, 0, 1)
  return response
end

-- What the next request of a chain must be.
local function check_hop(walk, hop)
  local method, keeps = expected(walk.status, walk.method)
  walk.method, walk.keeps, walk.hops = method, walk.keeps and keeps, walk.hops + 1
  local home = origin_of(hop.url) == walk.origin
  local sent = headers.new(hop.block)
  if hop.method ~= method then fail(walk, "sent as " .. hop.method) end
  if (hop.body ~= nil) ~= walk.keeps or sent:has "content-type" ~= walk.keeps then fail(walk, "the body is wrong") end
  for _, name in ipairs { "authorization", "cookie", "proxy-authorization" } do
    if sent:has(name) ~= home then fail(walk, name .. " is wrong") end
  end
  if not sent:has "x-any" then fail(walk, "x-any is not sent") end
  if not home and hop.url:find("secret", 1, true) then fail(walk, "the password is sent") end
  local secure = hop.url:find "^https" ~= nil
  if walk.secure and not secure and not walk.allowed then fail(walk, "TLS is left") end
  walk.secure = secure
  if walk.hops > LIMIT then fail(walk, "it does not end") end
  if hop.given.timeout ~= TIME - walk.hops then
    fail(walk, "the time left is " .. hop.given.timeout)
  end
end

local function chain_keeps_the_rules()
  local walk = new_walk(pick.of(PAGES), pick.of(METHODS))
  local fields = { "authorization", "secret", "cookie", "secret", "proxy-authorization", "secret", "x-any", "1",
    "content-type", "text/plain" }
  local hop = { endpoint = { _hops = 0, _passed = 0, _allow_downgrade = walk.allowed }, call = "get",
    method = walk.method, url = walk.page, body = "body", fields = fields, block = headers.block(fields) }
  local response, err = follow.go(hop, answer(walk, hop), LIMIT, function(next_hop)
    check_hop(walk, next_hop)
    return answer(walk, next_hop)
  end)
  if err and (err.reason ~= "redirect" or #err.history ~= walk.hops + 1) then fail(walk, "fails: " .. tostring(err)) end
  if response and walk.hops > 0 and #response.history ~= walk.hops then fail(walk, "its history is not whole") end
end

return function() return pick.of { is_a_url_or_none, chain_keeps_the_rules } () end
