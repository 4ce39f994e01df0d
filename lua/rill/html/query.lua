--- Asks a document: CSS selectors and XPath expressions, compiled once each and kept, and what they find as Lua values.
local ffi = require("rill.core.ffi")
local C = require("rill.html.clib")
local css_xpath = require("rill.html.css_xpath")
local errors = require("rill.errors")

local M = {}

local OUT_OF_MEMORY = "rill.html.document: out of memory"
local MAX_CACHED = 500 -- selectors and expressions; then all are forgotten
local STRINGS_PER_SLICE = 8192
local MAX_EXPRESSION = tonumber(C.RILL_DOC_EXPRESSION)
local WHAT = { elements = C.RILL_DOC_ELEMENTS, texts = C.RILL_DOC_TEXTS, attribute = C.RILL_DOC_ATTRIBUTE }

local problem = ffi.new("rill_doc_problem")
local items = ffi.new("const rill_doc_item *[1]")
local count = ffi.new("uint32_t[1]")

local cached, cached_count = {}, 0

local function cached_or(key, make)
  local known = cached[key]
  if known then return known end
  local made, err = make()
  if not made then return nil, err end
  if cached_count == MAX_CACHED then cached, cached_count = {}, 0 end
  cached[key], cached_count = made, cached_count + 1
  return made
end

local function refuse(kind, text, at, message)
  local where = at and (" at %d"):format(at) or ""
  return errors.new {
    reason = "invalid_selector",
    message = ("%s %s%s: %s"):format(kind, errors.show(text), where, errors.visible(message)),
    at = at,
  }
end

-- What the core found wrong, at the time of evaluation or before.
local function failure(kind, text)
  local message = ffi.string(problem.text)
  if message == "out of memory" then error(OUT_OF_MEMORY, 0) end
  local err = refuse(kind, text, problem.at >= 0 and problem.at + 1 or nil, message)
  if problem.limit then err.reason = "limit" end
  return err
end

local function compile(kind, shown, text)
  local expression = C.rill_doc_compile(text, #text, problem)
  if expression == nil then return nil, failure(kind, shown) end
  return ffi.gc(expression, C.rill_doc_expression_free)
end

-- A plan becomes what C reads; `anchors` are the strings and the expression that it points to.
local function selector_of(text, plan)
  local expression, err
  if plan.question then
    expression, err = compile("css", text, plan.question)
    if not expression then return nil, err end
  end
  local selector = ffi.new("rill_doc_selector", plan.names, plan.class, plan.attribute, expression, WHAT[plan.what])
  return { selector = selector, anchors = { plan, expression } }
end

---@param text string
---@param scoped boolean
---@return table? compiled { selector, anchors } or { expression }
---@return rill.Error?
local function compile_css(text, scoped)
  return cached_or((scoped and "scoped " or "css ") .. text, function()
    local plan, why, at = css_xpath.plan(text, scoped)
    if not plan then return nil, refuse("css", text, at, why) end
    if type(plan) == "table" then return selector_of(text, plan) end
    local expression, err = compile("css", text, plan)
    return expression and { expression = expression }, err
  end)
end

local function compile_xpath(text)
  return cached_or("xpath " .. text, function()
    if #text > MAX_EXPRESSION then
      return nil, refuse("xpath", text, nil, ("it is longer than %d bytes"):format(MAX_EXPRESSION))
    end
    local expression, err = compile("xpath", text, text)
    return expression and { expression = expression }, err
  end)
end

local STRING, NUMBER, BOOLEAN = tonumber(C.RILL_DOC_STRING), tonumber(C.RILL_DOC_NUMBER), tonumber(C.RILL_DOC_BOOLEAN)

-- What was found, as Lua has it.
local function values(document, found, number)
  local list = {}
  for i = 0, number - 1 do
    if i % STRINGS_PER_SLICE == STRINGS_PER_SLICE - 1 then document:_give_way() end
    local item = found[i]
    local kind = item.kind
    if kind == STRING then
      list[i + 1] = ffi.string(item.text, item.length)
    elseif kind == NUMBER then
      list[i + 1] = item.number
    elseif kind == BOOLEAN then
      list[i + 1] = item.number ~= 0
    else
      list[i + 1] = document:_node(item.node, ffi.string(item.text, item.length))
    end
  end
  return list
end

-- The answer to a question that was begun: a list, nil where there is none. Long ones are made in pieces.
local function answer(document, handle, begun)
  if begun < 0 then error(OUT_OF_MEMORY, 0) end
  local code = C.rill_doc_answer(handle, items, count, problem)
  while code > 0 do
    document:_give_way()
    code = C.rill_doc_answer(handle, items, count, problem)
  end
  local list = code == 0 and values(document, items[0], count[0]) or nil
  C.rill_doc_forget(handle)
  return list
end

local function ask(document, node, compiled, kind, text)
  local handle = document:_idle()
  local begun = compiled.expression and C.rill_doc_ask(handle, node, compiled.expression)
    or C.rill_doc_select(handle, node, compiled.selector)
  local list = answer(document, handle, begun)
  if not list then return nil, failure(kind, text) end
  return list
end

--- A text of a node.
---@param document rill.Document
---@param node ffi.cdata*
---@param form integer enum rill_doc_form
---@return string
function M.text(document, node, form)
  local handle = document:_idle()
  return assert(answer(document, handle, C.rill_doc_text(handle, node, form)), OUT_OF_MEMORY)[1]
end

--- What a selector finds at and below a node.
---@param document rill.Document
---@param node ffi.cdata*
---@param text string
---@return (rill.Node|string)[]? list
---@return rill.Error? err
function M.css(document, node, text)
  if type(text) ~= "string" then errors.raise("css: the selector must be a string, not " .. type(text)) end
  local compiled, err = compile_css(text, node ~= document:_root())
  if not compiled then return nil, err end
  return ask(document, node, compiled, "css", text)
end

--- What an expression gives, evaluated at a node.
---@param document rill.Document
---@param node ffi.cdata*
---@param text string
---@return (rill.Node|string|number|boolean)[]? list
---@return rill.Error? err
function M.xpath(document, node, text)
  if type(text) ~= "string" then errors.raise("xpath: the expression must be a string, not " .. type(text)) end
  local compiled, err = compile_xpath(text)
  if not compiled then return nil, err end
  return ask(document, node, compiled, "xpath", text)
end

return M
