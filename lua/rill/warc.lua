--- WARC 1.1 records (ISO 28500:2017), each a gzip member of its own: made by the core (src/warc/record.c), in steps.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local rill = require("rill")

local M = {}

local record, exchange = ffi.new("rill_warc_record"), ffi.new("rill_warc_exchange")
local failure, length = ffi.new("rill_error"), ffi.new("size_t[1]")

local idle -- a writer that nobody uses

-- One that is nobody's but the caller's, who may be cancelled between two steps: then it is collected.
local function take()
  local writer = idle
  idle = nil
  if writer then return writer end
  writer = C.rill_warc_new()
  if writer == nil then return nil, errors.new { reason = "error", message = "out of memory" } end
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

-- What the core has returned, or the error: memory ran out. Wrong use is raised.
local function check(code)
  if code >= 0 then return code end
  local why = ffi.string(failure.message)
  failure.reason = C.RILL_OPEN
  if code ~= -C.RILL_ERROR then error("rill.warc: " .. why, 0) end
  return nil, errors.new { reason = "error", message = why }
end

-- Until the record is complete. Others have their turn.
local function go_on(writer)
  while true do
    rill.sleep(0)
    local left, err = check(C.rill_warc_continue(writer, failure))
    if not left then return nil, err end
    if left == 0 then return true end
  end
end

local function add(writer, each)
  record.type, record.time = each.type, each.time
  record.fields, record.fields_length = each.fields, #each.fields
  record.head, record.head_length = each.head, #each.head
  record.payload, record.payload_length = each.payload, each.payload_length or 0
  record.with_digest, record.without_payload = each.digest and 1 or 0, each.revisit and 1 or 0
  record.concurrent = each.concurrent and 1 or 0
  local left, err = check(C.rill_warc_add(writer, record, failure))
  if left and left > 0 then return go_on(writer) end
  return left, err
end

local function take_members(writer)
  local data = C.rill_warc_members(writer, length)
  local members = ffi.string(data, length[0])
  give_back(writer)
  return members
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
---@return string? members gzip
---@return rill.Error? err reason "error": memory ran out
function M.members(list)
  local writer, err = take()
  if not writer then return nil, err end
  for i = 1, #list do
    local added
    added, err = add(writer, list[i])
    if not added then
      give_back(writer)
      return nil, err
    end
  end
  return take_members(writer)
end

---@class rill.warc.Exchange
---@field time number seconds since 1970
---@field url string that was asked for; user, password and fragment are left out
---@field request string header block that was sent
---@field status integer
---@field headers string header block that was received
---@field fields string more of the response's record, each a line with its CR LF
---@field payload ffi.cdata*|string|nil the body, decoded; stays where it is until the members are made
---@field payload_length integer
---@field revisit boolean the body stands elsewhere
---@field peer rill.Peer|false who has answered
---@field user_agent string is sent where the block has none; "": not even then

-- What is given stays where it is as long as its table holds it.
local function fill(each)
  exchange.time, exchange.status = each.time, each.status
  exchange.url, exchange.url_length = each.url, #each.url
  exchange.request, exchange.request_length = each.request, #each.request
  exchange.headers, exchange.headers_length = each.headers, #each.headers
  exchange.fields, exchange.fields_length = each.fields, #each.fields
  exchange.payload, exchange.payload_length = each.payload, each.payload_length
  exchange.without_payload = each.revisit and 1 or 0
  local peer = each.peer
  exchange.ip_address, exchange.protocol = peer and peer.ip_address or nil, peer and peer.protocol or nil
  exchange.user_agent, exchange.accept_encoding = each.user_agent, C.rill_accept_encoding()
end

local function add_exchange(writer, each)
  fill(each)
  local left, err = check(C.rill_warc_add_response(writer, exchange, failure))
  if left and left > 0 then
    left, err = go_on(writer)
    fill(each)
  end
  if not left then return nil, err end
  left, err = check(C.rill_warc_add_request(writer, exchange, failure))
  if left and left > 0 then return go_on(writer) end
  return left, err
end

--- Makes the records of a GET: its response, or a revisit, and the request. As members() does.
---@param each rill.warc.Exchange
---@return string? members gzip
---@return rill.Error? err
function M.exchange(each)
  local writer, err = take()
  if not writer then return nil, err end
  local added
  added, err = add_exchange(writer, each)
  if added then return take_members(writer) end
  give_back(writer)
  return nil, err
end

return M
