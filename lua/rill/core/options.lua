--- The options of clients and requests: one table says what there is; what is given is checked once.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local headers = require("rill.headers")
local hooks = require("rill.core.hooks")
local lazy = require("rill.core.lazy")

local arguments = lazy.module("rill.core.arguments")
local list_of = lazy.module("rill.core.list")
local politeness = lazy.module("rill.core.politeness")
local suggest = lazy.module("rill.core.suggest")
local types = require("rill.core.option_types")

local M = {}

-- All options. type: nil while it is not supported. request: may also be given with one request. field: it goes into
-- rill_options (src/rill.h), under its own name.
local OPTIONS = {
  headers = { type = "headers", request = true },
  user_agent = { type = "text", request = true },
  timeout = { type = "seconds", request = true, field = true },
  queue_timeout = { type = "seconds", request = true, field = true },
  connect_timeout = { type = "seconds", field = true },
  read_timeout = { type = "seconds", request = true, field = true },
  idle_timeout = { type = "seconds", field = true },
  ping_after = { type = "seconds", field = true },
  ping_timeout = { type = "seconds", field = true },
  maxsize = { type = "bytes", request = true, field = true },
  warnsize = { type = "bytes", request = true, field = true },
  max_header_list = { type = "header_bytes", field = true },
  max_buffered = { type = "bytes", field = true },
  max_connections_per_origin = { type = "count", field = true },
  max_connections = { type = "count", field = true },
  max_streams = { type = "count", field = true },
  per_origin = { type = "politeness" },
  retries = { type = "times", request = true, field = true },
  retry_idempotent = { type = "boolean", request = true, field = true },
  tls = { type = "tls" },
  resolve = { type = "resolve" },
  dns_servers = { type = "addresses" },
  bind_address = { type = "text", request = true, field = true },
  family = { type = "family" },
  deny_private = { type = "boolean", field = true },
  proxy = { type = "proxy", request = true },
  no_proxy = { type = "hosts" },
  h2c = { type = "boolean", field = true },
  window = { type = "window", field = true },
  max_window = { type = "window", field = true },
  max_frame_size = { type = "frame", field = true },
  decompress = { type = "boolean", request = true, field = true },
  redirects = { type = "redirects", request = true },
  allow_downgrade = { type = "boolean", request = true },
  cookies = { type = "cookies" },
  expect_continue = { type = "boolean", request = true },
  coalesce = { type = "boolean", field = true },
  on_headers = { type = "hook", request = true },
  on_chunk = { type = "hook", request = true },
  on_warning = { type = "hook" },
  on_event = { type = "hook" },
  protocols = { type = "protocols" },
  idempotent = { type = "boolean", request = true },
  lenient_eof = { type = "boolean", request = true, field = true },
  auth = { type = "auth", request = true },
  query = { type = "query", request = true },
}

local TLS = {
  verify = { type = "boolean", field = true },
  ca_file = { type = "text", field = true },
  ca_path = { type = "text", field = true },
  ca_pem = { type = "text", field = true },
  cert_file = { type = "text", field = true },
  key_file = { type = "text", field = true },
  key_password = { type = "text", field = true },
  server_name = { type = "text", field = true },
  min_version = { type = "text", field = true },
  max_version = { type = "text", field = true },
  ciphers = { type = "text", field = true },
  ciphersuites = { type = "text", field = true },
  groups = { type = "text", field = true },
  session_cache = { type = "boolean", field = true },
  keylog_file = { type = "text", field = true },
  pin_sha256 = { type = "pins" },
}

-- What only a request has.
local REQUEST = {
  trailers = { type = "trailers", request = true },
  types = { type = "text", request = true },
  keep_head = { type = "boolean", request = true },
}

-- What request{} and open{} take beside that.
local WHOLE = {
  url = { type = "any", request = true }, -- these three are checked with the arguments of the other calls
  method = { type = "any", request = true },
  body = { type = "any", request = true },
}

-- What only a download has.
local DOWNLOAD = {
  method = { type = "any", request = true }, -- checked with url, as of other calls
  body = { type = "any", request = true },
  resume = { type = "boolean", request = true },
  on_progress = { type = "hook", request = true },
}

