--- The parts of a normalized URL that every link is asked for, without a table for each.
local M = {}

local byte, find, match, sub = string.byte, string.find, string.match, string.sub
local PORTS = { http = 80, https = 443 }
local HTTP, HTTPS = "http://", "https://"
local COLON, SLASH = byte ":", byte "/"

--- Scheme, host and port: "https://example.com:8443". A user and a password are no part of it: names in front of one
--- host would else be as many origins, each with its own limits.
---@param url string normalized
---@return string? origin nil: it is no http or https URL
function M.origin(url)
  local lead = byte(url, 5) == COLON and HTTP or HTTPS -- no pattern: traces go on only without
  local slash = find(url, "/", #lead + 1, true) -- there is one: a normalized path has it
  local origin = slash and slash > #lead + 1 and sub(url, 1, #lead) == lead and sub(url, 1, slash - 1) or nil
  if origin and find(origin, "@", 1, true) then return lead .. match(origin, "@([^@]*)$") end
  return origin
end

--- Host and port of an origin; an IPv6 address keeps its brackets.
---@param origin string
---@return string host
---@return integer port
---@return string scheme
function M.host(origin)
  local scheme, authority = match(origin, "^(%a+)://(.*)$")
  authority = match(authority, "@(.*)$") or authority
  local host, port = match(authority, "^(.-):(%d+)$")
  if host and (not find(host, ":", 1, true) or find(host, "^%[.*%]$")) then return host, tonumber(port), scheme end
  return authority, PORTS[scheme], scheme
end

--- Path and query, both as written.
---@param url string normalized
---@param origin string of it
---@return string path
---@return string? query
function M.path(url, origin)
  local rest = sub(url, #origin + 1)
  if byte(rest) ~= SLASH then rest = sub(url, (find(url, "/", #HTTPS + 1, true))) end -- behind a user
  local mark = find(rest, "?", 1, true)
  if not mark then return rest end
  return sub(rest, 1, mark - 1), sub(rest, mark + 1)
end

return M
