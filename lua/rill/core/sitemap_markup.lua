--- The markup of sitemaps and feeds, in pieces. It reads what is well-formed, and of the rest what it can; entities
--- that a file declares are not expanded.
local M = {}

local find, gsub, lower, match, sub = string.find, string.gsub, string.lower, string.match, string.sub

local TAG_MOST = 16384 -- bytes of a tag; a longer one is passed over
local TEXT_MOST = 65536 -- bytes of a field's text; no longer URL can be read

-- Elements that are a record, and what their parts are for us.
local RECORDS = {
  url = { loc = "loc", lastmod = "lastmod", priority = "priority" },
  sitemap = { loc = "loc", lastmod = "lastmod" },
  item = { link = "loc", pubdate = "lastmod", date = "lastmod" },
  entry = { link = "loc", updated = "lastmod" },
}
local MARKS = { -- what begins like this ends like that; its text is a field's where `kept`
  { "<!--", "-->" }, { "<![CDATA[", "]]>", kept = true }, { "<?", "?>" },
}
local NAMED = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'" }

---@class rill.sitemap.Markup
---@field private _sink fun(kind: string, fields: table<string, string>)
---@field private _rest string what could not be read yet
---@field private _mark table? a row of MARKS that is open
---@field private _subset boolean in a DOCTYPE's brackets
---@field private _kind string? the record that is open
---@field private _fields table<string, string>? of it
---@field private _inner integer elements open in it that are none of its parts
---@field private _field string? the part that is open
---@field private _text string[]?
---@field private _length integer of that
local Markup = {}
Markup.__index = Markup

local function utf8_of(code)
  if not code or code < 1 or code > 0x10ffff then return nil end
  if code < 128 then return string.char(code) end
  local tail = string.char(128 + code % 64)
  code = math.floor(code / 64)
  if code < 32 then return string.char(192 + code) .. tail end
  tail = string.char(128 + code % 64) .. tail
  code = math.floor(code / 64)
  if code < 16 then return string.char(224 + code) .. tail end
  return string.char(240 + math.floor(code / 64), 128 + code % 64) .. tail
end

local function unescaped(text)
  if not find(text, "&", 1, true) then return text end
  return (gsub(text, "&(#?)(%w+);", function(hash, name)
    if hash == "" then return NAMED[name] end
    local hex = match(name, "^[xX](%x+)$")
    return utf8_of(hex and tonumber(hex, 16) or tonumber(name, 10))
  end))
end

