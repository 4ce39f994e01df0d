--- Dates of cookies: one that is written in any order and with any delimiters is read as the C library counts, one
--- that no calendar has is none, and any bytes at all are a date of the years 1601 to 9999 or none.
local parse = require("rill.cookies.parse")
local pick = require("pick")

local DELIMITERS = { "\t", " ", "-", ",", "/", ";", "@", "[", "`", "{", "~", "+", "." } -- no colon
local MONTHS = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December" }
local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
local BEHIND = { "", "", "", "th", "x:", "\255" } -- what may follow a number
local WORDS = { "Sun", "GMT", "Z", "today", "\200\200" }
local PIECES = { "0", "1", "9", "12", "2024", "70", ":", "1:2:3", "23:59:59", "jan", "Feb", " ", "-", "\0", "\255" }
local FIRST, LAST = -11644473600, 253402300799 -- 1601-01-01, 9999-12-31 23:59:59

local function days_of(year, month)
  local is_leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month == 2 and is_leap and 29 or DAYS[month]
end

local function random_date()
  local year, month = pick.of { math.random(1601, 9999), math.random(1970, 2069), math.random(1900, 2100) },
    math.random(12)
  if pick.once_in(8) then month = 2 end
  local day = pick.once_in(4) and days_of(year, month) or math.random(days_of(year, month))
  return { year = year, month = month, day = day, hour = math.random(0, 23),
    min = math.random(0, 59), sec = math.random(0, 59) }
end

-- The parts in any order, but for a year of two digits, which must not come where a day is looked for.
local function written(date)
  local short = date.year >= 1970 and date.year <= 2069 and pick.once_in(2)
  local name = MONTHS[date.month]
  name = pick.once_in(2) and name or name:sub(1, 3)
  local day = pick.of { "%d", "%02d" }:format(date.day) .. pick.of(BEHIND)
  local year = (short and "%02d" or "%04d"):format(short and date.year % 100 or date.year) .. pick.of(BEHIND)
  local clock = pick.of { "%d:%d:%d", "%02d:%02d:%02d" }:format(date.hour, date.min, date.sec) .. pick.of(BEHIND)
  local tokens = short and { day, pick.of { name:lower(), name:upper() }, year, clock }
    or pick.shuffled { day, pick.of { name, name:lower() }, year, clock }
  local out = {}
  for _, token in ipairs(tokens) do
    if pick.once_in(4) then out[#out + 1] = pick.of(WORDS) end
    out[#out + 1] = token
  end
  return pick.text(DELIMITERS, 2) .. table.concat(out, pick.of(DELIMITERS)) .. pick.text(DELIMITERS, 2)
end

local function shown(time)
  return time and os.date("!%Y-%m-%d %H:%M:%S", time)
end

local function is_read()
  local date = random_date()
  local text = written(date)
  local expected = ("%04d-%02d-%02d %02d:%02d:%02d")
    :format(date.year, date.month, date.day, date.hour, date.min, date.sec)
  local found = shown(parse.date(text))
  if found ~= expected then error(("%q is read as %s, not %s"):format(text, tostring(found), expected)) end
end

local function is_refused()
  local date = random_date()
  local part, value = unpack(pick.of {
    { "hour", math.random(24, 99) }, { "min", math.random(60, 99) }, { "sec", math.random(60, 99) },
    { "day", math.random(days_of(date.year, date.month) + 1, 99) }, { "day", 0 }, { "year", math.random(100, 1600) },
  })
  date[part] = value
  local text = written(date)
  local found = shown(parse.date(text))
  if found then error(("%q is read as %s"):format(text, found)) end
end

local function is_bounded()
  local text = pick.once_in(2) and pick.text(PIECES, 16) or pick.damaged(written(random_date()))
  local time = parse.date(text)
  if time and not (time % 1 == 0 and time >= FIRST and time <= LAST) then
    error(("%q is read as %s"):format(text, tostring(time)))
  end
end

return function() return pick.of { is_read, is_refused, is_bounded } () end
