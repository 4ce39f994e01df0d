--- URLs as RFC 3986 has them, forgiving as browsers are with scraped links. The reading is done in C
--- (src/url/url.c): requests use the same.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local suffix = require("rill.core.suffix")

local M = {}

-- One of each for all calls: none of them waits.
local ROOM = tonumber(C.RILL_URL_ROOM)
local out = ffi.new("char[?]", ROOM)
local url = ffi.new("rill_url")
local failure = ffi.new("rill_error")

---@class rill.Url
---@field scheme string in lower case
---@field userinfo string? still escaped
---@field host string? in lower case, ASCII; an IPv6 address without its brackets
---@field port integer? the scheme's default filled in; nil: none known
---@field path string "" where there is none
---@field query string? without its "?"
---@field fragment string? without its "#"
---@field authority string? host[:port] as written, without userinfo
---@field target string what a request asks for: path or "/", and "?query"

local function check(name, value)
  if type(value) ~= "string" then
    errors.raise(("%s must be a string, got %s"):format(name, errors.show(value)))
  end
end

local function part(offset, length)
  return length >= 0 and ffi.string(out + offset, length) or nil
end

-- Fails with the error that `failure` holds; `text` may be no URL at all.
local function invalid(text)
  local err = errors.new {
    reason = errors.reasons[failure.reason],
    message = ffi.string(failure.message),
    url = ffi.string(out, C.rill_url_redact(text, #text, out, ROOM)),
  }
  failure.reason = C.RILL_OPEN
  return nil, err
end

--- Splits an absolute URL, cleaned: what is not allowed is percent-encoded, the rest stays as written.
---@param text string
---@return rill.Url? parts nil when it is no URL, or an http or https one without a host
---@return rill.Error? err reason "invalid_url"
function M.parse(text)
  check("url", text)
  if C.rill_url_parse(text, #text, out, ROOM, url, failure) < 0 then
    return invalid(text)
  end
  local path, query = part(url.path, url.path_length), part(url.query, url.query_length)
  local target = path == "" and "/" or path
  return {
    scheme = part(url.scheme, url.scheme_length),
    userinfo = part(url.userinfo, url.userinfo_length),
    host = part(url.host, url.host_length),
    port = url.port >= 0 and url.port or nil,
    path = path,
    query = query,
    fragment = part(url.fragment, url.fragment_length),
    authority = part(url.authority, url.authority_length),
    target = query and target .. "?" .. query or target,
  }
end

--- What a link means on the page it stands on (RFC 3986 section 5). Its fragment stays.
---@param base string the page's absolute URL
---@param ref string the link, relative or absolute
---@return string? absolute
---@return rill.Error? err reason "invalid_url"
function M.resolve(base, ref)
  check("base", base)
  check("ref", ref)
  if C.rill_url_resolve(base, #base, ref, #ref, out, ROOM, url, failure) < 0 then
    return invalid(C.rill_url_parse(base, #base, out, ROOM, url, failure) < 0 and base or ref)
  end
  return ffi.string(out, url.length)
end

--- One spelling for equal URLs (RFC 3986 sections 6.2.2 and 6.2.3): to tell what was seen already.
---@param text string
---@return string? normal without a fragment
---@return rill.Error? err reason "invalid_url"
function M.normalize(text)
  check("url", text)
  if C.rill_url_normalize(text, #text, out, ROOM, url, failure) < 0 then
    return invalid(text)
  end
  return ffi.string(out, url.length)
end

local function is_address(host)
  return host:find(":", 1, true) ~= nil or host:find("^[%d.]+$") ~= nil
end

-- Whose page it is: the registrable domain, or the host where there is none. nil: no URL with a host.
local function site_of(text)
  local parts = M.parse(text)
  local host = parts and parts.host
  if not host or host == "" then return nil end
  return not is_address(host) and suffix.registrable(host) or host
end

--- Whether two URLs belong to one registrable domain (public suffix list): "www.example.co.uk" and
--- "shop.example.co.uk" do. Schemes and ports do not count; an address or a public suffix is the same site as itself.
---@param a string
---@param b string
---@return boolean same false where one of them is no URL with a host
function M.same_site(a, b)
  check("a", a)
  check("b", b)
  suffix.load()
  local site = site_of(a)
  return site ~= nil and site == site_of(b)
end

return M
