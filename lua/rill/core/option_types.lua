--- What the values of options must be: a name for each kind, what says so in an error, the check, and what shows a
--- value that is refused, where that is not errors.show.
local lazy = require("rill.core.lazy")

local arguments = lazy.module("rill.core.arguments")
local auth = lazy.module("rill.core.auth")
local list_of = lazy.module("rill.core.list")

local function number_from(low, high)
  return function(value)
    return type(value) == "number" and value >= low and value <= high
  end
end

-- math.huge is the same as 0: none.
local function is_seconds(value)
  return type(value) == "number" and (value >= 0 and value <= 1e9 or value == math.huge)
end

local function integer_from(low, high)
  local in_range = number_from(low, high)
  return function(value)
    return in_range(value) and value % 1 == 0
  end
end

local function is_text(value)
  return type(value) == "string" and not value:find("%z")
end

-- false: none
local function is_proxy(value)
  return value == false or is_text(value) and value ~= ""
end

local function is_table(value)
  return type(value) == "table"
end

-- A list of hosts, or a string with commas or blanks between them.
local function is_hosts(value)
  return value == false or type(value) == "table" and list_of.is(value) or is_text(value)
end

local function shown_list(value)
  return list_of.shown(value)
end

local function is_list(value)
  return list_of.is(value)
end

local function is_filled(value)
  return list_of.is(value) and value[1] ~= nil
end

-- false: none
local function is_politeness(value)
  return value == false or type(value) == "table"
end

local function is_callable(value)
  return arguments.is_callable(value)
end

local function is_table_or_callable(value)
  return type(value) == "table" or is_callable(value)
end

local is_times = integer_from(0, 2 ^ 31 - 1)

local function is_redirects(value)
  return value == false or is_times(value)
end

local function is_cookies(value)
  return type(value) == "boolean" or type(value) == "table" and require("rill.cookies").is_jar(value)
end

local function is_auth(value)
  return auth.is(value)
end

return {
  seconds = { "a number of seconds from 0 to 1e9, or math.huge", is_seconds },
  bytes = { "a whole number of bytes from 0 to 2^53", integer_from(0, 2 ^ 53) },
  header_bytes = { "a whole number of bytes from 0 to 2^32-1", integer_from(0, 2 ^ 32 - 1) },
  count = { "a whole number from 0 to 2^32-1", integer_from(0, 2 ^ 32 - 1) },
  times = { "a whole number from 0 to 2^31-1", is_times },
  family = { '"any", 4 or 6', function(value) return value == "any" or value == 4 or value == 6 end },
  window = { "a whole number of bytes from 1 to 2^31-1", integer_from(1, 2 ^ 31 - 1) },
  frame = { "a whole number of bytes from 16384 to 2^24-1", integer_from(16384, 2 ^ 24 - 1) },
  boolean = { "true or false", function(value) return type(value) == "boolean" end },
  text = { "a string without NUL", is_text },
  any = { "anything", function() return true end },
  hook = { "a function", is_callable },
  headers = { "a table of header fields", is_table },
  trailers = { "a table of fields, or a function that returns one", is_table_or_callable },
  tls = { "a table", is_table },
  resolve = { 'a table from "host:port" to an address or a list of them', is_table },
  addresses = { 'a list of "ip" or "ip:port", of at least one', is_filled, shown_list },
  redirects = { "a whole number from 0 to 2^31-1, or false", is_redirects },
  cookies = { "true, false or a jar of rill.cookies", is_cookies },
  auth = {
    "{ user = , password = } with no colon in user, { bearer = } of one word, or false, without control characters",
    is_auth,
  },
  query = { "a map of names to values or a list of pairs", is_table },
  proxy = { 'a URL of a proxy, "env" or false', is_proxy },
  hosts = { "a list of hosts, or a string with commas or blanks between them", is_hosts, shown_list },
  protocols = { 'a list of "h2" and "http/1.1", in order', is_list, shown_list },
  politeness = { "a table of limits, a map from origin or host to such tables, or false", is_politeness },
  share = { "a number from 0 to 1", number_from(0, 1) },
  pins = { "a list of base64 SHA-256 digests, of at least one", is_filled, shown_list },
}
