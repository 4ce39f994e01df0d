--- What a crawl reads of a page: its title, base, canonical URL and robots directives, and those of its links that are
--- followed and not known yet.
local html_reader = require("rill.core.html_reader")
local response = require("rill.response")

local find, sub = string.find, string.sub -- no patterns, which compiled code does not go on with

local M = {}

-- What a <link> of a page leads to; "all" takes what it is made of as well.
local LINK_RELS = { next = true, prev = true, alternate = true, canonical = true }
local MADE_OF = { stylesheet = true, icon = true, ["apple-touch-icon"] = true, ["mask-icon"] = true,
  ["apple-touch-icon-precomposed"] = true }

---@class rill.CrawlScan
---@field private _options table of the crawl
---@field private _written rill.CrawlWritten
---@field private _mask integer
---@field private _agent string
local Scan = {}
Scan.__index = Scan

--- Whether links of that tag are followed.
---@param options table of the crawl
---@param tag string
---@return boolean
function M.has_tag(options, tag)
  if type(options.links) ~= "table" then return true end
  for _, name in ipairs(options.links) do
    if name == tag then return true end
  end
  return false
end

-- Whether a <link> is followed by itself.
local function is_followed_by(options, rel)
  local page, part, at = false, false, 1
  while at <= #rel do
    local stop = find(rel, " ", at, true) or #rel + 1
    local word = sub(rel, at, stop - 1)
    if word == "canonical" and options.canonical == "ignore" then return false end
    page, part, at = page or LINK_RELS[word], part or MADE_OF[word], stop + 1
  end
  if part then return options.links == "all" end -- an alternate stylesheet is no page
  return page or false
end

local function is_followed(options, link)
  local tag = html_reader.names[link.tag]
  if tag == "form" or not M.has_tag(options, tag) then return false end
  return tag ~= "link" or is_followed_by(options, html_reader.rel(link) or "")
end

local function to_link(text, link, options)
  if not is_followed(options, link) then return nil end
  return { url = html_reader.url(text, link), nofollow = link.nofollow }
end

local function to_refused(text, link, options)
  if not is_followed(options, link) then return nil end
  return { url = html_reader.url(text, link), reason = html_reader.refusal(link), cut = link.cut }
end

--- Reads a page that has a body.
---@param page rill.CrawlPage
---@return table scan { links = { url=, nofollow= }[], refused = { url=, reason=, cut= }[], base=, canonical=, robots=,
---  refresh=, title= }; no links where none are followed
function Scan:read(page)
  local options = self._options
  local data, length = response.data(page.response)
  local reader = html_reader.read(data, length, page.url, page.headers["content-type"], self._mask, false, self._agent)
  local scan = { links = {}, refused = {} }
  html_reader.facts(reader, scan)
  if options.follow and not page.unchanged then
    self._written:leave_out(reader)
    scan.links = html_reader.links(reader, to_link, options)
    scan.refused = html_reader.refused(reader, to_refused, options)
  end
  html_reader.give_back(reader, length)
  return scan
end

---@param options table of the crawl
---@param written rill.CrawlWritten
---@param agent string
---@return rill.CrawlScan
function M.new(options, written, agent)
  return setmetatable({ _options = options, _written = written, _mask = html_reader.mask(options.tags),
    _agent = agent:lower() }, Scan)
end

return M
