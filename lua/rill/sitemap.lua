--- Sitemaps (sitemaps.org): XML, indexes of them, text, RSS and Atom; also as gzip files. Read as they come, in pieces.
local errors = require("rill.errors")
local gunzip = require("rill.core.gunzip")
local hooks = require("rill.core.hooks")
local markup = require("rill.core.sitemap_markup")
local url = require("rill.url")

local M = {}

local find, match, sub = string.find, string.match, string.sub

local URLS_MOST = 50000 -- of a sitemap, sitemaps of an index: the protocol's own bound
local BYTES_MOST = 50 * 2 ^ 20 -- decoded: the same
local LINE_MOST = 65536 -- bytes of a line of a text file; no longer URL can be read
local LASTMOD_MOST = 64 -- bytes
local SLICE = 256 * 1024 -- bytes of a sitemap that is there whole; other tasks run between

---@class rill.sitemap.Entry
---@field url string absolute, normalized
---@field lastmod string? as it stands there
---@field priority number? 0 to 1

---@class rill.SitemapReader
---@field urls rill.sitemap.Entry[] what was found so far; a reader of a stream may take entries out
---@field sitemaps rill.sitemap.Entry[] of an index
---@field refused string[]? addresses that are no URLs of http and https, where whoever reads has put a list here
---@field cut string? why something is left out: the bound, or what is broken
---@field private _base string?
---@field private _counts table<rill.sitemap.Entry[], integer>
---@field private _bytes integer decoded so far
---@field private _gunzip rill.Gunzip?
---@field private _markup rill.sitemap.Markup?
---@field private _head string? the first bytes, as long as they do not tell what this is
---@field private _line string? of a text file: its last line so far
---@field private _skip boolean? that line is too long
---@field private _wide boolean? UTF-16
---@field done boolean? nothing of use follows: the rest need not be read
---@field private _magic string? the first bytes, as long as they may be gzip's
---@field private _patient boolean? in a task it gives way now and then
---@field private _rested integer bytes decoded when it last did
local Reader = {}
Reader.__index = Reader

function Reader:__tostring()
  return ("sitemap reader: %d URLs, %d sitemaps"):format(self._counts[self.urls], self._counts[self.sitemaps])
end

-- The URL that a text means; nil where it is none, or none of http.
local function resolved(self, text)
  local absolute = text
  if self._base and not find(text, "^%a[%w+.-]*:") then absolute = url.resolve(self._base, text) end
  local normal = absolute and url.normalize(absolute)
  return normal and find(normal, "^https?://") and normal or nil
end

local function add(self, list, fields)
  local address = fields.loc ~= "" and resolved(self, fields.loc)
  if not address then
    if self.refused then table.insert(self.refused, fields.loc) end
    return
  end
  local count = self._counts[list]
  if count >= URLS_MOST then
    self.cut = self.cut or ("it has more than %d URLs"):format(URLS_MOST)
    self.done = true
    return
  end
  self._counts[list] = count + 1
  local priority = fields.priority and tonumber(fields.priority)
  local lastmod = fields.lastmod
  list[#list + 1] = {
    url = address,
    lastmod = lastmod and lastmod ~= "" and #lastmod <= LASTMOD_MOST and lastmod or nil,
    priority = priority and priority >= 0 and priority <= 1 and priority or nil,
  }
end

local function add_line(self, line)
  local text = not self._skip and match(line, "^%s*(%S+)%s*$")
  self._skip = nil
  if text and (find(text, "^[Hh][Tt][Tt][Pp][Ss]?://") or self._base and sub(text, 1, 1) == "/") then
    add(self, self.urls, { loc = text })
  end
end

-- A text file: a URL on each line.
local function read_lines(self, bytes)
  local at = 1
  while true do
    local stop = find(bytes, "[\r\n]", at)
    local rest = sub(bytes, at, (stop or 0) - 1)
    if #self._line + #rest > LINE_MOST then self._line, self._skip, rest = "", true, "" end
    self._line = self._line .. rest
    if not stop then return end
    add_line(self, self._line)
    self._line, at = "", stop + 1
  end
end

-- What begins with "<" is markup, all else a text file.
local function begin(self, bytes)
  self._head = nil
  if find(bytes, "^\255\254") or find(bytes, "^\254\255") then
    self._wide, bytes = true, sub(bytes, 3)
  end
  bytes = match(bytes, "^\239\187\191(.*)") or bytes
  if find(bytes, "^[%s%z]*<") then
    self._markup = markup.new(function(kind, fields)
      add(self, kind == "sitemap" and self.sitemaps or self.urls, fields)
    end)
  else
    self._line = ""
  end
  return bytes
