--- Cookie files as Netscape wrote them and curl, wget and browsers' exports do: seven fields a line,
--- separated by tabs: domain, whether hosts below it count, path, secure, expiry (0: session), name, value.
local errors = require("rill.errors")
local lazy = require("rill.core.lazy")
local suggest = lazy.module("rill.core.suggest")

local M = {}

local SAVING = { session = true } -- options of jar:save
local MAX_PAIR = 4096 -- bytes of name and value
local HTTP_ONLY = "#HttpOnly_" -- in front of the domain
local FIELDS = "^" .. ("([^\t]*)\t"):rep(5) .. "(.*)$" -- name and value are the last
local HEADER = "# Netscape HTTP Cookie File\n"

local function is_true(text)
  return text:upper() == "TRUE"
end

--- Reads one line.
---@param line string
---@return table? cookie nil for a comment or blank line
---@return string? why the line is bad
function M.read_line(line)
  line = line:gsub("\r$", "")
  local http_only = line:sub(1, #HTTP_ONLY) == HTTP_ONLY
  if http_only then line = line:sub(#HTTP_ONLY + 1) end
  if line:find "^%s*$" or line:find "^%s*#" then return nil end
  local domain, below, path, secure, expires, rest = line:match(FIELDS)
  if not domain then
    return nil, ("it has %d fields separated by tabs, not 7"):format(select(2, line:gsub("\t", "")) + 1)
  end
  local name, value = rest:match "^([^\t]*)\t?(.*)$" -- a tab may stand in a value
  expires = expires:find "^%-?%d+%.?%d*$" and tonumber(expires)
  if not expires then return nil, "its fifth field is no time" end
  if #name + #value > MAX_PAIR then
    return nil, ("its name and value have %d bytes, more than %d"):format(#name + #value, MAX_PAIR)
  end
  if line:find "[%z\1-\8\10-\31\127]" then return nil, "it has control characters" end
  domain = domain:gsub("^%.", ""):lower()
  if not domain:find "^[^.]" or path:sub(1, 1) ~= "/" or name == "" then
    return nil, "its domain, path or name is missing"
  end
  return {
    domain = domain, host_only = not is_true(below), path = path, secure = is_true(secure),
    expires = expires ~= 0 and expires or nil, name = name, value = value, http_only = http_only,
    has_path = true,
  }
end

--- Writes one line.
---@param cookie table
---@return string line "" for one that a file cannot hold: a tab in its name or path would end the field
function M.line(cookie)
  if (cookie.name .. cookie.path):find("\t", 1, true) then return "" end
  local domain = (cookie.http_only and HTTP_ONLY or "") .. (cookie.host_only and "" or ".") .. cookie.domain
  local below, secure = cookie.host_only and "FALSE" or "TRUE", cookie.secure and "TRUE" or "FALSE"
  return table.concat({ domain, below, cookie.path, secure,
    ("%.0f"):format(cookie.expires or 0), cookie.name, cookie.value }, "\t") .. "\n"
end

--- Checks the options of jar:save.
---@param options any
function M.check_options(options)
  if options == nil then return end
  if type(options) ~= "table" then errors.raise("jar:save: options must be a table, got " .. errors.show(options)) end
  for name, value in pairs(options) do
    if not SAVING[name] then suggest.unknown("jar:save", name, { SAVING }, {}) end
    if type(value) ~= "boolean" then
      errors.raise("jar:save: session must be true or false, got " .. errors.show(value))
    end
  end
end

M.HEADER = HEADER

return M
