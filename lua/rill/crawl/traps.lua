--- What endless sites look like: limits on one URL, and the names under which URLs are counted. No I/O.
local address = require("rill.crawl.address")
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")

local M = {}

local DEFAULTS = {
  url_length = 2000, segments = 24, repeats = 3, params = 24, per_host = 100000, per_path = 1000, per_shape = 10000,
  same_run = 100, redirects = 10,
}
M.DEFAULTS = DEFAULTS

--- The limits as numbers; what is turned off is math.huge.
---@param given table|false|nil the option `traps`
---@return table<string, number>
function M.limits(given)
  if given == false then given = {} for name in pairs(DEFAULTS) do given[name] = false end end
  arguments.options("crawl: traps", given, DEFAULTS)
  local limits = {}
  for name, default in pairs(DEFAULTS) do
    local value = default
    if given and given[name] ~= nil then value = given[name] end
    if value ~= false and not (type(value) == "number" and value >= 0 and (value % 1 == 0 or value == math.huge)) then
      errors.raise(("crawl: traps.%s must be a whole number or false, got %s"):format(name, errors.show(value)))
    end
    limits[name] = (value == false or value == 0) and math.huge or value
  end
  return limits
end

local function segments_of(path)
  local list = {}
  for segment in path:gmatch "[^/]+" do list[#list + 1] = segment end
  return list
end

-- Whether the run of `length` segments at `first` stands there more than `limit` times in a row.
local function run_repeats(list, first, length, limit)
  local times, at = 1, first + length
  while at + length - 1 <= #list do
    for i = 0, length - 1 do
      if list[first + i] ~= list[at + i] then return times > limit end
    end
    times, at = times + 1, at + length
  end
  return times > limit
end

-- One segment anywhere in the path, or a run of segments in a row, more than `limit` times.
local function repeats(list, limit)
  if #list <= limit then return false end
  local counts = {}
  for _, segment in ipairs(list) do
    counts[segment] = (counts[segment] or 0) + 1
    if counts[segment] > limit then return true end
  end
  for length = 2, math.floor(#list / (limit + 1)) do
    for first = 1, #list - length * (limit + 1) + 1 do
      if run_repeats(list, first, length, limit) then return true end
    end
  end
  return false
end

--- Judges one URL by itself.
---@param url string normalized
---@param origin string of it
---@param limits table<string, number>
---@return string? reason nil: it may be asked for
function M.judge(url, origin, limits)
  if #url > limits.url_length then return "url_length" end
  local path, query = address.path(url, origin)
  local _, slashes = path:gsub("/[^/]", "")
  if slashes > limits.segments then return "segments" end
  if slashes > limits.repeats and repeats(segments_of(path), limits.repeats) then return "repeats" end
  if query then
    local _, params = query:gsub("[^&]+", "")
    if params > limits.params then return "params" end
  end
  return nil
end

local UUID = "%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x"

-- A UUID, a word of hex digits (with a digit among them, or of eight and more), and each run of digits, is a "#".
-- Escapes are undone before: the digits in "%E4" are no number.
local function shape_of(text)
  if text:find("%", 1, true) then
    text = text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  end
  if not text:find "[%da-fA-F]" then return text end
  return (text:gsub(UUID, "#"):gsub("%w+", function(word)
    if word:find "^%x+$" and (#word >= 8 or word:find "%d") then return "#" end
    return word:find "%d" and word:gsub("%d+", "#") or nil
  end))
end

-- The names of a query, each once, sorted: their order and how often one comes does not count.
local function names_of(query)
  local names, known = {}, {}
  for pair in query:gmatch "[^&]+" do
    local name = shape_of(pair:match "^[^=]*")
    if not known[name] then
      known[name] = true
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return table.concat(names, "&")
end

--- The name of all URLs that are alike but for digits, hex and query values: "https://x/a/#?q".
---@param url string normalized
---@param origin string of it
---@return string
function M.shape(url, origin)
  local path, query = address.path(url, origin)
  return origin .. shape_of(path) .. (query and "?" .. names_of(query) or "")
end

return M
