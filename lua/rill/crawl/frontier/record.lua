--- What waits for its turn, as bytes: some 20 beside the URL, and what `from` does not share with it. A shared frontier
--- keeps them and looks at the first byte alone: "p" a page, "s" a sitemap.
local bytes_of = require("rill.crawl.frontier.bytes")
local bit = require("bit")
local json = require("rill.core.plain_json")

local M = {}

local byte, char, sub = string.byte, string.char, string.sub
local PAGE, SITEMAP = byte("p"), byte("s")

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

--- What few entries have, as JSON; "" where there is nothing.
---@param entry rill.CrawlEntry
---@return string
function M.more_of(entry)
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

--- Writes what waits.
---@param bytes rill.CrawlBytes
---@param entry rill.CrawlEntry with `high` and `low`
function M.write(bytes, entry)
  local url, from = entry.url, entry.from or ""
  local alike = shared(url, from)
  bytes:byte(entry.kind == "sitemap" and SITEMAP or PAGE)
  bytes:number(entry.depth)
  bytes:number(entry.hops)
  bytes:number(entry.attempts)
  bytes:number(entry.free)
  bytes:byte((entry.priority or 0) + 8)
  bytes:word(entry.high)
  bytes:word(entry.low)
  bytes:number(#url)
  bytes:text(url)
  bytes:number(alike)
  bytes:number(#from - alike)
  bytes:text(from, alike + 1)
  bytes:text(M.more_of(entry))
end

local own = bytes_of.new()

---@param entry rill.CrawlEntry with `high` and `low`
---@return string
function M.encode(entry)
  own:clear()
  M.write(own, entry)
  return own:take()
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

local function add_more(entry, more)
  entry.meta, entry.via, entry.level, entry.again, entry.known = more.meta, more.via, more.level, more.again, more.known
end

---@param text string
---@param lease string?
---@param origin string?
---@return rill.CrawlEntry
function M.decode(text, lease, origin)
  local depth, hops, attempts, free, at, high, low, length, alike
  depth, at = read_number(text, 2)
  hops, at = read_number(text, at)
  attempts, at = read_number(text, at)
  free, at = read_number(text, at)
  local priority = byte(text, at) - 8
  high, at = read_word(text, at + 1)
  low, at = read_word(text, at)
  length, at = read_number(text, at)
  local url = sub(text, at, at + length - 1)
  alike, at = read_number(text, at + length)
  length, at = read_number(text, at)
  local from = sub(url, 1, alike) .. sub(text, at, at + length - 1)
  -- All at once: a table that grows is made anew several times.
  local entry = { id = M.id(high, low), url = url, origin = origin, lease = lease, from = from ~= "" and from or nil,
    depth = depth, hops = hops, attempts = attempts, free = free, high = high, low = low }
  if byte(text) == SITEMAP then entry.kind = "sitemap" end
  if priority ~= 0 then entry.priority = priority end
  if at + length <= #text then add_more(entry, json.decode(sub(text, at + length))) end
  return entry
end

return M
