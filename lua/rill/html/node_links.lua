--- The links of a node.
local C = require("rill.html.clib")
local errors = require("rill.errors")
local query = require("rill.html.query")
local url = require("rill.url")

local M = {}

local MAX_BASES = 16 -- as rill.html.scan
local MAX_BYTES = tonumber(C.RILL_DOC_TEXT) -- of addresses and texts, where a long base or nested links multiply them
local WORK_PER_TURN = 512 * 1024 -- bytes of them; an element counts as ELEMENT
local ELEMENT = 1024

---@class rill.NodeLink
---@field url string absolute and normalized, without fragment; each once
---@field text string of the element, as a reader sees it
---@field rel string? its words in lower case, a space between
---@field tag string "a" or "area"
---@field nofollow boolean rel holds nofollow, ugc or sponsored, each time this URL is linked to

local function absolute(base, address)
  local made = base and url.resolve(base, address) or not base and url.normalize(address)
  made = made and url.normalize(made)
  return made and made:find "^https?:" and made or nil
end

--- What addresses are resolved by: the first `<base href>` that can be used, else the page's own URL.
---@param document rill.Document
---@return string?
function M.base_of(document)
  local own = document.url and absolute(nil, document.url)
  for i, href in ipairs(assert(query.css(document, document:_root(), "base::attr(href)"))) do
    if i > MAX_BASES then break end
    local base = absolute(own, href)
    if base then return base end
  end
  return own
end

local function words_of(rel)
  local words = {}
  for word in rel:lower():gmatch "[^ \t\r\n\f]+" do words[#words + 1] = word end
  return table.concat(words, " ")
end

local NOFOLLOW = { "nofollow", "ugc", "sponsored" }

local function says_nofollow(rel)
  for _, word in ipairs(NOFOLLOW) do
    if rel and (" " .. rel .. " "):find(" " .. word .. " ", 1, true) then return true end
  end
  return false
end

-- A list that grows; true: its bound is reached. Others have their turn now and then.
local function spend(list, document, bytes)
  list.bytes = list.bytes + bytes
  list.work = list.work + ELEMENT + bytes
  if list.work > WORK_PER_TURN then
    list.work = 0
    document:_give_way()
  end
  return list.bytes > MAX_BYTES
end

-- Adds the link of an element; true: there is no place for more.
local function add(found, element, base)
  local address = element:attr "href" or element:attr "xlink:href"
  local target = address and absolute(base, address)
  local full = spend(found, element._document, target and #target or 0)
  if full or not target then return full end
  local rel = element:attr "rel"
  rel = rel and words_of(rel)
  local first = found.known[target]
  if first then
    first.nofollow = first.nofollow and says_nofollow(rel)
    return false
  end
  local text = element:text()
  if spend(found, element._document, #text) then return true end
  first = { url = target, text = text, rel = rel, tag = element.name, nofollow = says_nofollow(rel) }
  found.known[target], found.list[#found.list + 1] = first, first
  return false
end

--- The links of a node, in document order.
---@param node rill.Node
---@return rill.NodeLink[] list `cut` is true where the rest is left out: addresses and texts of 64 MiB are enough
function M.of(node)
  local elements, err = node:css "a, area"
  if not elements then errors.raise("node:links: " .. err.message) end
  local base = node._document:_base()
  local found = { list = {}, known = {}, bytes = 0, work = 0 }
  for _, element in ipairs(elements) do
    if add(found, element, base) then
      found.list.cut = true
      break
    end
  end
  return found.list
end

return M
