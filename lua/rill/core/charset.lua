--- The character encoding of HTML pages: which one it is, and the way to UTF-8 (iconv, from the C library).
local ffi = require("rill.core.ffi")

ffi.cdef [[
void *iconv_open(const char *to, const char *from);
/* its result is a size_t, of which only (size_t) -1 matters */
ptrdiff_t iconv(void *conversion, const char **in, size_t *in_left, char **out, size_t *out_left);
int iconv_close(void *conversion);
]]

local PRESCAN = 1024 -- bytes in which a page declares it (HTML standard, 13.2.3.2)
local ROOM = 16384
local E2BIG = 7 -- no more room; all other failures are about the bytes
local UNKNOWN = ffi.cast("void *", -1)
local REPLACEMENT = "\239\191\189" -- U+FFFD

local M = {}

--- The name of a page's encoding, in lower case: named by the server, by a byte order mark, by the page, else "utf-8".
---@param body string
---@param content_type? string content-type field
---@return string
function M.of(body, content_type)
  local declared = content_type and content_type:lower():match "charset%s*=%s*[\"']?([%w_:.-]+)"
  if declared then
    return declared
  elseif body:find "^\254\255" or body:find "^\255\254" then
    return "utf-16"
  end
  local meta = body:sub(1, PRESCAN):lower():match "<meta[^>]-charset%s*=%s*[\"']?%s*([%w_:.-]+)"
  return meta and not meta:find "^utf%-?16" and meta or "utf-8"
end

local function convert(conversion, text)
  local room = ffi.new("char[?]", ROOM)
  local input = ffi.new("const char *[1]", { text })
  local left = ffi.new("size_t[1]", #text)
  local output, output_left = ffi.new "char *[1]", ffi.new "size_t[1]"
  local parts = {}
  while left[0] > 0 do
    output[0], output_left[0] = room, ROOM
    local failed = ffi.C.iconv(conversion, input, left, output, output_left) < 0
    local bad = failed and ffi.errno() ~= E2BIG
    parts[#parts + 1] = ffi.string(room, ROOM - output_left[0])
    if bad then
      parts[#parts + 1] = REPLACEMENT
      input[0], left[0] = input[0] + 1, left[0] - 1
    end
  end
  return table.concat(parts)
end

--- Text in UTF-8. Bytes that mean nothing become U+FFFD; text in an encoding nobody knows is returned as it is.
---@param text string
---@param encoding string
---@return string
function M.to_utf8(text, encoding)
  if encoding == "utf-8" or encoding == "utf8" then
    return text
  end
  local conversion = ffi.C.iconv_open("UTF-8", encoding)
  if conversion == UNKNOWN then
    return text
  end
  local converted, result = pcall(convert, conversion, text)
  ffi.C.iconv_close(conversion)
  return converted and result or error(result, 0)
end

return M
