-- GET of one page, 100 at a time, on one connection of lua-http: status, a header and the body string of each.
-- (Its http.request dials anew for each request.)
local cqueues = require("cqueues")
local client = require("http.client")
local headers = require("http.headers")
local tls = require("http.tls")
local store = require("openssl.x509.store")

local WORKERS = 100

local url, ca, count = arg[1], arg[2], tonumber(arg[3])
local host, port, path = url:match("^https://([^:/]+):(%d+)(/.*)$")
local context = tls.new_client_context()
context:setVerify(require("openssl.ssl.context").VERIFY_PEER)
context:setStore(store.new():add(ca))

local taken, done, bytes = 0, 0, 0
local queue = cqueues.new()

local function get(connection)
  local stream = assert(connection:new_stream())
  local request = headers.new()
  request:append(":method", "GET")
  request:append(":scheme", "https")
  request:append(":authority", host .. ":" .. port)
  request:append(":path", path)
  assert(stream:write_headers(request, true))
  local response = assert(stream:get_headers())
  assert(response:get(":status") == "200" and response:get("last-modified"))
  local body = assert(stream:get_body_as_string())
  bytes = bytes + #body
  done = done + 1
end

local function work(connection)
  while taken < count do
    taken = taken + 1
    get(connection)
  end
  if done == count then connection:shutdown() connection:close() end
end

queue:wrap(function()
  local connection = assert(client.connect({ host = host, port = tonumber(port), tls = true, ctx = context,
    version = 2 }, 10))
  queue:wrap(connection.loop, connection) -- somebody reads on while all streams wait
  for _ = 1, WORKERS do
    queue:wrap(work, connection)
  end
end)
assert(queue:loop())
assert(bytes == count * 1024, ("%d requests, %d bytes"):format(done, bytes))
print(("units %d"):format(done))
