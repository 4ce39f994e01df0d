--- What an HTML page links to: the HTML Standard's tokenizer in C (src/html), URLs made absolute and normalized
--- there. No tree is built, no script is run. It needs no task and no loop; in a task, a long page gives way.
--- `document` builds a tree: rill/html/document.lua.
local ffi = require("rill.core.ffi")
local bit = require("bit")
local C = require("rill.clib")
local errors = require("rill.errors")

local M = {}

local STRINGS_PER_SLICE = 16384
local WINDOW = tonumber(C.RILL_HTML_WINDOW)

local page = ffi.new("rill_html_page") -- filled in for one call of begin
local found = ffi.new("rill_html_found")
local idle -- a reader that is used again: its memory is

local numbers = {} -- of tags, by their names
for number = 0, tonumber(C.RILL_HTML_TAGS) - 1 do
  numbers[ffi.string(C.rill_html_tag_name(number))] = number
end
local ANCHORS = bit.bor(bit.lshift(1, numbers.a), bit.lshift(1, numbers.area))
local names = {}
for name, number in pairs(numbers) do names[number] = name end

local function check(call, name, value)
  if type(value) ~= "string" then
    errors.raise(("rill.html.%s: %s must be a string, not %s"):format(call, name, type(value)))
  end
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
local function give_back(reader, body)
  if #body > WINDOW then
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

--- Reads a whole page. The strings must live until the reader was asked.
local function read(body, base, content_type, tags, plain, agent)
  local reader = take_reader()
  page.body, page.length = body, #body
  page.url, page.url_length = base, #base
  page.content_type, page.content_type_length = content_type, content_type and #content_type or 0
  page.tags, page.plain, page.agent = tags, plain, agent
  C.rill_html_begin(reader, page)
  local large = #body > WINDOW
  local code = C.rill_html_step(reader)
  while code > 0 do
    if large then give_way(reader) end
    code = C.rill_html_step(reader)
  end
  if code < 0 then error("rill.html: out of memory", 0) end
  return reader, body, base, content_type, agent -- the strings had to live until here
end

--- Calls make(text, link) for each link, in slices that give way.
local function list_of(reader, make, refused)
  C.rill_html_get(reader, found)
  local text, links, count = found.text, found.links, found.count
  if refused then links, count = found.refused, found.refused_count end
  local list = {}
  for i = 0, count - 1 do
    if i > 0 and i % STRINGS_PER_SLICE == 0 then give_way(reader) end
    list[i + 1] = make(text, links[i])
  end
  return list
end

local function to_url(text, link)
  return ffi.string(text + link.url.at, link.url.length)
end

local function to_link(text, link)
  return {
    url = to_url(text, link),
    tag = names[link.tag],
    rel = link.rel ~= nil and ffi.string(link.rel, link.rel_length) or nil,
    nofollow = link.nofollow,
  }
end

local REFUSALS = {
  [tonumber(C.RILL_HTML_INVALID)] = "invalid", [tonumber(C.RILL_HTML_SCHEME)] = "scheme",
  [tonumber(C.RILL_HTML_LONG)] = "long",
}

local function to_refused(text, link)
  local made = to_link(text, link)
  made.reason = REFUSALS[link.refusal]
  return made
end

local function part(text, where)
  return where.length >= 0 and ffi.string(text + where.at, where.length) or nil
end

--- The links of an HTML page: href of <a> and <area>, absolute and normalized, each once, in document order.
--- What is no http or https URL (mailto:, javascript:, garbage) is left out; a `<base href>` is respected. Never
--- fails on data, however broken, deep or large; takes time in proportion to its length.
---@param body string the page
---@param base string absolute URL the page was got from (after redirects)
---@param content_type? string its content-type field: a charset named there counts before the page's own
---@return string[] links
function M.links(body, base, content_type)
  check("links", "body", body)
  check("links", "base_url", base)
  if content_type ~= nil then check("links", "content_type", content_type) end
  local reader = read(body, base, content_type, ANCHORS, true)
  local list = list_of(reader, to_url)
  give_back(reader, body)
  return list
end

local OPTIONS = { content_type = true, tags = true, agent = true }

