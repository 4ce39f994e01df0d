--- What a handler is given: a response, what stands in its HTML, and the ways to follow and to emit.
local arguments = require("rill.core.arguments")
local digest = require("rill.crawl.digest")
local directives = require("rill.crawl.directives")
local errors = require("rill.errors")
local guard = require("rill.core.guard")
local html = require("rill.html")
local json = require("rill.core.plain_json")
local list_of = require("rill.core.list")
local response_of = require("rill.response")
local runtime = require("rill.runtime")
local text_of = require("rill.core.text")
local url = require("rill.url")

local M = {}

local MAX_META = 64 * 1024 -- bytes of JSON

---@class rill.CrawlPage
---@field url string
---@field status integer?
---@field headers rill.Headers?
---@field body string? nil where it was stopped
---@field response rill.Response?
---@field depth integer
---@field meta any
---@field from string? the page that named it
---@field priority integer
---@field attempts integer
---@field base string?
---@field charset string? the encoding the body is in, by BOM, header, meta, in lower case: "utf-8", "windows-1252"
---@field title string?
---@field canonical string?
---@field noindex boolean
---@field nofollow boolean
---@field unchanged boolean
---@field hash string? of the body: 16 hex digits
---@field duplicate_of string|true|nil
---@field redirected_from string[]
---@field stopped boolean?
---@field error rill.Error?
---@field text string? the body in UTF-8
---@field private _crawl table
---@field private _id integer
---@field private _document any
---@field private _items table[]
---@field private _follows table[]
---@field private _links table[]? that the page itself has named
---@field private _named table<string, true>? fingerprints of those, and of what the handler follows
---@field private _scan table? of rill.crawl.scan: what is HTML has one
---@field private _closed boolean
---@field private _unasked table? the outcome, while only a shared frontier knows whether its body is another page's
local methods = {}

local lazy = {}

function lazy:body()
  return self.response and not self.stopped and self.response.body or nil
end

function lazy:text()
  return self.response and not self.stopped and self.response:text() or nil
end

function lazy:charset()
  local body = self.body
  return body and text_of.charset(body, self.headers["content-type"]):lower()
end

function lazy:hash()
  local status = self.status
  if not self.response or self.stopped or status < 200 or status > 299 then return nil end
  local data, length = response_of.data(self.response)
  return length > 0 and ("%08x%08x"):format(digest(data, length)) or nil
end

-- Waits for the answer.
function lazy:duplicate_of()
  local outcome = self._unasked
  if not outcome then return nil end
  runtime.waiter "page.duplicate_of" -- raises where none may wait
  local frontier = self._crawl.frontier
  local known = frontier:has_body(outcome.high, outcome.low)
  -- Another task has asked as well; or the page has gone to the commit, and the body that is known may be its own.
  if self._unasked ~= outcome then return outcome.duplicate_of end
  if known == nil then return nil end -- no answer is not no: the commit asks, or fails with the error
  self._unasked, outcome.unasked, outcome.duplicate_of = nil, false, known or nil
  frontier:take_body(outcome.high, outcome.low, known)
  return outcome.duplicate_of
end

local Page = {}

function Page:__index(name)
  local method = methods[name]
  if method then return method end
  local make = lazy[name]
  if not make then return nil end
  local value = make(self)
  rawset(self, name, value)
  return value
end

function Page:__tostring()
  return ("page: %s %s, depth %d"):format(self.status or "-", self.url, self.depth)
end

-- rill.html.document, parsed once.
local function document(page)
  if page._document == nil then
    local make = rawget(html, "document") or html.document
    if not make then errors.raise("page: this build of rill has no rill.html.document (libxml2)") end
    local body = page.body
    local doc, err = make(body or "", page.url, page.headers and page.headers["content-type"])
    if not doc then return nil, err end
    page._document = doc
  end
  return page._document
end

---@param selector string
---@return table? list of nodes, or of strings with ::text and ::attr(name)
---@return rill.Error? err the selector is none
function methods:css(selector)
  local doc, err = document(self)
  if not doc then return nil, err end
  return doc:css(selector)
end

---@param expression string
---@return table? list of nodes or strings
---@return rill.Error? err
function methods:xpath(expression)
  local doc, err = document(self)
  if not doc then return nil, err end
  return doc:xpath(expression)
