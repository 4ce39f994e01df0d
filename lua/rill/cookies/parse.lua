--- Reads Set-Cookie fields (RFC 6265bis section 5): what they say, before any rule about who may say it.
local trim = require("rill.core.trim")

local M = {}

local MAX_PAIR = 4096 -- bytes of name and value
local MAX_ATTRIBUTE = 1024 -- bytes of an attribute's value: a longer attribute is as if it were not there
local MAX_AGE = 400 * 86400 -- seconds that a cookie lives at most
M.MAX_AGE = MAX_AGE
local FOREVER = 2 ^ 53

local MONTHS = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10, nov = 11,
  dec = 12 }
local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
local DELIMITERS = "[\t\32-\47\59-\64\91-\96\123-\126]" -- section 5.1.1
local SAME_SITE = { strict = "Strict", lax = "Lax", none = "None" }

--- Days from 1970-01-01 to a date of the Gregorian calendar.
local function days_from(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * (month - 3) + 2) / 5) + day - 1 - 719468
end

local function is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

-- Each reads one kind of token (section 5.1.1) and returns what it found, or nil.
local readers = {
  { "hour", function(token)
    local hour, minute, second, rest = token:match "^(%d%d?):(%d%d?):(%d%d?)(.?)"
    if hour and not rest:find "%d" then return { tonumber(hour), tonumber(minute), tonumber(second) } end
  end },
  { "day", function(token)
    local day, rest = token:match "^(%d%d?)(.?)"
    return day and not rest:find "%d" and tonumber(day) or nil
  end },
  { "month", function(token) return MONTHS[token:sub(1, 3):lower()] end },
  { "year", function(token)
    local digits, rest = token:match "^(%d%d%d?%d?)(.?)"
    if not digits or rest:find "%d" then return nil end
    local year = tonumber(digits)
    return year >= 70 and year <= 99 and year + 1900 or year <= 69 and year + 2000 or year
  end },
}

--- Reads a date as cookies write them (section 5.1.1).
---@param text string
---@return number? time seconds since 1970, nil where it is no date
function M.date(text)
  local found = {}
  for token in text:gsub(DELIMITERS, "\0"):gmatch "[^%z]+" do
    for _, reader in ipairs(readers) do
      local name, read = reader[1], reader[2]
      local value = found[name] == nil and read(token)
      if value then
        found[name] = value
        break
      end
    end
  end
  local year, month, day, clock = found.year, found.month, found.day, found.hour
  if not (year and month and day and clock) or year < 1601 or day < 1 then return nil end
  if day > DAYS[month] and not (month == 2 and day == 29 and is_leap(year)) then return nil end
  if clock[1] > 23 or clock[2] > 59 or clock[3] > 59 then return nil end
  return days_from(year, month, day) * 86400 + clock[1] * 3600 + clock[2] * 60 + clock[3]
end

-- What each attribute does to the cookie; the last of several counts (section 5.5).
local attributes = {}

function attributes.expires(cookie, value)
  cookie.dated = M.date(value) or cookie.dated
end

attributes["max-age"] = function(cookie, value)
  if value:find "^%-?%d+$" then cookie.max_age = tonumber(value) end
end

function attributes.domain(cookie, value)
  if value ~= "" then cookie.domain = value:gsub("^%.", ""):lower() end
end

function attributes.path(cookie, value)
  cookie.path = value:sub(1, 1) == "/" and value or nil
  cookie.has_path = true
end

function attributes.secure(cookie)
  cookie.secure = true
end

function attributes.httponly(cookie)
  cookie.http_only = true
end

function attributes.samesite(cookie, value)
  cookie.same_site = SAME_SITE[value:lower()]
end

local function read_attributes(cookie, text)
  for part in text:gmatch "[^;]+" do
    local name, value = part:match "^([^=]*)=(.*)$"
    name, value = trim(name or part):lower(), trim(value or "")
    if #value <= MAX_ATTRIBUTE and attributes[name] then attributes[name](cookie, value) end
  end
end

--- The end of its life: Max-Age goes before Expires; a cookie with neither lasts for the session.
local function expiry(cookie, now)
  local time = cookie.dated
  if cookie.max_age then time = cookie.max_age > 0 and now + cookie.max_age or -FOREVER end
  return time and math.min(time, now + MAX_AGE)
end

--- Reads one Set-Cookie field.
---@param text string the field's value
---@param now number seconds since 1970
---@return table? cookie name, value, secure, http_only; where given: domain (""), path, has_path, same_site, expires
---@return string? why it is none
function M.set_cookie(text, now)
  if text:find "[%z\1-\8\10-\31\127]" then return nil, "it has control characters" end
  local pair, rest = text:match "^([^;]*);?(.*)$"
  local name, value = pair:match "^([^=]*)=(.*)$"
  name, value = trim(name or ""), trim(value or "")
  if name == "" then return nil, "it has no name" end -- RFC 6265 section 5.2; the draft would keep it
  if #name + #value > MAX_PAIR then
    return nil, ("its name and value have %d bytes, more than %d"):format(#name + #value, MAX_PAIR)
  end
  local cookie = { name = name, value = value, secure = false, http_only = false }
  read_attributes(cookie, rest)
  cookie.expires = expiry(cookie, now)
  cookie.dated, cookie.max_age = nil, nil
  return cookie
end

return M
