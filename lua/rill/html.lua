--- What an HTML page links to: the HTML Standard's tokenizer in C (src/html), URLs made absolute and normalized
--- there. No tree is built, no script is run. It needs no task and no loop; in a task, a long page gives way.
--- `document` builds a tree: rill/html/document.lua.
local errors = require("rill.errors")
local html_reader = require("rill.core.html_reader")
local list_of = require("rill.core.lazy").module("rill.core.list")

local M = {}

local ANCHORS = html_reader.mask()

local function check(call, name, value)
  if type(value) ~= "string" then
    errors.raise(("rill.html.%s: %s must be a string, not %s"):format(call, name, type(value)))
  end
end

local function to_link(text, link)
  return {
    url = html_reader.url(text, link),
    tag = html_reader.names[link.tag],
    rel = html_reader.rel(link),
    nofollow = link.nofollow,
  }
end

local function to_refused(text, link)
  local made = to_link(text, link)
  made.reason = html_reader.refusal(link)
  return made
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
  if type(content_type) ~= "nil" then check("links", "content_type", content_type) end
  local reader = html_reader.read(body, #body, base, content_type, ANCHORS, true)
  local list = html_reader.links(reader, html_reader.url)
  html_reader.give_back(reader, #body)
  return list
end

local OPTIONS = { content_type = true, tags = true, agent = true }

--- The bits of the tags that are asked for; <a> and <area> always are.
local function mask_of(tags)
  if type(tags) ~= "nil" and tags ~= "all" and type(tags) ~= "table" then
    errors.raise("rill.html.scan: tags must be a list of names or \"all\", got " .. errors.show(tags))
  end
  if type(tags) == "table" and not list_of.is(tags) then
    errors.raise("rill.html.scan: tags must be a list of names without holes, got " .. list_of.shown(tags))
  end
  local mask, unknown = html_reader.mask(tags)
  if not mask then errors.raise("rill.html.scan: no links are read from the tag " .. errors.show(unknown)) end
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
  if type(content_type) ~= "nil" then check("scan", "content_type", content_type) end
  local agent = options.agent
  if type(agent) ~= "nil" then check("scan", "agent", agent) end
  local reader = html_reader.read(body, #body, base, content_type, mask_of(options.tags), false,
    agent and agent:lower())
  local list = html_reader.links(reader, to_link)
  local refused = html_reader.refused(reader, to_refused)
  html_reader.facts(reader, list)
  if refused[1] then list.refused = refused end
  html_reader.give_back(reader, #body)
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
