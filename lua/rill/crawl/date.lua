--- Dates as HTTP and sitemaps write them, as seconds since 1970.
local M = {}

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11,
  Dec = 12 }
local DAY = 86400 -- seconds

-- Days since 1970 of a date of the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

--- A date of HTTP: "Sun, 06 Nov 1994 08:49:37 GMT", or in the two older forms that begin with a day.
---@param text string
---@return number? seconds
function M.http(text)
  local day, name, year, hour, minute, second = text:match "(%d%d?)[ -](%a%a%a)[ -](%d+) (%d+):(%d+):(%d+)"
  local month = MONTHS[name]
  if not month then return nil end
  year = tonumber(year)
  if year < 100 then year = year + (year < 70 and 2000 or 1900) end
  return days(year, month, tonumber(day)) * DAY + hour * 3600 + minute * 60 + second
end

-- The time of day and its zone, as seconds from midnight in UTC.
local function time_of(text)
  local hour, minute, rest = text:match "^T(%d%d):(%d%d)(.*)$"
  if not hour then return nil end
  local second, zone = rest:match "^:(%d%d)%.?%d*(.*)$"
  zone = zone or rest
  local sign, zone_hour, zone_minute = zone:match "^([+-])(%d%d):?(%d%d)$"
  local offset = sign and (zone_hour * 3600 + zone_minute * 60) * (sign == "-" and -1 or 1) or 0
  return hour * 3600 + minute * 60 + (second or 59) - offset
end

--- The last moment that a W3C date means: "2024", "2024-05", "2024-05-06", "2024-05-06T07:08:09+01:00".
---@param text string
---@return number? seconds
function M.w3c(text)
  local year, rest = text:match "^(%d%d%d%d)(.*)$"
  if not year then return nil end
  local month, day, tail = rest:match "^%-(%d%d)%-(%d%d)(.*)$"
  if day then
    local midnight = days(tonumber(year), tonumber(month), tonumber(day)) * DAY
    local time = time_of(tail)
    if time then return midnight + time end
    return tail == "" and midnight + DAY - 1 or nil
  end
  month = rest:match "^%-(%d%d)$"
  if month then return days(tonumber(year), tonumber(month) + 1, 1) * DAY - 1 end
  return rest == "" and days(tonumber(year) + 1, 1, 1) * DAY - 1 or nil
end

return M