local function trimmed(text)
  local first = match(text, "^%s*()")
  return sub(text, first, #text - match(text:reverse(), "^%s*()") + 1)
end

local function keep(self, text)
  if not self._field then return end
  self._length = self._length + #text
  if self._length <= TEXT_MOST then self._text[#self._text + 1] = text end
end

-- The part that is open ends; the first of its kind counts.
local function end_field(self)
  local field = self._field
  if not field then return end
  local text = self._length <= TEXT_MOST and trimmed(unescaped(table.concat(self._text))) or ""
  self._field, self._text = nil, nil
  if text ~= "" and not self._fields[field] then self._fields[field] = text end
end

local function end_record(self)
  end_field(self)
  local kind, fields = self._kind, self._fields
  self._kind, self._fields = nil, nil
  if kind and fields.loc then self._sink(kind, fields) end
end

local function begin_field(self, field)
  self._field, self._text, self._length = field, {}, 0
end

-- Atom: <link href="..." rel="alternate">, where no rel means that.
local function add_href(self, tag)
  local href = match(tag, "%shref%s*=%s*\"([^\"]*)\"") or match(tag, "%shref%s*=%s*'([^']*)'")
  local rel = match(tag, "%srel%s*=%s*[\"']([^\"']*)")
  if href and (not rel or lower(rel) == "alternate") and not self._fields.loc then
    self._fields.loc = trimmed(unescaped(href))
  end
end

local function open_element(self, name, tag)
  end_field(self)
  local closed = sub(tag, -1) == "/"
  if RECORDS[name] then
    end_record(self)
    if not closed then self._kind, self._fields, self._inner = name, {}, 0 end
    return
  end
  local field = self._kind and self._inner == 0 and RECORDS[self._kind][name]
  if field and name == "link" and self._kind == "entry" then add_href(self, tag) end
  if closed or not self._kind then return end
  if field then begin_field(self, field) else self._inner = self._inner + 1 end
end

local function close_element(self, name)
  local was_open = self._field ~= nil
  end_field(self)
  if name == self._kind then
    end_record(self)
  elseif self._kind and not was_open and self._inner > 0 then
    self._inner = self._inner - 1
  end
end

-- `tag` is what stands between the angle brackets.
local function take_tag(self, tag)
  local slash, name = match(tag, "^(/?)%s*([^%s/>]+)")
  if not name then return end
  name = lower(match(name, "([^:]*)$"))
  if slash == "/" then close_element(self, name) else open_element(self, name, tag) end
end

-- Where a tag ends whose inside begins at `at`: at a bracket that is not quoted. "<" stands in no tag: one that is
-- there ends it as well, as none. nil: its end has not come.
local function tag_end(text, at)
  local quote
  while true do
    local stop = find(text, quote and "[<" .. quote .. "]" or "[\"'<>]", at)
    local sign = stop and sub(text, stop, stop)
    if not stop or sign == "<" or sign == ">" then return stop, sign == "<" end
    quote = not quote and sign or nil
    at = stop + 1
  end
end

-- Passes a mark that is open. Returns where it goes on; nil: its end has not come.
local function pass_mark(self, text, at)
  local ending = self._mark[2]
  local stop = find(text, ending, at, true)
  local keeps = stop or math.max(at, #text - #ending + 2) -- a part of the end may have come
  if self._mark.kept then keep(self, (gsub(sub(text, at, keeps - 1), "&", "&amp;"))) end
  if not stop then
    self._rest = sub(text, keeps)
    return nil
  end
  self._mark = nil
  return stop + #ending
end

-- What begins with "<!": a DOCTYPE, perhaps with brackets. Returns as pass_mark.
local function pass_declaration(self, text, at)
  local stop = find(text, "[%[<>]", at + 1)
  if not stop then return nil end
  local sign = sub(text, stop, stop)
  if sign == "[" then self._mark = { nil, "]" } end
  return sign == "<" and stop or stop + 1
end

local function opens_mark(self, text, at)
  for _, mark in ipairs(MARKS) do
    if sub(text, at, at + #mark[1] - 1) == mark[1] then
      self._mark = mark
      return at + #mark[1]
    end
  end
end

-- Whether more bytes could make a mark of what begins here.
local function undecided(text, at)
  if #text - at > 8 then return false end
  local left = sub(text, at)
  for _, mark in ipairs(MARKS) do
    if #left < #mark[1] and sub(mark[1], 1, #left) == left then return true end
  end
end

-- Takes what begins with "<" at `at`. Returns where it goes on; nil: it has not come whole.
local function take_markup(self, text, at)
  if undecided(text, at) then return nil end
  local inside = opens_mark(self, text, at)
  if inside then return inside end
  local after, broken
  if sub(text, at + 1, at + 1) == "!" then
    after = pass_declaration(self, text, at)
  else
    after, broken = tag_end(text, at + 1)
    if broken then return after end
    if after and after - at <= TAG_MOST then take_tag(self, sub(text, at + 1, after - 1)) end
    after = after and after + 1
  end
  if not after and #text - at > TAG_MOST then return at + 1 end -- too long: its "<" was none
  return after
end

--- Takes the next piece.
---@param bytes string
function Markup:write(bytes)
  local text, at = self._rest .. bytes, 1
  self._rest = ""
  while at <= #text do
    if self._mark then
      at = pass_mark(self, text, at)
      if not at then return end
    else
      local open = find(text, "<", at, true)
      keep(self, sub(text, at, (open or 0) - 1))
      if not open then return end
      at = take_markup(self, text, open)
      if not at then
        self._rest = sub(text, open)
        return
      end
    end
  end
end

--- Takes the end: a record that has begun counts.
---@param is_part boolean? more would have followed, so of that record only the fields that have ended count
function Markup:finish(is_part)
  if is_part then self._field = nil end
  end_record(self)
end

--- A reader.
---@param sink fun(kind: string, fields: table<string, string>) gets each record: "url", "sitemap", "item", "entry"
---@return rill.sitemap.Markup
function M.new(sink)
  return setmetatable({ _sink = sink, _rest = "", _inner = 0, _length = 0 }, Markup)
end

return M
