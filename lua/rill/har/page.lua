--- The page that draws requests: a waterfall in one HTML file.
local json = require("rill.core.plain_json")
local errors = require("rill.errors")
local files = require("rill.har.file")

local M = {}

local MOST_BYTES = 512 * 2 ^ 20 -- of a HAR file that is read
local MOST_TEXT = 4000 -- bytes of a URL or a message that stand in the page
local OLDEST = 0 -- what has no date

local function no_har(path, why)
  return nil, errors.new { reason = "decode_error", message = ("%s is no HAR file: %s"):format(path, why) }
end

-- The text of a file; a larger one is refused.
local function text_of(path)
  local file, why = io.open(path, "rb")
  if not file then return files.failed(tostring(why)) end
  local size = file:seek "end"
  local text
  if size and size <= MOST_BYTES then
    file:seek "set"
    text, why = file:read "*a"
  end
  file:close()
  if not size then return files.failed(path .. ": no regular file") end
  if size > MOST_BYTES then
    return files.failed(("%s: more than %d MiB are not read"):format(path, MOST_BYTES / 2 ^ 20))
  end
  if not text then return files.failed(tostring(why)) end
  return text
end

--- The entries of a HAR file.
---@param path string
---@return table[]? entries
---@return rill.Error? err reason "file_error" or "decode_error"
function M.read(path)
  local text, err = text_of(path)
  if not text then return nil, err end
  local value, why = json.decode((text:gsub("^\239\187\191", "")))
  if type(value) ~= "table" then return no_har(path, why or "no object") end
  local log = value.log
  if type(log) ~= "table" or type(log.entries) ~= "table" then return no_har(path, "log.entries is not there") end
  return log.entries
end

-- What foreign files hold may be anything.
local function table_of(value)
  return type(value) == "table" and value or {}
end

local function number_of(value)
  value = tonumber(value)
  return value and value > 0 and value < math.huge and value or 0
end

local function string_of(value)
  local kind = type(value)
  return (kind == "string" or kind == "number") and errors.cut(tostring(value), MOST_TEXT) or ""
end

-- Days since 1970 of a date of the Gregorian calendar.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

-- Milliseconds since 1970 of "2026-11-29T02:50:01.123Z", or with an offset as "+01:00".
local function instant(text)
  local year, month, day, hour, minute, second, zone =
    string_of(text):match "^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d%.?%d*)(.*)$"
  if not year then return OLDEST end
  local sign, hours, minutes = zone:match "^([+-])(%d%d):?(%d%d)$"
  local offset = sign and (tonumber(hours) * 60 + tonumber(minutes)) * (sign == "-" and -1 or 1) or 0
  local date = days(tonumber(year), tonumber(month), tonumber(day))
  return ((date * 24 + tonumber(hour)) * 60 + tonumber(minute) - offset) * 60000 + tonumber(second) * 1000
end

-- Milliseconds of each phase, TLS apart from connect.
local function phases_of(timings)
  local tls = number_of(timings.ssl)
  return { number_of(timings.blocked), number_of(timings.dns), math.max(number_of(timings.connect) - tls, 0), tls,
    number_of(timings.send), number_of(timings.wait), number_of(timings.receive) }
end

-- What the page is given of an entry: a list, as thousands of them stand in it. page_script.lua reads it.
local function row(entry, began)
  entry = table_of(entry)
  local request, response = table_of(entry.request), table_of(entry.response)
  local content = table_of(response.content)
  return {
    string_of(request.method), string_of(request.url), number_of(response.status), began,
    phases_of(table_of(entry.timings)), number_of(response.bodySize), number_of(content.size),
    number_of(request.bodySize), string_of(content.mimeType):match "^[^;]*", string_of(entry.connection),
    string_of(response.httpVersion), string_of(entry.serverIPAddress), number_of(entry._stream),
    number_of(entry._attempts), string_of(entry._error), string_of(response.redirectURL),
  }
end

-- Nothing in it ends the element it stands in.
local function data_of(entries)
  local starts, first, rows = {}, math.huge, {}
  for i, entry in ipairs(entries) do
    starts[i] = instant(table_of(entry).startedDateTime)
    first = math.min(first, starts[i])
  end
  for i, entry in ipairs(entries) do
    rows[i] = json.encode(row(entry, math.floor((starts[i] - first) * 1000 + 0.5) / 1000))
  end
  return "[" .. table.concat(rows, ",\n"):gsub("[<>&]", { ["<"] = "\\u003c", [">"] = "\\u003e", ["&"] = "\\u0026" })
    .. "]"
end

local HEAD = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>Waterfall</title>
<style>
]]

--- The page.
---@param entries table[] as HAR 1.2 has them
---@return string
function M.html(entries)
  return table.concat { HEAD, require("rill.har.page_style"), "</style>\n</head>\n", require("rill.har.page_body"),
    '<script type="application/json" id="data">', data_of(entries), "</script>\n<script>\n",
    require("rill.har.page_script"), "</script>\n</body>\n</html>\n" }
end

--- Writes the page of a HAR file, or of entries.
---@param source string|table[]
---@param out string
---@return boolean? written
---@return rill.Error? err
function M.write(source, out)
  local entries = source
  if type(source) == "string" then
    local err
    entries, err = M.read(source)
    if not entries then return nil, err end
  end
  local page = M.html(entries)
  return files.write(out, 0, function()
    local piece = page
    page = nil
    return piece
  end)
end

return M
