--- What waits for its turn, as bytes: some 20 beside the URL, and what `from` does not share with it. A shared frontier
--- keeps them and looks at the first byte alone: "p" a page, "s" a sitemap.
require("rill.core.ffi") -- raises a clear error outside of LuaJIT
local bit = require("bit")
local json = require("rill.core.plain_json")

local M = {}

local byte, char, sub = string.byte, string.char, string.sub

-- A whole number in seven bits a byte, the lowest first.
local function number(n)
  if n < 128 then return char(n) end
  local parts = {}
  while n >= 128 do
    parts[#parts + 1] = char(128 + n % 128)
    n = math.floor(n / 128)
  end
  parts[#parts + 1] = char(n)
  return table.concat(parts)
end

local function word(n)
  return char(bit.band(bit.rshift(n, 24), 255), bit.band(bit.rshift(n, 16), 255), bit.band(bit.rshift(n, 8), 255),
    bit.band(n, 255))
end

-- How many bytes two strings begin with alike.
local function shared(a, b)
  local most = math.min(#a, #b)
  for i = 1, most do
    if byte(a, i) ~= byte(b, i) then return i - 1 end
  end
  return most
end

local function more_of(entry)
  if entry.meta == nil and not entry.via and not entry.level and not entry.again and not entry.known then return "" end
  return json.encode { meta = entry.meta, via = entry.via, level = entry.level, again = entry.again,
    known = entry.known }
end

--- A fingerprint as eight bytes.
---@param high number
---@param low number
---@return string
function M.bytes(high, low)
  return word(high) .. word(low)
end

---@param entry rill.CrawlEntry with `high` and `low`
---@return string
function M.encode(entry)
  local url, from = entry.url, entry.from or ""
  local alike = shared(url, from)
  return table.concat { entry.kind == "sitemap" and "s" or "p", number(entry.depth), number(entry.hops),
    number(entry.attempts), number(entry.free), char((entry.priority or 0) + 8), word(entry.high), word(entry.low),
    number(#url), url, number(alike), number(#from - alike), sub(from, alike + 1), more_of(entry) }
end

local function read_number(text, at)
  local n, place = 0, 1
  while true do
    local b = byte(text, at)
    n, at = n + b % 128 * place, at + 1
    if b < 128 then return n, at end
    place = place * 128
  end
end

local function read_word(text, at)
  local a, b, c, d = byte(text, at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d, at + 4
end

--- The number of a URL: 52 bits of its fingerprint.
---@param high number
---@param low number
---@return number
function M.id(high, low)
  return high % 2 ^ 20 * 2 ^ 32 + low
end

---@param text string
---@return rill.CrawlEntry
function M.decode(text)
  local entry, at = {}, 2
  local length, alike
  entry.kind = byte(text, 1) == 115 and "sitemap" or nil
  entry.depth, at = read_number(text, at)
  entry.hops, at = read_number(text, at)
  entry.attempts, at = read_number(text, at)
  entry.free, at = read_number(text, at)
  local priority = byte(text, at) - 8
  entry.priority = priority ~= 0 and priority or nil
  entry.high, at = read_word(text, at + 1)
  entry.low, at = read_word(text, at)
  entry.id = M.id(entry.high, entry.low)
  length, at = read_number(text, at)
  entry.url = sub(text, at, at + length - 1)
  alike, at = read_number(text, at + length)
  length, at = read_number(text, at)
  local from = sub(entry.url, 1, alike) .. sub(text, at, at + length - 1)
  if from ~= "" then entry.from = from end
  at = at + length
  if at <= #text then
    local more = json.decode(sub(text, at))
    entry.meta, entry.via, entry.level, entry.again, entry.known =
      more.meta, more.via, more.level, more.again, more.known
  end
  return entry
end

return M