-- `option` is known.
local function check_one(call, name, value, option)
  if not option.type then
    errors.raise(("%s: option %s is not supported yet"):format(call, errors.show(name)))
  end
  local kind = types[option.type]
  if not kind[2](value) then
    errors.raise(("%s: %s must be %s, got %s"):format(call, name, kind[1], (kind[3] or errors.show)(value)))
  end
end

local function check_client_option(call, name, value)
  local option = OPTIONS[name]
  if option then return check_one(call, name, value, option) end
  if REQUEST[name] or WHOLE[name] then
    errors.raise(("%s: option %s belongs to a request, not to a client"):format(call, errors.show(name)))
  end
  suggest.unknown(call, name, { OPTIONS }, suggest.request)
end

local function check_tls_option(call, name, value)
  local option = TLS[name]
  if option then return check_one(call, name, value, option) end
  if OPTIONS[name] then
    errors.raise(("%s: unknown option %s: it stands beside tls, not within"):format(call, errors.show(name)))
  end
  suggest.unknown(call, name, { TLS }, suggest.tls)
end

local NOTHING = {}

-- `more`: options that this call has besides.
local function check_request_option(call, name, value, more)
  local option = OPTIONS[name] or REQUEST[name] or more[name]
  if not option then
    if WHOLE[name] then
      errors.raise(("%s: unknown option %s: it stands before the options"):format(call, errors.show(name)))
    end
    if DOWNLOAD[name] then
      errors.raise(("%s: option %s belongs to client:download"):format(call, errors.show(name)))
    end
    suggest.unknown(call, name, { OPTIONS, REQUEST, more }, suggest.request)
  elseif not option.request then
    errors.raise(("%s: option %s belongs to a client, not to a request"):format(call, errors.show(name)))
  end
  check_one(call, name, value, option)
end

--- Checks the options of a client.
---@param call string what is called, for the error that is raised
---@param given table
function M.check_client(call, given)
  if given == hooks.public then errors.raise(("%s: call it with a dot, %s(options)"):format(call, call)) end
  if type(given) ~= "table" then
    errors.raise(("%s: options must be a table, got %s"):format(call, errors.show(given)))
  end
  for name, value in pairs(given) do
    check_client_option(call, name, value)
  end
  for name, value in pairs(given.tls or {}) do
    check_tls_option(call .. ": tls", name, value)
  end
  if given.per_origin then politeness.check(call .. ": per_origin", given.per_origin) end
end

--- Checks the options of one request.
---@param call string
---@param given table
---@param kind "whole"|"download"|nil whole: url, method and body stand in it as well
function M.check_request(call, given, kind)
  local more = kind == "whole" and WHOLE or kind == "download" and DOWNLOAD or NOTHING
  if type(given) ~= "table" then
    errors.raise(("%s: options must be a table, got %s"):format(call, errors.show(given)))
  end
  for name, value in pairs(given) do
    check_request_option(call, name, value, more)
  end
  if type(given.trailers) == "table" and not arguments.is_callable(given.trailers) then
    headers.fields(call .. ": trailers", given.trailers)
  end
end

