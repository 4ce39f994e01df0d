--- Reads HTML pages by src/html, in pieces that give way: what rill.html and crawls share.
local ffi = require("rill.core.ffi")
local bit = require("bit")
local C = require("rill.clib")

local M = {}

local STRINGS_PER_SLICE = 16384
local WINDOW = tonumber(C.RILL_HTML_WINDOW)
local TAGS = tonumber(C.RILL_HTML_TAGS)

local page = ffi.new("rill_html_page") -- filled in for one call of begin
local found = ffi.new("rill_html_found")
local idle -- a reader that is used again: its memory is

local numbers, names = {}, {} -- of tags
for number = 0, TAGS - 1 do
  local name = ffi.string(C.rill_html_tag_name(number))
  numbers[name], names[number] = number, name
end

--- The names of tags by their numbers.
M.names = names

local ANCHORS = bit.bor(bit.lshift(1, numbers.a), bit.lshift(1, numbers.area))

--- The bits of tags; <a> and <area> are always among them.
---@param tags string[]|"all"|nil
---@return integer? mask
---@return any unknown what no tag is called
function M.mask(tags)
  if tags == "all" then return bit.lshift(1, TAGS) - 1 end
  local mask = ANCHORS
  for _, name in pairs(tags or {}) do
    if not numbers[name] then return nil, name end
    mask = bit.bor(mask, bit.lshift(1, numbers[name]))
  end
  return mask
end

local function take_reader()
  local reader = idle
  idle = nil
  if not reader then
    reader = C.rill_html_new()
    if reader == nil then error("rill.html: out of memory", 0) end
    reader = ffi.gc(reader, C.rill_html_free)
  end
  return reader
end

--- Keeps a reader for the next page, unless a long one has made it large.
---@param reader ffi.cdata*
---@param length integer of its page
function M.give_back(reader, length)
  if length > WINDOW then
    C.rill_html_free(ffi.gc(reader, nil))
  else
    idle = reader
  end
end

--- Lets other tasks run, where that can be done. In a cancelled task it raises, as every wait does.
local function give_way(reader)
  local runtime = package.loaded["rill.runtime"]
  if not runtime or not runtime.may_wait() then return end
  local ok, err = pcall(require("rill.task.timer").sleep, 0)
  if not ok then
    C.rill_html_free(ffi.gc(reader, nil))
    error(err, 0)
  end
end

--- Reads a whole page. What it is given must live until the reader was asked.
---@param body string|ffi.cdata* const char *
---@param length integer
---@param base string absolute URL the page was got from
---@param content_type string?
---@param mask integer of tags whose links are read
---@param plain boolean? nothing else is
---@param agent string? in lower case
---@return ffi.cdata* reader
function M.read(body, length, base, content_type, mask, plain, agent)
  local reader = take_reader()
  page.body, page.length = body, length
  page.url, page.url_length = base, #base
  page.content_type, page.content_type_length = content_type, content_type and #content_type or 0
  page.tags, page.plain, page.agent = mask, plain or false, agent
  C.rill_html_begin(reader, page)
  local large = length > WINDOW
  local code = C.rill_html_step(reader)
  while code > 0 do
    if large then give_way(reader) end
    code = C.rill_html_step(reader)
  end
  if code < 0 then error("rill.html: out of memory", 0) end
  return reader, body, base, content_type, agent -- these had to live until here
end

--- What a page was found to have is without what is known.
---@param reader ffi.cdata*
---@param known ffi.cdata* rill_known
function M.leave_out(reader, known)
  while C.rill_html_leave_out(reader, known) > 0 do give_way(reader) end
end

--- The list of what make(text, link, context) gives for each; nil: nothing. In slices that give way.
local function list_of(reader, links, count, make, context)
  local list, length, text = {}, 0, found.text
  for i = 0, count - 1 do
    if i > 0 and i % STRINGS_PER_SLICE == 0 then give_way(reader) end
    local made = make(text, links[i], context)
    if made then
      length = length + 1
      list[length] = made
    end
  end
  return list
end

--- The links, as `make` makes them.
---@param reader ffi.cdata*
---@param make fun(text: ffi.cdata*, link: ffi.cdata*, context: any): any
---@param context any?
---@return any[]
function M.links(reader, make, context)
  C.rill_html_get(reader, found)
  return list_of(reader, found.links, found.count, make, context)
end

--- The addresses that are no links, in the same way.
---@param reader ffi.cdata*
---@param make fun(text: ffi.cdata*, link: ffi.cdata*, context: any): any
---@param context any?
---@return any[]
function M.refused(reader, make, context)
  C.rill_html_get(reader, found)
  return list_of(reader, found.refused, found.refused_count, make, context)
end

---@param text ffi.cdata*
---@param where ffi.cdata* rill_html_text
---@return string?
local function part(text, where)
  return where.length >= 0 and ffi.string(text + where.at, where.length) or nil
end

--- Stores in a table the base, canonical and refresh URLs, the robots directives and the title of a page.
---@param reader ffi.cdata*
---@param into table gets the fields of rill.HtmlScan but for its lists
function M.facts(reader, into)
  C.rill_html_get(reader, found)
  local text = found.text
  into.base, into.canonical = part(text, found.base), part(text, found.canonical)
  into.robots, into.refresh, into.title = part(text, found.robots), part(text, found.refresh), part(text, found.title)
  into.cut = found.cut or nil
end

--- The URL of a link.
---@param text ffi.cdata*
---@param link ffi.cdata* rill_html_link
---@return string
function M.url(text, link)
  return ffi.string(text + link.url.at, link.url.length)
end

--- The words of its rel.
---@param link ffi.cdata* rill_html_link
---@return string?
function M.rel(link)
  return link.rel ~= nil and ffi.string(link.rel, link.rel_length) or nil
end

local REFUSALS = {
  [tonumber(C.RILL_HTML_INVALID)] = "invalid", [tonumber(C.RILL_HTML_SCHEME)] = "scheme",
  [tonumber(C.RILL_HTML_LONG)] = "long",
}

--- Why it is none.
---@param link ffi.cdata* rill_html_link
---@return string
function M.refusal(link)
  return REFUSALS[link.refusal]
end

return M
