--- URLs as browsers write them, beside rill's: doc/url.md lists where these differ on purpose.
local url = require "rill.url"

local M = {}

--- What both are brought to before they are compared: normal form, and the fragment that this drops.
---@param text string a URL that was written by rill or by a browser
---@return string?
local function comparable(text)
  local parts = url.parse(text)
  local normal = parts and url.normalize(text)
  if not normal then return nil end
  local scheme, userinfo, rest = normal:match "^(%a+://)([^/@]*)@(.*)$"
  if scheme then
    userinfo = userinfo:gsub(":$", ""):gsub("%%3B", ";"):gsub("%%3D", "=") -- an empty password; sub-delims
    normal = scheme .. (userinfo ~= "" and userinfo .. "@" or "") .. rest
  end
  return (normal .. (parts.fragment and "#" .. parts.fragment or "")):gsub("%%27", "'") -- in a query
end

--- Whether a text holds a control character that is neither stripped nor trimmed: rill refuses it.
---@param text string
---@return boolean
local function holds_control(text)
  local inner = text:gsub("^[%z\1-\32]+", ""):gsub("[%z\1-\32]+$", ""):gsub("[\t\n\r]", "")
  return inner:find "[%z\1-\31\127]" ~= nil
end

--- How rill's reading of a link differs from a browser's; nil where it does not, or on purpose.
---@param base string? of the page; nil: there is none
---@param link string
---@param href string|false what the browser has made of it; false: nothing
---@return string? difference
function M.difference(base, link, href)
  local read, err
  if base and base:find "^[Hh][Tt][Tt][Pp]" then
    read, err = url.resolve(base, link)
  else
    local parts = url.parse(link)
    read, err = url.resolve(link, "")
    read = read and (parts.fragment and read .. "#" .. parts.fragment or read)
  end
  if holds_control(link) then
    return read and "has a control character and was read as " .. read
  elseif not href or not read then
    return (href or nil) ~= (read or nil) and ("%s, not %s"):format(read or tostring(err), href or "refused") or nil
  end
  local ours, theirs = comparable(read), comparable(href)
  return ours ~= theirs and ("%s, not %s"):format(ours, theirs) or nil
end

return M
