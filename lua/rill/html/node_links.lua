--- The links of a node.
local errors = require("rill.errors")
local query = require("rill.html.query")
local url = require("rill.url")

local M = {}

local MAX_BASES = 16 -- as rill.html.scan

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

--- The links of a node, in document order.
---@param node rill.Node
---@return rill.NodeLink[]
function M.of(node)
  local found, err = node:css "a, area"
  if not found then errors.raise("node:links: " .. err.message) end
  local base, list, known = node._document:_base(), {}, {}
  for _, element in ipairs(found) do
    local address = element:attr "href" or element:attr "xlink:href"
    local target = address and absolute(base, address)
    local rel = target and element:attr "rel"
    rel = rel and words_of(rel)
    local first = target and known[target]
    if first then
      first.nofollow = first.nofollow and says_nofollow(rel)
    elseif target then
      first = { url = target, text = element:text(), rel = rel, tag = element.name, nofollow = says_nofollow(rel) }
      known[target], list[#list + 1] = first, first
    end
  end
  return list
end

return M
