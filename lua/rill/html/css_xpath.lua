--- Makes XPath of CSS selectors, from right to left: `A B` asks of each B whether it has an ancestor A. So each element
--- is looked at once; what stands left is a question with an answer, and no set that has to be merged.
local css = require("rill.html.css")

local M = {}

local UPPER, LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"

--- A text as a string of XPath, which knows no escapes.
local function quote(text)
  if not text:find("'", 1, true) then return "'" .. text .. "'" end
  if not text:find('"', 1, true) then return '"' .. text .. '"' end
  local parts = {}
  for piece, quotes in text:gmatch "([^']*)('*)" do
    if piece ~= "" then parts[#parts + 1] = "'" .. piece .. "'" end
    if quotes ~= "" then parts[#parts + 1] = '"' .. quotes .. '"' end
  end
  return "concat(" .. table.concat(parts, ", ") .. ")"
end

local function is_plain(name)
  return name:find "^[%a_][%w_.-]*$" ~= nil
end

local function lowered(value)
  return ("translate(%s, '%s', '%s')"):format(value, UPPER, LOWER)
end

local function utf8_length(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

local OPERATORS = {
  ["="] = "%s = %s",
  ["^="] = "starts-with(%s, %s)",
  ["*="] = "contains(%s, %s)",
  ["~="] = "contains(concat(' ', normalize-space(%s), ' '), concat(' ', %s, ' '))",
}

local function attribute_test(test)
  local name = test.name:lower()
  local value = is_plain(name) and "@" .. name or ("@*[name() = %s]"):format(quote(name))
  if not test.operator then return value end
  local operator, wanted = test.operator, test.caseless and test.value:lower() or test.value
  local text = test.caseless and lowered(value) or value
  if operator == "!=" and wanted == "" then return value .. " != ''" end -- as in cssselect: it must be there
  if operator == "!=" then return ("not(%s = %s)"):format(text, quote(wanted)) end
  if operator == "|=" then
    return ("%s and (%s = %s or starts-with(%s, %s))"):format(value, text, quote(wanted), text, quote(wanted .. "-"))
  end
  if operator ~= "=" and (wanted == "" or operator == "~=" and wanted:find "%s") then return "false()" end
  if operator == "$=" then
    local before = utf8_length(wanted) - 1
    return ("%s and substring(%s, string-length(%s) - %d) = %s"):format(value, text, text, before, quote(wanted))
  end
  local question = OPERATORS[operator]:format(text, quote(wanted))
  return operator == "=" and question or value .. " and " .. question
end

local FORM = "self::button or self::select or self::textarea or self::input[not(@type = 'hidden')]"
local KINDS = { ["nth-child"] = 0, ["nth-last-child"] = 1, ["nth-of-type"] = 2, ["nth-last-of-type"] = 3 }

local PSEUDO = {
  ["first-child"] = "rill-nth(0, 1, 0)",
  ["last-child"] = "rill-nth(0, 1, 1)",
  ["only-child"] = "rill-nth(0, 1, 0) and rill-nth(0, 1, 1)",
  ["first-of-type"] = "rill-nth(0, 1, 2)",
  ["last-of-type"] = "rill-nth(0, 1, 3)",
  ["only-of-type"] = "rill-nth(0, 1, 2) and rill-nth(0, 1, 3)",
  root = "not(parent::*)",
  empty = "not(*) and not(string-length())",
  scope = "rill-scope()",
  link = "@href and (self::a or self::link or self::area)",
  checked = "@selected and self::option or @checked and self::input[" .. lowered("@type") .. " = 'checkbox' or "
    .. lowered("@type") .. " = 'radio']",
  disabled = "@disabled and (self::fieldset or self::optgroup or self::option or " .. FORM .. ") or (" .. FORM
    .. ") and ancestor::fieldset[@disabled]",
  enabled = "@href and (self::a or self::link or self::area) or not(@disabled) and (self::fieldset or "
    .. "self::optgroup or self::option[not(ancestor::optgroup[@disabled])] or (" .. FORM
    .. ") and not(ancestor::fieldset[@disabled]))",
}
PSEUDO["any-link"] = PSEUDO.link

local condition, relative

-- Of the selectors in a pseudo-class: whether one of them is true.
local function any_of(list, make, scoped)
  local parts = {}
  for i, selector in ipairs(list) do parts[i] = make(selector, scoped) or "true()" end
  return #parts == 1 and parts[1] or "(" .. table.concat(parts, ") or (") .. ")"
end

local function pseudo_test(test, scoped)
  local name = test.name
  if KINDS[name] then return ("rill-nth(%d, %d, %d)"):format(test.a, test.b, KINDS[name]) end
  if name == "not" then return "not(" .. any_of(test.list, condition, scoped) .. ")" end
  if name == "is" then return any_of(test.list, condition, scoped) end
  if name == "has" then return any_of(test.list, relative, scoped) end
  if name == "contains" then return ("contains(., %s)"):format(quote(test.value)) end
  if name == "lang" then
    return ("ancestor-or-self::*[@lang][1][starts-with(concat(%s, '-'), %s)]"):format(lowered("@lang"),
      quote(test.value:lower() .. "-"))
  end
  return PSEUDO[name] or "false()" -- :hover and its like: nobody looks at the page
end

local function simple_test(test, scoped)
  if test.kind == "class" then return ("has-class(%s)"):format(quote(test.value)) end
  if test.kind == "id" then return "@id = " .. quote(test.value) end
  if test.kind == "attribute" then return attribute_test(test) end
  return pseudo_test(test, scoped)
end

local AXES = { [" "] = "ancestor::", [">"] = "parent::", ["~"] = "preceding-sibling::" }
local FORWARD = { [" "] = "descendant::", [">"] = "child::", ["~"] = "following-sibling::" }

-- The name of a compound as a step: "div", and what must be asked besides.
local function name_of(compound)
  local name = compound.name and compound.name:lower()
  if not name or is_plain(name) then return name or "*" end
  return "*", ("name() = %s"):format(quote(name))
end

-- Appends the questions of a compound itself.
local function add_tests(compound, scoped, list, first)
  for i = first or 1, #compound.tests do list[#list + 1] = simple_test(compound.tests[i], scoped) end
end

-- A step to elements that a compound describes, on some axis; `beyond`: what else is asked of them.
local function step(axis, compound, scoped, beyond)
  local name, question = name_of(compound)
  local list = { question }
  add_tests(compound, scoped, list)
  list[#list + 1] = beyond
  local tests = list[1] and "[" .. table.concat(list, "][") .. "]" or ""
  if axis == "+" then return ("following-sibling::*[1][self::%s]%s"):format(name, tests) end
  if axis == "-" then return ("preceding-sibling::*[1][self::%s]%s"):format(name, tests) end
  return axis .. name .. tests
end

-- What is asked of what stands left of a compound; nil: nothing does. `self_too`: it may be the element itself.
local function left_of(compound, scoped, self_too)
  local left = compound.left
  if not left then return nil end
  local list = { left_of(left, scoped) }
  if scoped then list[#list + 1] = "rill-within()" end
  local axis = compound.combinator == "+" and "-" or AXES[compound.combinator]
  if self_too and compound.combinator == " " then axis = "ancestor-or-self::" end
  return step(axis, left, scoped, list[1] and table.concat(list, "]["))
end

-- Whether a whole selector is true of an element.
function condition(selector, scoped)
  local compound = selector.last
  return step("self::", compound, scoped, left_of(compound, scoped))
end

-- Whether there is what a selector of :has() describes: from left to right, one question inside of the other.
function relative(selector, scoped)
  local chain, compound = {}, selector.last
  while compound do
    table.insert(chain, 1, compound)
    compound = compound.left
  end
  local inner
  for i = #chain, 1, -1 do
    local combinator = i == 1 and selector.leading or chain[i].combinator
    inner = step(FORWARD[combinator] or "+", chain[i], scoped, inner)
  end
  return inner
end

---@class rill.CssPlan what is asked of each element
---@field names string? one of them, a comma between two
---@field class string?
---@field question string? in XPath; nil: nothing else
---@field what "elements"|"texts"|"attribute"
---@field attribute string?

-- `*::text` behind blanks is each text at or below what stands left, as in parsel.
local function reaches_itself(selector)
  local last = selector.last
  return selector.what ~= "elements" and not last.name and not last.tests[1]
end

---@return rill.CssPlan
local function plan_of(selector, scoped)
  local last = selector.last
  local first, class = last.tests[1], nil
  if first and first.kind == "class" then class = first.value end
  local names, list = last.name and last.name:lower(), {}
  if names and names:find(",", 1, true) then names, list[1] = nil, ("name() = %s"):format(quote(names)) end
  add_tests(last, scoped, list, class and 2 or 1)
  list[#list + 1] = left_of(last, scoped, reaches_itself(selector))
  local question = list[1] and "(" .. table.concat(list, ") and (") .. ")"
  local attribute = selector.attribute and selector.attribute:lower()
  return { names = names, class = class, question = question, what = selector.what, attribute = attribute }
end

local function has_one_aim(list)
  for _, selector in ipairs(list) do
    if selector.what ~= list[1].what or selector.attribute ~= list[1].attribute then return false end
  end
  return true
end

-- The names of a selector that asks for nothing else, as `h1, h2`; nil: it asks for more.
local function names_of(list)
  local names = {}
  for i, selector in ipairs(list) do
    local last = selector.last
    if not last.name or last.tests[1] or last.left or last.name:find(",", 1, true) then return nil end
    names[i] = last.name:lower()
  end
  return table.concat(names, ",")
end

local ENDS = { elements = "", texts = "/text()" }

-- A selector as one expression.
local function whole(selector, scoped)
  local compound = selector.last
  local path = step("descendant-or-self::", compound, scoped, left_of(compound, scoped, reaches_itself(selector)))
  local name = selector.attribute and selector.attribute:lower()
  return path .. (ENDS[selector.what] or is_plain(name) and "/@" .. name or ("/@*[name() = %s]"):format(quote(name)))
end

--- What a selector asks: a plan for a walk over all elements, or an expression where it aims at several kinds.
---@param text string
---@param scoped boolean what stands left must be in the node that is asked, too
---@return rill.CssPlan|string|nil plan
---@return string? why there is none
---@return integer? at
function M.plan(text, scoped)
  local list, why, at = css.read(text)
  if not list then return nil, why, at end
  if #list == 1 then return plan_of(list[1], scoped) end
  if has_one_aim(list) then
    local first, names, parts = list[1], names_of(list), {}
    for i, selector in ipairs(list) do
      local compound = selector.last
      parts[i] = step("self::", compound, scoped, left_of(compound, scoped, reaches_itself(selector)))
    end
    local question = not names and table.concat(parts, " or ") or nil
    local attribute = first.attribute and first.attribute:lower()
    return { names = names, question = question, what = first.what, attribute = attribute }
  end
  local parts = {}
  for i, selector in ipairs(list) do parts[i] = whole(selector, scoped) end
  return table.concat(parts, " | ")
end

return M