end

---@return any value
---@return rill.Error? err
function methods:json()
  if not self.response or self.stopped then return nil, errors.new { reason = "decode_error",
    message = "there is no body", url = self.url } end
  return self.response:json()
end

--- Writes the body to a file.
---@param path string
---@return boolean? saved
---@return rill.Error? err
function methods:save(path)
  if not self.response then
    return nil, errors.new { reason = "file_error", message = "there is no body", url = self.url }
  end
  return self.response:save(path)
end

local function links_below(page, selector)
  local nodes, err = page:css(selector)
  if not nodes then return nil, err end
  local list, seen = {}, {}
  for _, node in ipairs(nodes) do
    for _, link in ipairs(type(node) ~= "string" and node:links() or {}) do
      local to = type(link) == "table" and link.url or link
      if not seen[to] then
        seen[to] = true
        list[#list + 1] = type(link) == "table" and link or { url = link }
      end
    end
  end
  return list
end

-- The text of links, by their URLs, where there is a document to ask.
local function texts_of(page)
  local texts = {}
  if not html.document then return texts end
  local nodes = page:css "a[href], area[href]"
  for _, node in ipairs(nodes or {}) do
    local to = url.resolve(page.base or page.url, node:attr "href" or "")
    to = to and url.normalize(to)
    if to and not texts[to] then texts[to] = (node:text():gsub("%s+", " "):match "^ ?(.-) ?$") end
  end
  return texts
end

--- All links of the page, in order, each once, whether in scope or not.
---@param selector string? only those in what it finds
---@return { url: string, text: string?, rel: string?, tag: string, nofollow: boolean }[]?
---@return rill.Error? err
function methods:links(selector)
  if selector then return links_below(self, selector) end
  if not self._scan then return {} end
  local list, seen, texts = {}, {}, texts_of(self)
  local scan = html.scan(self.body, self.url, { content_type = self.headers["content-type"],
    tags = self._crawl.options.tags })
  for _, link in ipairs(scan) do
    if not seen[link.url] then
      seen[link.url] = true
      list[#list + 1] = { url = link.url, tag = link.tag, rel = link.rel, nofollow = link.nofollow,
        text = texts[link.url] }
    end
  end
  return list
end

local function follow_all(page, list, options)
  local all, why = true, nil
  if list_of.is_map(list) or list_of.hole(list) then
    errors.raise("page:follow: a list of URLs, nodes or links has no holes, got " .. errors.show(list))
  end
  for _, target in ipairs(list) do
    local ok, reason = page:follow(target, options)
    if not ok then all, why = false, reason end
  end
  return all, why
end

local FOLLOW = { priority = true, meta = true, again = true }

--- What of a link is checked wherever a script gives one.
---@param call string
---@param options { priority: integer?, meta: any }
function M.check_link(call, options)
  local priority = options.priority or 0
  if type(priority) ~= "number" or priority % 1 ~= 0 or priority < -8 or priority > 8 then
    errors.raise(call .. ": priority must be a whole number from -8 to 8, got " .. errors.show(priority))
  end
  M.check_meta(call, options.meta)
end

--- A meta is a value that JSON has, of bounded size.
---@param call string
---@param meta any
function M.check_meta(call, meta)
  if type(meta) == "nil" then return end
  local ok, text = pcall(json.encode, meta)
  if not ok then errors.raise(("%s: meta: %s"):format(call, text)) end
  if #text > MAX_META then
    errors.raise(("%s: meta has %d bytes as JSON, %d are allowed"):format(call, #text, MAX_META))
  end
end

local function address_of(target)
  if type(target) == "string" then return target end
  if type(target) == "table" and type(rawget(target, "url")) == "string" then return target.url end
  local ok, href = pcall(function() return target:attr "href" or target:attr "src" end)
  return ok and href or nil
end

local function is_list(target)
  return type(target) == "table" and getmetatable(target) == nil and rawget(target, "url") == nil
end

--- Has a URL asked for, when this page is committed.
---@param target string|table a URL (relative ones count from the page's base), a node, a link, or a list of them
---@param options { priority: integer?, meta: any, again: boolean? }?
---@return boolean followed
---@return string? reason "seen", or one of `skipped`
function methods:follow(target, options)
  if self._closed then errors.raise("page:follow: the page's handler has ended") end
  arguments.options("page:follow: options", options, FOLLOW)
  options = options or {}
  M.check_link("page:follow", options)
  if is_list(target) then return follow_all(self, target, options) end
  local address = address_of(target)
  if not address then errors.raise("page:follow: a URL, a node or a list of them, got " .. errors.show(target)) end
  local absolute = url.resolve(self.base or self.url, address)
  return self._crawl:follow_from(self, absolute or address, options)
end

--- Writes an item to every output, when this page is committed.
---@param item table of strings, numbers, booleans, lists, maps
function methods:emit(item)
  if self._closed then errors.raise("page:emit: the page's handler has ended") end
  self._items[#self._items + 1] = M.check_item("page:emit", item)
end

--- An item is a table that JSON has. It is written later: what becomes of the script's own table does not matter.
---@param call string
---@param item any
---@return table item a copy
function M.check_item(call, item)
  if type(item) ~= "table" then
    errors.raise(("%s: the item must be a table, got %s"):format(call, errors.show(item)))
  end
  local ok, copy = pcall(json.copy, item)
  if not ok then errors.raise(("%s: %s"):format(call, copy)) end
  return copy
end

--- A handler begins: nothing is asked for yet.
---@private
---@param links table[] that the page itself has named: they are followed before the handler runs
function methods:open_effects(links)
  self._closed, self._items, self._follows, self._links, self._named = false, {}, {}, links, nil
end

--- What the handler asks to be done: nothing more comes after this.
---@private
function methods:take_effects()
  self._closed, self._links, self._named = true, nil, nil
  return self._items, self._follows
end

local function fingerprint(high, low)
  return high .. ":" .. low
end

--- Whether the page or its handler has named a URL of that fingerprint already.
---@private
---@return boolean
function methods:has_named(high, low)
  if not self._named then
    self._named = {}
    for _, link in ipairs(self._links or {}) do self._named[fingerprint(link.high, link.low)] = true end
  end
  return self._named[fingerprint(high, low)] == true
end

--- Notes a link for the commit.
---@private
function methods:note(link)
  self._follows[#self._follows + 1] = link
  if self._named then self._named[fingerprint(link.high, link.low)] = true end
end

---@private
function methods:entry_id()
  return self._id
end

--- Whether who wants to know if its body is another page's asks Redis: not once its own may be known there.
---@private
---@param outcome table? nil: nobody asks from now on
function methods:may_ask(outcome)
  self._unasked = outcome
end

---@private
function methods:scanned()
  return self._scan
end

--- The document's memory goes with its page.
---@private
function methods:release()
  if self._document then self._document:close() end
  self._document, self._scan = nil, nil
end

guard("page", Page, methods, { open_effects = true, take_effects = true, has_named = true, note = true,
  scanned = true, release = true, entry_id = true, may_ask = true })

--- Makes the page of an entry.
---@param crawl table
---@param entry rill.CrawlEntry
---@return rill.CrawlPage
function M.new(crawl, entry)
  return setmetatable({
    url = entry.url, depth = entry.depth, meta = entry.meta, from = entry.from, priority = entry.priority or 0,
    attempts = entry.attempts, redirected_from = entry.via or {}, noindex = false, nofollow = false, unchanged = false,
    _crawl = crawl, _id = entry.id, _items = {}, _follows = {}, _closed = false,
  }, Page)
end

--- Reads what the HTML and the head of a 2xx page say.
---@param page rill.CrawlPage
---@param scanner rill.CrawlScan
---@param agent string
function M.read(page, scanner, agent)
  local headers = page.headers
  local kind = (headers["content-type"] or ""):lower()
  if not page.stopped and (kind:find("html", 1, true) or kind == "") then
    local scan = scanner:read(page)
    page._scan, page.base, page.title, page.canonical = scan, scan.base or page.url, scan.title, scan.canonical
    if scan.robots then
      for word in scan.robots:gmatch "[^%s,;]+" do directives.apply(page, word) end
    end
  end
  if headers:has "x-robots-tag" then
    for _, value in ipairs(headers:all "x-robots-tag") do directives.read(page, value, agent:lower()) end
  end
end

return M
