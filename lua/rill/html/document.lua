--- A page as a tree: libxml2's, read in pieces (src/doc). Its memory is outside the Lua heap.
local ffi = require("rill.core.ffi")
local C = require("rill.html.clib")
local Node = require("rill.html.node")
local collected = require("rill.html.collected")
local errors = require("rill.errors")
local guard = require("rill.core.guard")
local node_links = require("rill.html.node_links")
local text = require("rill.core.text")

---@class rill.Document
---@field url string? where the page was got from
---@field cut table<string, boolean>? what was left out for the sake of a bound: bytes, nodes, names, open, depth,
---  attributes, values, outside (doc/limits.md)
---@field closed boolean
---@field private _handle ffi.cdata*? nil: it is closed
---@field private _element rill.Node the outermost one
---@field private _busy boolean a task is in the middle of a selection
---@field private _known_base string|false|nil what addresses are resolved by
local Document = {}
Document.__index = Document

local function may_wait()
  local runtime = package.loaded["rill.runtime"]
  return runtime ~= nil and runtime.may_wait()
end

local function let_others_run()
  require("rill.task.timer").sleep(0)
end

--- The handle, when no other task is in the middle of a selection. Raises when the document is closed.
function Document:_idle()
  while self._busy do let_others_run() end
  if not self._handle then errors.raise("rill.Document: it is closed, and so are its nodes") end
  return self._handle
end

--- Lets others run in the middle of a selection, where that can be done.
function Document:_give_way()
  if not may_wait() then return end
  self._busy = true
  local ok, err = pcall(let_others_run)
  self._busy = false
  if not ok then error(err, 0) end -- the task is cancelled
  if not self._handle then errors.raise("rill.Document: it was closed in the middle of a selection") end
end

function Document:_node(pointer, name)
  return setmetatable({ name = name, _document = self, _pointer = pointer }, Node)
end

function Document:_root()
  return self._element._pointer
end

function Document:_base()
  if self._known_base == nil then self._known_base = node_links.base_of(self) or false end
  return self._known_base or nil
end

--- The outermost element.
---@return rill.Node
function Document:root()
  self:_idle()
  return self._element
end

-- What is asked of a document is asked of its outermost element.
for _, name in ipairs { "text", "html", "css", "xpath", "links" } do
  Document[name] = function(self, ...) return Node[name](self._element, ...) end
end

--- Frees the tree, a large one in pieces: from now on the document and its nodes raise. May be called twice; what is
--- not closed is freed when nothing holds the document or a node of it.
function Document:close()
  local handle = self._handle
  if not handle then return end
  self._handle, self.closed = nil, true
  if self._busy then return end -- it is collected
  while may_wait() and C.rill_doc_empty(handle) > 0 do
    let_others_run() -- where the task is cancelled, the rest is collected
  end
  C.rill_doc_free(ffi.gc(handle, nil))
end

function Document:__tostring()
  return ("document%s%s"):format(self.url and " " .. errors.shown(self.url) or "", self.closed and ": closed" or "")
end

guard("document", Document, Document)

local facts = ffi.new("rill_doc_facts")
local FACTS = { "bytes", "nodes", "names", "open", "depth", "attributes", "values", "outside" }

local function cut_of(handle)
  C.rill_doc_get_facts(handle, facts)
  local cut
  for _, name in ipairs(FACTS) do
    if facts[name] then
      cut = cut or {}
      cut[name] = true
    end
  end
  return cut
end

-- Reads a page to its end. In a task a long one gives way between pieces.
local function read(page)
  local handle = collected.open(page)
  local code = C.rill_doc_read(handle)
  while code > 0 do
    if may_wait() then let_others_run() end -- where the task is cancelled, it is collected
    code = C.rill_doc_read(handle)
  end
  if code < 0 then error("rill.html.document: out of memory", 0) end
  return handle, page -- the string had to live until here
end

local function check(name, value)
  if type(value) ~= "string" then
    errors.raise(("rill.html.document: %s must be a string, not %s"):format(name, type(value)))
  end
end

--- Makes a document of a page.
---@param body string
---@param base? string
---@param content_type? string
---@return rill.Document
return function(body, base, content_type)
  check("body", body)
  if type(base) ~= "nil" then check("base", base) end
  if type(content_type) ~= "nil" then check("content_type", content_type) end
  local page = text.read(body, #body, content_type)
  local handle = read(page)
  local document = setmetatable({ url = base, cut = cut_of(handle), closed = false, _handle = handle, _busy = false },
    Document)
  document._element = document:_node(C.rill_doc_root(handle), "html")
  return document
end
