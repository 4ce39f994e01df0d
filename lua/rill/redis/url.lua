--- URLs of Redis: what "redis://[[user]:password@]host[:port][/db]?name=x" and its kind name.
local M = {}

-- What a query may hold, and what its names are in the address.
local TLS_WORDS = { ca_file = true, ca_path = true, cert_file = true, key_file = true, server_name = true,
  verify = true }

local function plain(text)
  if not text or text == "" then return nil end
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function parse_network(rest)
  local userinfo, place = rest:match "^(.*)@([^@]*)$"
  if not userinfo then place = rest end
  local host, port, db = place:match "^(%[[^%]]*%]):?(%d*)/?(%d*)$"
  if not host then host, port, db = place:match "^([^:/]*):?(%d*)/?(%d*)$" end
  if not host then return nil end
  local user, password
  if userinfo then user, password = userinfo:match "^([^:]*):?(.*)$" end
  host = host:gsub("[%[%]]", "")
  return { host = host ~= "" and host or "localhost", port = tonumber(port) or 6379, db = tonumber(db),
    user = plain(user), password = plain(password) }
end

local function parse_unix(rest)
  local userinfo, path = rest:match "^([^/@]*)@(/.*)$"
  path = path or rest
  if path:sub(1, 1) ~= "/" then return nil end
  local user, password
  if userinfo then user, password = userinfo:match "^([^:]*):?(.*)$" end
  return { path = plain(path), user = plain(user), password = plain(password) }
end

-- "a=b&c=d" as a table.
local function parse_query(query)
  local words = {}
  for name, value in ("&" .. query):gmatch "&([^=&]*)=?([^&]*)" do
    if name ~= "" then words[name] = plain(value) or "" end
  end
  return words
end

-- What of the query is not the name: db over a socket, who knows the host's addresses, and what TLS needs.
local function take_words(address, words)
  for name, value in pairs(words) do
    if name == "db" and address.path and tonumber(value) then
      address.db = tonumber(value)
    elseif name == "dns_servers" and address.host then
      address.dns_servers = value
    elseif address.tls and TLS_WORDS[name] then
      address.tls[name] = value
    elseif name ~= "name" then
      return ("has ?%s=, which is not known here"):format(name)
    end
  end
  local verify = address.tls and address.tls.verify
  if verify and verify ~= "true" and verify ~= "false" then return "has a verify that is neither true nor false" end
end

local function address_of(scheme, rest)
  if scheme == "redis+unix" then return parse_unix(rest) end
  if scheme ~= "redis" and scheme ~= "rediss" then return nil end
  local address = parse_network(rest)
  if address and scheme == "rediss" then address.tls = {} end
  return address
end

--- Reads the URL of a Redis: "redis://[[user]:password@]host[:port][/db]?name=x", "rediss://" for TLS, or
--- "redis+unix://[[user]:password@]/path?name=x".
---@param url string
---@return table? address host, port and dns_servers, or path; tls; db, user, password, name; shown: without a password
---@return string? wrong
function M.parse(url)
  local scheme, rest, query = url:match "^([%a+]+)://([^?]*)%??(.*)$"
  local words = parse_query(query or "")
  local name, address = words.name, address_of(scheme, rest)
  if not address then return nil, "is no redis://, rediss:// or redis+unix:// URL" end
  if not name or name == "" then return nil, "has no ?name=, which its keys begin with" end
  if name:find "[^%w_.:-]" then return nil, "has a name with other characters than letters, digits and _ . : -" end
  local wrong = take_words(address, words)
  if wrong then return nil, wrong end
  address.name = name
  address.shown = address.path or ("%s:%d"):format(address.host, address.port)
  return address
end

--- A URL as it may be shown: without a password.
---@param url string
---@return string
function M.shown(url)
  return (url:gsub("//[^/]*@", "//"))
end

return M
