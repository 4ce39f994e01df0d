--- URLs of a command line, and of the files that it names.
local arguments = require("rill.cli.arguments")
local url = require("rill.url")

local M = {}

local LINE_MOST = 65536 -- bytes of a line of a file of URLs: no longer URL can be read
local MARK = "\239\187\191" -- U+FEFF, with which some editors begin a file

-- What is written without "//", and yet has a scheme: all else of that look is a host with its port.
local SCHEMES = {
  http = true, https = true, mailto = true, javascript = true, data = true, tel = true, about = true, blob = true,
  urn = true, news = true,
}

-- What has no scheme is https.
local function with_scheme(text)
  local scheme, rest = text:match "^(%a[%w+.-]*):(.*)$"
  if scheme and (rest:find "^//" or SCHEMES[scheme:lower()]) then return text end
  return "https://" .. text
end

--- Checks a URL; what has no scheme is https.
---@param word string
---@return string
function M.one(word)
  local text = with_scheme(word)
  local normal, err = url.normalize(text)
  if not normal then arguments.fail("%q is no URL: %s", word, err.message) end
  if not normal:find "^https?://" then arguments.fail("%q is no http or https URL", word) end
  return text
end

-- A file of URLs; "-" is standard input. One that cannot be read is a wrong command line. It is opened once, and
-- nothing is read that is not used: it may be a pipe.
local function open(path)
  if path == "-" then return io.stdin end
  local file, why = io.open(path, "rb")
  if not file then arguments.fail("cannot read %s", why) end
  local _, bad = file:read(0)
  if bad then arguments.fail("cannot read %s: %s", path, bad) end -- a directory can be opened
  return file
end

-- The lines of a file as a URL each, without blank ones and comments.
local function lines_of(file)
  local first = true
  return function()
    for line in file:lines() do
      if first then line = line:gsub("^" .. MARK, "") end
      first = false
      local text = line:match "^%s*(.-)%s*$"
      if #line <= LINE_MOST and text ~= "" and not text:find "^#" then return with_scheme(text) end
    end
    return nil
  end
end

--- Words of the command line as an iterator of URLs: @FILE stands for the lines of a file. Words are checked, and
--- files opened, before the first is given out; what a file holds may be no URL.
---@param words string[]
---@return (fun(): string?) next
function M.each(words)
  local sources = {}
  for i, word in ipairs(words) do
    local path = word:match "^@(.+)$"
    sources[i] = path and lines_of(open(path)) or M.one(word)
  end
  local i = 1
  return function()
    while sources[i] do
      local source = sources[i]
      if type(source) == "string" then
        i = i + 1
        return source
      end
      local found = source()
      if found then return found end
      i = i + 1
    end
    return nil
  end
end

return M
