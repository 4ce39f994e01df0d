--- What clients and connections have in common: an id in the core that takes requests, the header
--- fields that each request starts from, hooks, warnings, and an end.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local lazy = require("rill.core.lazy")
local auth = lazy.module("rill.core.auth")
local events = lazy.module("rill.core.events")
local headers = require("rill.headers")
local hooks = require("rill.core.hooks")
local options = require("rill.core.options")
local query = lazy.module("rill.core.fields")
local runtime = require("rill.runtime")

local M = {}

---@class rill.Endpoint
---@field private _closed boolean?
---@field private _redirects integer? of a client: that a call follows; see rill.client
---@field private _allow_downgrade boolean?
---@field private _hops integer?
---@field private _passed integer?
---@field private _id ffi.cdata*|false rill_id; false: it is made later, or has not been
---@field private _handle ffi.cdata* its finalizer drops what the id names
---@field private _start table what a request's header fields are made of
---@field private _fields table header fields of every request, flat list
---@field private _block string the same as a header block
---@field private _decompress boolean
---@field private _on_headers function|false
---@field private _on_chunk function|false
---@field private _on_warning function|false
---@field private _on_event function|false
---@field private _reader rill.EventReader|false of its events
---@field private _recorders rill.Recorder[]|false see rill.har
---@field private _expect_continue boolean
---@field private _query {[1]: string, [2]: string}[]|false of every URL
---@field private _jar rill.Jar|false of a client
---@field private _later table|false what the core's object will be made of, by _make
---@field private _make (fun(endpoint: rill.Endpoint): rill.Error?)?

-- Makes the core's object of an endpoint.
---@return rill.Error? err
local function make(endpoint, later)
  local id, failure = ffi.new("rill_id"), ffi.new("rill_error[1]")
  local code = later.create(later.wanted, id, failure)
  if code ~= 0 then return errors.from_core(failure, 1, nil, later.url), code end
  local handle = ffi.new("rill_handle")
  C.rill_handle_hold(handle, runtime.loop(), id.slot, id.generation)
  endpoint._id, endpoint._handle = id, ffi.gc(handle, C.rill_handle_drop)
end

--- Makes the core's object now, of an endpoint that was to have one later.
---@param endpoint rill.Endpoint
---@return rill.Error? err a file cannot be read now
function M.make(endpoint)
  local later = endpoint._later
  local err = make(endpoint, later)
  if err then return err end
  endpoint._later = false
  if later.made then later.made(endpoint) end
end

-- What the core borrows of a table that stays the script's.
local function texts_of(given)
  local texts = {}
  for _, part in ipairs { given, given.tls or {} } do
    for _, value in pairs(part) do
      if type(value) == "string" then texts[#texts + 1] = value end
    end
  end
  return texts
end

local function check(wanted)
  local failure = ffi.new("rill_error[1]")
  local code = C.rill_options_check(wanted, failure)
  if code ~= 0 then return errors.from_core(failure, 1), code end
end

--- Makes an endpoint, with the core's object, or without it: then it is made when it is first used.
---@param call string what is called, for the error that is raised
---@param given table doc/reference/options.md; what is wrong with them is raised
---@param create fun(options: ffi.cdata*, id: ffi.cdata*, failure: ffi.cdata*): integer 0 or a negative rill_reason
---@param url string? for the error
---@param made (fun(endpoint: rill.Endpoint))? called when the core's object was made later; nil: it is made now
---@return rill.Endpoint?
---@return rill.Error? err
function M.new(call, given, create, url, made)
  options.check_client(call, given)
  local appended = given.query and query.pairs(call .. ": query", given.query)
  local defaults = options.DEFAULTS
  if given.auth then defaults = headers.merge(defaults, { "authorization", auth.value(given.auth) }) end
  local start = options.fields(call, given, defaults)
  local decompress = given.decompress ~= false
  local fields = options.sent(start, decompress)
  local block = headers.block(fields)
  local wanted, anchor = options.for_core(call, given, block)
  -- what the core borrows is held here
  local later = { wanted = wanted, anchor = anchor, create = create, made = made, url = url, texts = texts_of(given) }
  local endpoint = { -- what each request looks at is never nil: a field that is not there is looked for in the class
    _id = false,
    _later = false,
    _start = start,
    _fields = fields,
    _block = block,
    _decompress = decompress,
    _on_headers = given.on_headers or false,
    _on_chunk = given.on_chunk or false,
    _on_warning = given.on_warning or false,
    _on_event = given.on_event or false,
    _reader = false,
    _recorders = false,
    _expect_continue = given.expect_continue or false,
    _query = appended or false,
    _jar = false,
  }
  local err, code
  if made then
    err, code = check(wanted)
    endpoint._later, endpoint._make = later, M.make
  else
    err, code = make(endpoint, later)
  end
  if code == -C.RILL_ARGUMENT then errors.raise(call .. ": " .. err.message:gsub("^header field", "headers: %0")) end
  if err then return nil, err end
  return endpoint
end

--- Has on_event called with what has happened.
---@param endpoint rill.Endpoint? nil when the script has dropped it
function M.news(endpoint)
  if endpoint then runtime.defer(events.pass_on, endpoint) end
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
  endpoint._later = false
  if not endpoint._id then return end
  runtime.take_events()
  if endpoint._on_event then events.pass_on(endpoint) end
  runtime.unwatch(endpoint._id.slot)
  C.rill_handle_drop(ffi.gc(endpoint._handle, nil))
end

return M