local function has(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then return true end
  end
  return false
end

-- The header fields that one table of options names: user_agent is one of them unless headers has it.
local function given_fields(call, given)
  local fields = given.headers and headers.fields(call .. ": headers", given.headers) or {}
  if not given.user_agent then return fields end
  local agent = given.user_agent ~= "" and given.user_agent or false
  local named = headers.fields(call .. ": user_agent", { { "user-agent", agent } })
  if has(fields, "user-agent") then return fields end
  for i = 1, #fields do
    named[#named + 1] = fields[i]
  end
  return named
end

-- Stands for accept-encoding where no option says otherwise: what it says depends on the request.
local ACCEPT = "\0"

--- The header fields that each client starts from.
M.DEFAULTS = { "user-agent", "rill/" .. ffi.string(C.rill_version()), "accept-encoding", ACCEPT }

--- What is sent of these fields. Parts of a coded body cannot be undone: a range is asked for as it is.
---@param fields table flat list, as fields() returns it
---@param decompress boolean
---@return table fields flat list
function M.sent(fields, decompress)
  local accept = has(fields, "range") and "identity" or ffi.string(C.rill_accept_encoding())
  local sent = {}
  for i = 1, #fields, 2 do
    local value = fields[i + 1]
    if value ~= ACCEPT or decompress then
      sent[#sent + 1], sent[#sent + 2] = fields[i], value == ACCEPT and accept or value
    end
  end
  return sent
end

--- The header fields of a request: those of these options over the ones below.
---@param call string
---@param given table checked options
---@param below table flat list of rill.headers
---@return table fields flat list
function M.fields(call, given, below)
  return headers.merge(below, given_fields(call, given))
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

-- Fills in rill_options.resolve; returns what must outlive the call.
local function fill_resolve(call, options, map)
  local pairs_of = {}
  for key in pairs(map) do
    if not types.text[2](key) or not key:find("^.+:%d+$") then
      errors.raise(('%s: resolve: a key must be "host:port", got %s'):format(call, errors.show(key)))
    end
  end
  for _, host in ipairs(sorted_keys(map)) do
    local addresses = map[host]
    if type(addresses) ~= "table" then addresses = { addresses } end
    if not list_of.is(addresses) or addresses[1] == nil then
      errors.raise(("%s: resolve: several addresses of %s are a list without holes, of at least one, got %s")
        :format(call, host, list_of.shown(addresses)))
    end
    for _, address in ipairs(addresses) do
      if not types.text[2](address) then
        errors.raise(("%s: resolve: an address of %s must be a string, got %s")
          :format(call, host, errors.show(address)))
      end
      pairs_of[#pairs_of + 1] = { host, address }
    end
  end
  local entries = ffi.new("rill_resolve[?]", math.max(#pairs_of, 1))
  for i, pair in ipairs(pairs_of) do
    entries[i - 1].host, entries[i - 1].address = pair[1], pair[2]
  end
  options.resolve, options.resolve_count = entries, #pairs_of
  return { entries, pairs_of }
end

-- A list as the core takes it; `what` an entry is stands in the error.
local function join(call, name, list, what)
  for i, entry in ipairs(list) do
    if not types.text[2](entry) or entry:find(",", 1, true) then
      errors.raise(("%s: %s: entry %d must be %s, got %s"):format(call, name, i, what, errors.show(entry)))
    end
  end
  return table.concat(list, ",")
end

local function fill_fields(target, given, options)
  for name, option in pairs(options) do
    if option.field and given[name] ~= nil then target[name] = given[name] end
  end
end
jit.off(fill_fields) -- most processes make one client, and compiling this would take a tenth of that

--- Makes rill_options of a client's checked options.
---@param call string
---@param given table checked; its strings are borrowed as long as `anchor` lives
---@param block string header block sent with every request, user-agent included
---@return ffi.cdata* options rill_options
---@return table anchor what the options point to
function M.for_core(call, given, block)
  local options, anchor = ffi.new("rill_options"), { block }
  C.rill_options_init(options)
  fill_fields(options, given, OPTIONS)
  fill_fields(options.tls, given.tls or {}, TLS)
  options.user_agent = ""
  options.headers, options.headers_length = block, #block
  if given.family and given.family ~= "any" then options.family = given.family end
  if given.resolve then anchor[2] = fill_resolve(call, options, given.resolve) end
  if given.dns_servers then
    anchor[3] = join(call, "dns_servers", given.dns_servers, '"ip" or "ip:port"')
    options.dns_servers = anchor[3]
  end
  options.notes = given.on_event ~= nil
  if given.idempotent ~= nil then options.idempotent = given.idempotent and 1 or 0 end
  if given.per_origin then anchor[7] = politeness.fill(options, given.per_origin) end
  if given.proxy then options.proxy = given.proxy end
  if type(given.no_proxy) == "table" then
    anchor[6] = join(call, "no_proxy", given.no_proxy, "a host, an address or a network")
    options.no_proxy = anchor[6]
  elseif given.no_proxy then
    options.no_proxy = given.no_proxy
  end
  if given.protocols then
    anchor[5] = join(call, "protocols", given.protocols, '"h2" or "http/1.1"')
    options.protocols = anchor[5]
  end
  if given.tls and given.tls.pin_sha256 then
    anchor[4] = join(call, "tls.pin_sha256", given.tls.pin_sha256, "the base64 of a SHA-256 digest")
    options.tls.pin_sha256 = anchor[4]
  end
  return options, anchor
end

return M
