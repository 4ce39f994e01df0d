--- An element of a document (or a comment in it). It keeps its document in memory; when the document is closed its
--- methods raise.
local ffi = require("rill.core.ffi")
local C = require("rill.html.clib")
local errors = require("rill.errors")
local guard = require("rill.core.guard")
local links = require("rill.html.node_links")
local query = require("rill.html.query")

---@class rill.Node
---@field name string of the element, in lower case; "#comment", "#document"
---@field private _document rill.Document
---@field private _pointer ffi.cdata* const rill_doc_node *; lives as long as the document
local Node = {}
Node.__index = Node

local text = ffi.new("const char *[1]")

local OPTIONS = { text = { raw = true }, html = { inner = true } }

-- One option, true or false.
local function option(call, options, name)
  if options == nil then return false end
  if type(options) ~= "table" then
    errors.raise(("node:%s: options must be a table, got %s"):format(call, errors.show(options)))
  end
  for key in pairs(options) do
    if not OPTIONS[call][key] then errors.raise(("node:%s: unknown option %s"):format(call, errors.show(key))) end
  end
  return options[name] and true or false
end

--- The text, as a reader sees it: blanks folded, blocks, rows and `<br>` on lines of their own, cells apart by a tab;
--- without scripts and styles. In `<pre>` blanks stay.
---@param options? { raw: boolean? } raw: all texts as they stand in the page, those of scripts too
---@return string
function Node:text(options)
  local form = option("text", options, "raw") and C.RILL_DOC_RAW or C.RILL_DOC_SHOWN
  return query.text(self._document, self._pointer, form)
end

--- The markup of the node, as libxml2 writes it.
---@param options? { inner: boolean? } inner: of what is in it only
---@return string
function Node:html(options)
  local form = option("html", options, "inner") and C.RILL_DOC_INNER or C.RILL_DOC_MARKUP
  return query.text(self._document, self._pointer, form)
end

--- An attribute's value; nil: there is no such attribute. One without a value is "", or its own name where HTML says
--- that it is true or false (`checked`).
---@param name string in lower case
---@return string?
function Node:attr(name)
  if type(name) ~= "string" then errors.raise("node:attr: the name must be a string, not " .. type(name)) end
  local handle = self._document:_idle()
  local length = tonumber(C.rill_doc_attribute(handle, self._pointer, name, text))
  return length >= 0 and ffi.string(text[0], length) or nil
end

--- What a CSS selector finds at and below this node; what it says of elements further out must be here, too.
---@param selector string
---@return (rill.Node|string)[]? list in document order; strings with `::text` and `::attr(name)`
---@return rill.Error? err "invalid_selector", "limit"
function Node:css(selector)
  return query.css(self._document, self._pointer, selector)
end

--- What an XPath 1.0 expression gives, with this node as its context. Attributes and texts are strings; a string, a
--- number or a boolean is a list of one.
---@param expression string
---@return (rill.Node|string|number|boolean)[]? list in document order
---@return rill.Error? err "invalid_selector", "limit"
function Node:xpath(expression)
  return query.xpath(self._document, self._pointer, expression)
end

--- The links of `<a>` and `<area>` at and below this node, as rill.html.scan has them, with their texts.
---@return rill.NodeLink[]
function Node:links()
  return links.of(self)
end

function Node.__eq(one, other)
  return one._pointer == other._pointer and one._document == other._document
end

function Node:__tostring()
  return ("node <%s>"):format(self.name)
end

guard("node", Node, Node)

return Node
