--- Paths of robots.txt (RFC 9309 section 2.2.2 and 2.2.3): compared byte by byte, once both sides are escaped alike.
local M = {}

local byte, char, find, format, gsub, sub, upper = string.byte, string.char, string.find, string.format, string.gsub,
  string.sub, string.upper

---@class rill.robots.Pattern
---@field length integer bytes, escaped: the longer one is the more specific
---@field first string what the target begins with
---@field pieces string[]? what follows each star
---@field anchored boolean the target ends where the last piece ends

local function escape_sequence(hex)
  if #hex < 2 then return "%25" .. hex end
  local plain = char(tonumber(hex, 16))
  return find(plain, "[%w%-._~]") and plain or "%" .. upper(hex)
end

local function escape_byte(other)
  return format("%%%02X", byte(other))
end

-- One spelling: unreserved characters plain, all else that URLs do not hold as %XX.
local function escaped(text)
  if find(text, "%", 1, true) then text = gsub(text, "%%(%x?%x?)", escape_sequence) end
  return (gsub(text, "[^%w%-._~:/?#%[%]@!$&'()*+,;=%%]", escape_byte))
end

--- Reads the value of an Allow or Disallow line.
---@param value string
---@return rill.robots.Pattern? nil: it matches nothing
function M.compile(value)
  local start = sub(value, 1, 1)
  if start ~= "/" and start ~= "*" then return nil end
  local text = escaped(value)
  local anchored = sub(text, -1) == "$"
  local body = gsub(anchored and sub(text, 1, -2) or text, "%$", "%%24")
  local star, pieces = find(body, "*", 1, true), nil
  local first = sub(body, 1, (star or 0) - 1)
  while star do
    local stop = find(body, "*", star + 1, true)
    pieces = pieces or {}
    pieces[#pieces + 1] = sub(body, star + 1, (stop or 0) - 1)
    star = stop
  end
  return { length = #text, first = first, pieces = pieces, anchored = anchored }
end

--- What patterns are compared with: a path and its query, where a star and a dollar are no signs.
---@param target string normalized
---@return string
function M.subject(target)
  return (gsub(escaped(target), "[*$]", escape_byte))
end

--- Whether a pattern matches; the stars take as little as they can, so that no way has to be tried twice.
---@param pattern rill.robots.Pattern
---@param subject string
---@return boolean
---@return integer cost bytes looked at, roughly
function M.matches(pattern, subject)
  local first, pieces = pattern.first, pattern.pieces
  local at = #first + 1
  if sub(subject, 1, #first) ~= first then return false, 0 end
  if not pieces then return not pattern.anchored or at > #subject, 0 end
  local last = pattern.anchored and pieces[#pieces] or nil
  local cost = 0
  for i = 1, #pieces - (last and 1 or 0) do
    local piece = pieces[i]
    local _, stop = find(subject, piece, at, true)
    cost = cost + ((stop or #subject) - at + 1) * (1 + #piece / 16)
    if not stop then return false, cost end
    at = stop + 1
  end
  local start = last and #subject - #last + 1
  return not last or start >= at and sub(subject, start) == last, cost
end

return M
