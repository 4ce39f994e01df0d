--- WARC 1.1 records (ISO 28500:2017), each a gzip member of its own: made by the core (src/warc/record.c), in steps.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local rill = require("rill")

local M = {}

local record, failure, length = ffi.new("rill_warc_record"), ffi.new("rill_error"), ffi.new("size_t[1]")

local idle -- a writer that nobody uses

-- One that is nobody's but the caller's, who may be cancelled between two steps: then it is collected.
local function take()
  local writer = idle
  idle = nil
  if writer then return writer end
  writer = C.rill_warc_new()
  if writer == nil then error("rill.warc: out of memory", 0) end
  return ffi.gc(writer, C.rill_warc_free)
end

local function give_back(writer)
  C.rill_warc_clear(writer)
  if idle then
    C.rill_warc_free(ffi.gc(writer, nil)) -- the collector does not see how large it is
  else
    idle = writer
  end
end

local function check(code)
  if code >= 0 then return code end
  local why = ffi.string(failure.message)
  failure.reason = C.RILL_OPEN
  error("rill.warc: " .. why, 0)
end

local function add(writer, each)
  record.type, record.time = each.type, each.time
  record.fields, record.fields_length = each.fields, #each.fields
  record.head, record.head_length = each.head, #each.head
  record.payload, record.payload_length = each.payload, each.payload_length or 0
  record.with_digest, record.without_payload = each.digest and 1 or 0, each.revisit and 1 or 0
  record.concurrent = each.concurrent and 1 or 0
  local more = check(C.rill_warc_add(writer, record, failure))
  while more > 0 do
    rill.sleep(0)
    more = check(C.rill_warc_continue(writer, failure))
  end
end

---@class rill.warc.Record
---@field type string "response", "request", "revisit", "warcinfo"
---@field time number seconds since 1970
---@field fields string lines, each with its CR LF; id, date, digests and Content-Length are written beside them
---@field head string what the block begins with
---@field payload ffi.cdata*|string|nil what follows; stays where it is until the members are made
---@field payload_length integer?
---@field digest boolean? of the payload, too
---@field revisit boolean? the payload stands elsewhere
---@field concurrent boolean? to the record before it

--- Makes records. In a task others have their turn while a long one is made.
---@param list rill.warc.Record[]
---@return string members gzip
function M.members(list)
  local writer = take()
  for i = 1, #list do add(writer, list[i]) end
  local data = C.rill_warc_members(writer, length)
  local members = ffi.string(data, length[0])
  give_back(writer)
  return members
end

return M
