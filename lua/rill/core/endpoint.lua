--- What clients and connections have in common: an id in the core that takes requests, the header
--- fields that each request starts from, hooks, warnings, and an end.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local auth = require("rill.core.auth")
local errors = require("rill.errors")
local headers = require("rill.headers")
local hooks = require("rill.core.hooks")
local lazy = require("rill.core.lazy")
local options = require("rill.core.options")
local query = lazy.module("rill.core.fields")
local runtime = require("rill.runtime")

local M = {}

---@class rill.Endpoint
---@field private _id ffi.cdata* rill_id
---@field private _handle ffi.cdata* its finalizer drops what the id names
---@field private _start table what a request's header fields are made of
---@field private _fields table header fields of every request, flat list
---@field private _block string the same as a header block
---@field private _decompress boolean
---@field private _on_headers function?
---@field private _on_chunk function?
---@field private _on_warning function?
---@field private _expect_continue boolean?
---@field private _query {[1]: string, [2]: string}[]? of every URL
---@field private _timeout number seconds; 0: none

--- Makes the core's object.
---@param call string what is called, for the error that is raised
---@param given table options, API.md section 2; what is wrong with them is raised
---@param create fun(options: ffi.cdata*, id: ffi.cdata*, failure: ffi.cdata*): integer 0 or a negative rill_reason
---@param url string? for the error
---@return rill.Endpoint?
---@return rill.Error? err
function M.new(call, given, create, url)
  options.check_client(call, given)
  local appended = given.query and query.pairs(call .. ": query", given.query)
  local defaults = options.DEFAULTS
  if given.auth then defaults = headers.merge(defaults, { "authorization", auth.value(given.auth) }) end
  local start = options.fields(call, given, defaults)
  local decompress = given.decompress ~= false
  local fields = options.sent(start, decompress)
  local block = headers.block(fields)
  local wanted, anchor = options.for_core(call, given, block)
  local timeout = wanted.timeout
  local id, failure = ffi.new("rill_id"), ffi.new("rill_error[1]")
  local code = create(wanted, id, failure)
  anchor[1] = nil -- here ends what the core borrowed
  if code == -C.RILL_ARGUMENT then
    errors.raise(call .. ": " .. ffi.string(failure[0].message):gsub("^header field", "headers: %0"))
  end
  if code ~= 0 then return nil, errors.from_core(failure, 1, nil, url) end

  local handle = ffi.new("rill_handle")
  C.rill_handle_hold(handle, runtime.loop(), id.slot, id.generation)
  return {
    _id = id,
    _handle = ffi.gc(handle, C.rill_handle_drop),
    _start = start,
    _fields = fields,
    _block = block,
    _decompress = decompress,
    _on_headers = given.on_headers,
    _on_chunk = given.on_chunk,
    _on_warning = given.on_warning,
    _expect_continue = given.expect_continue,
    _timeout = timeout,
    _query = appended,
  }
end

--- Passes a warning of the core on: to the script's hook, or to rill.on_warning.
---@param endpoint rill.Endpoint? nil when the script has dropped it
---@param kind "client"|"connection" what it is called among the fields
---@param event ffi.cdata* rill_event, borrowed
function M.warn(endpoint, kind, event)
  local message = ffi.string(event.text)
  runtime.defer(hooks.warn, message, { [kind] = endpoint, url = message:match("^(https?://%S+): ") })
end

--- Lets go of the core's object now instead of when it is collected. Warnings that wait are fetched.
---@param endpoint rill.Endpoint
function M.drop(endpoint)
  runtime.take_events()
  runtime.unwatch(endpoint._id.slot)
  C.rill_handle_drop(ffi.gc(endpoint._handle, nil))
end

return M
