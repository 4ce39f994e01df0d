--- Bodies as text, by the core: what rill.h calls rill_text.
local ffi = require "ffi"
local C = require "rill.clib"

local M = {}

local function open(body, content_type)
  local text = C.rill_text_new(body, #body, content_type, content_type and #content_type or 0)
  assert(text ~= nil, "out of memory")
  return ffi.gc(text, C.rill_text_free)
end

--- The name of the encoding that a body is in.
---@param body string
---@param content_type string?
---@return string
function M.charset(body, content_type)
  return ffi.string(C.rill_text_charset(open(body, content_type)))
end

--- A body in UTF-8.
---@param body string
---@param content_type string?
---@param slice integer? bytes read at once
---@return string
function M.decode(body, content_type, slice)
  local text, parts = open(body, content_type), {}
  local data, length = ffi.new "const char *[1]", ffi.new "uint64_t[1]"
  while true do
    local code = C.rill_text_read(text, slice or 2 ^ 20, data, length)
    assert(code >= 0, "out of memory")
    if code == 0 then break end
    parts[#parts + 1] = ffi.string(data[0], length[0])
  end
  return table.concat(parts)
end

--- The same, in an encoding that the content-type names.
---@param body string
---@param label string
---@param slice integer?
---@return string
function M.from(label, body, slice)
  return M.decode(body, "text/html; charset=" .. label, slice)
end

return M
