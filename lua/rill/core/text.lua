--- The text of a body in UTF-8: which encoding it has, and reading it, is done in C (src/html/text.c).
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local runtime = require("rill.runtime")

local M = {}

local SLICE = 1024 * 1024 -- bytes read at a time; other tasks run between

local data = ffi.new("const char *[1]")
local length = ffi.new("uint64_t[1]")

local function give_way()
  if runtime.may_wait() then require("rill.task.timer").sleep(0) end
end

local function read_all(reader, total)
  local parts, done = {}, 0
  while true do
    local more = C.rill_text_read(reader, SLICE, data, length)
    if more < 0 then error("response:text: out of memory", 0) end
    if more == 0 then return table.concat(parts) end
    parts[#parts + 1] = ffi.string(data[0], length[0])
    done = done + SLICE
    if done < total then give_way() end
  end
end

--- The name of a body's encoding in the Encoding Standard: "UTF-8", "Shift_JIS".
---@param body string
---@param content_type string?
---@return string
function M.charset(body, content_type)
  local reader = C.rill_text_new(body, #body, content_type, content_type and #content_type or 0)
  if reader == nil then error("response:text: out of memory", 0) end
  local name = ffi.string(C.rill_text_charset(reader))
  C.rill_text_free(reader)
  return name
end

--- Reads a body. In a task a large one gives way between slices.
---@param body ffi.cdata* const char *; must live until this returns
---@param total integer bytes
---@param content_type string?
---@return string
function M.read(body, total, content_type)
  local bytes = ffi.cast("const char *", body)
  local reader = C.rill_text_new(bytes, total, content_type, content_type and #content_type or 0)
  if reader == nil then error("response:text: out of memory", 0) end
  reader = ffi.gc(reader, C.rill_text_free)
  local ok, text = pcall(read_all, reader, total) -- cancelled while it gives way
  C.rill_text_free(ffi.gc(reader, nil))
  if not ok then error(text, 0) end
  return text
end

return M