end

-- Lets other tasks run, where that can be done.
local function give_way(self)
  if not self._patient or self._bytes - self._rested < SLICE then return end
  self._rested = self._bytes
  local runtime = package.loaded["rill.runtime"]
  if runtime and runtime.may_wait() then require("rill.task.timer").sleep(0) end
end

-- Decoded bytes.
local function read(self, bytes)
  if self._bytes + #bytes > BYTES_MOST then
    bytes = sub(bytes, 1, BYTES_MOST - self._bytes)
    self.cut = self.cut or ("it is longer than %d bytes"):format(BYTES_MOST)
    self.done = true
  end
  self._bytes = self._bytes + #bytes
  if self._head then
    bytes = self._head .. bytes
    if #bytes < 4096 and not find(bytes, "[^%s%z\239\187\191\254\255]") then
      self._head = bytes
      return
    end
    bytes = begin(self, bytes)
  end
  if self._wide then bytes = bytes:gsub("%z", "") end -- UTF-16: URLs are ASCII
  if self._markup then self._markup:write(bytes) else read_lines(self, bytes) end
  give_way(self)
end

local function read_gzip(self, bytes)
  local ok, why = self._gunzip:write(bytes, function(piece)
    read(self, piece)
    return not self.done
  end)
  if not ok then
    self.cut = self.cut or why
    self.done = true
  end
end

--- Takes the next piece. Whatever it holds, this does not fail.
---@param bytes string
function Reader:write(bytes)
  if type(bytes) ~= "string" then
    errors.raise("reader:write: bytes must be a string, got " .. errors.show(bytes))
  end
  if self.done then return end
  if self._magic then
    bytes = self._magic .. bytes
    if #bytes < 2 then
      self._magic = bytes
      return
    end
    self._magic = nil
    if sub(bytes, 1, 2) == "\31\139" then self._gunzip = gunzip.new() end
  end
  if self._gunzip then read_gzip(self, bytes) else read(self, bytes) end
end

--- Takes the end. Where something is cut off, an address that has no end is none.
---@param is_part boolean? more would have followed, as where a connection was lost
---@return rill.sitemap.Entry[] urls
---@return rill.sitemap.Entry[] sitemaps
---@return string? cut
function Reader:finish(is_part)
  if self._magic and self._magic ~= "" then
    local bytes = self._magic
    self._magic = nil
    read(self, bytes)
  end
  if self._gunzip and not self.done then
    local ok, why = self._gunzip:finish()
    if not ok then self.cut = self.cut or why end
  end
  if self._head then read_lines(self, begin(self, "")) end
  is_part = is_part or self.cut ~= nil
  if self._markup then self._markup:finish(is_part) end
  if self._line and not is_part then add_line(self, self._line) end
  self._markup, self._line, self._gunzip = nil, nil, nil
  return self.urls, self.sitemaps, self.cut
end

local function check(call, name, value)
  if type(value) ~= "string" then
    errors.raise(("rill.sitemap.%s: %s must be a string, got %s"):format(call, name, errors.show(value)), 3)
  end
end

--- A sitemap that is read as it comes: `write` its pieces, then `finish`.
---@param base string? its own URL, for addresses that are not absolute
---@return rill.SitemapReader
function M.reader(base)
  if type(base) ~= "nil" then check("reader", "base", base) end
  local self = setmetatable({ urls = {}, sitemaps = {}, _base = base, _bytes = 0, _rested = 0, _magic = "",
    _head = "" }, Reader)
  self._counts = { [self.urls] = 0, [self.sitemaps] = 0 }
  return self
end

--- Reads a sitemap. Never fails: what can be read is given. Of more than 50,000 URLs, and behind 50 MiB (decoded), the
--- rest is left out, which is reported to `rill.on_warning`.
---@param body string gzip is seen by its first bytes
---@param base string? its own URL, for addresses that are not absolute
---@return rill.sitemap.Entry[] urls
---@return rill.sitemap.Entry[] sitemaps that an index names
function M.parse(body, base)
  check("parse", "body", body)
  if type(base) ~= "nil" then check("parse", "base", base) end
  local reader = M.reader(base)
  reader._patient = true
  for at = 1, #body, SLICE do reader:write(sub(body, at, at + SLICE - 1)) end
  local urls, sitemaps, cut = reader:finish()
  if cut then
    local name = base and " " .. errors.shown(base) or ""
    hooks.warn(("sitemap%s: %s: the rest is left out"):format(name, cut), { url = base })
  end
  return urls, sitemaps
end

return M