--- The bits of the tags that are asked for; <a> and <area> always are.
local function mask_of(tags)
  if tags == nil then return ANCHORS end
  if tags == "all" then return bit.lshift(1, tonumber(C.RILL_HTML_TAGS)) - 1 end
  if type(tags) ~= "table" then
    errors.raise("rill.html.scan: tags must be a list of names or \"all\", got " .. errors.show(tags))
  end
  local mask = ANCHORS
  for key, name in pairs(tags) do
    if type(key) ~= "number" then
      errors.raise("rill.html.scan: tags must be a list of names, got a table with the key " .. errors.show(key))
    end
    local number = numbers[name]
    if not number then errors.raise("rill.html.scan: no links are read from the tag " .. errors.show(name)) end
    mask = bit.bor(mask, bit.lshift(1, number))
  end
  return mask
end

---@class rill.HtmlLink
---@field url string absolute, normalized
---@field tag string "a", "img", ...
---@field rel string? its words in lower case, a space between
---@field nofollow boolean rel holds nofollow, ugc or sponsored, each time this link occurs

---@class rill.HtmlScan
---@field [integer] rill.HtmlLink each once for a tag (and the rel of a <link>), in order
---@field base string? what links are resolved by; nil: the page's own URL is none
---@field canonical string? of <link rel=canonical>
---@field robots string? content of <meta name=robots>, and of those for `agent`, in lower case; joined with ", "
---@field refresh string? where <meta http-equiv=refresh> leads
---@field title string? white space collapsed
---@field refused rill.HtmlRefused[]? addresses that are no links; nil: there is none
---@field cut boolean? there were more links than rill reads of one page (doc/limits.md)

---@class rill.HtmlRefused: rill.HtmlLink
---@field url string as it is written, the first 2 KiB
---@field reason string "invalid": it is no URL; "scheme": one of another scheme than http and https; "long": 64 KiB

--- The links of an HTML page with what is known of each, and what the page says of itself.
---@param body string the page
---@param base string absolute URL the page was got from (after redirects)
---@param options? { content_type: string?, tags: string[]|"all"|nil, agent: string? } tags: whose links, beside those
---  of a and area; agent: a robot, for which <meta name=AGENT> may stand
---@return rill.HtmlScan
function M.scan(body, base, options)
  check("scan", "body", body)
  check("scan", "base_url", base)
  options = options or {}
  if type(options) ~= "table" then
    errors.raise("rill.html.scan: options must be a table, got " .. errors.show(options))
  end
  for name in pairs(options) do
    if not OPTIONS[name] then errors.raise("rill.html.scan: unknown option " .. errors.show(name)) end
  end
  local content_type = options.content_type
  if content_type ~= nil then check("scan", "content_type", content_type) end
  local agent = options.agent
  if agent ~= nil then check("scan", "agent", agent) end
  local reader = read(body, base, content_type, mask_of(options.tags), false, agent and agent:lower())
  local list = list_of(reader, to_link)
  C.rill_html_get(reader, found) -- again: others may have run
  local text = found.text
  list.base, list.canonical = part(text, found.base), part(text, found.canonical)
  list.robots, list.refresh, list.title = part(text, found.robots), part(text, found.refresh), part(text, found.title)
  list.cut = found.cut or nil
  if found.refused_count > 0 then list.refused = list_of(reader, to_refused, true) end
  give_back(reader, body)
  return list
end

local make_document, no_documents -- why there are none

-- A module that could not be loaded cannot be asked for again.
local function load_documents()
  if no_documents then error(no_documents, 0) end
  local loaded, made = pcall(require, "rill.html.document")
  if not loaded then
    no_documents = made:match "rill.*" or made
    error(no_documents, 0)
  end
  make_document = made
end

--- A page as a tree that CSS selectors and XPath expressions are asked of: libxml2's, as users of lxml know it (no
--- `tbody` is added, misplaced table content stays where it stands). Never fails on data; what was left out for the
--- sake of a bound is in `cut`. Needs libxml2 and PCRE2, which are loaded when this is first called.
---@param body string the page
---@param base? string absolute URL the page was got from (after redirects): for the links of its nodes
---@param content_type? string its content-type field: a charset named there counts before the page's own
---@return rill.Document
function M.document(body, base, content_type)
  if not make_document then load_documents() end
  return make_document(body, base, content_type)
end

return M
