--- A client for the judge of spec/hostile: sends the requests that a case asks for and prints what came
--- of each as one line of JSON.
---   luajit probe.lua --ca FILE -X METHOD --data FILE -n COUNT -p PARALLEL --gap MS --max BYTES -t SECONDS
---     --http VERSION URL
local root = debug.getinfo(1, "S").source:match("^@(.*)spec/support/probe.lua$")
package.path = root .. "lua/?.lua;" .. root .. "lua/?/init.lua;" .. package.path

local ffi = require("ffi")
local rill = require("rill")

ffi.cdef("unsigned char *SHA256(const unsigned char *data, size_t length, unsigned char *digest);")
local crypto = ffi.load("crypto.so.3")

local given = { ["-X"] = "GET", ["-n"] = "1", ["-p"] = "1", ["--gap"] = "0", ["-t"] = "20", ["--http"] = "2" }
local at = 1
while at < #arg do
  given[arg[at]] = arg[at + 1]
  at = at + 2
end
local target = arg[#arg]

local function escape(c)
  return ("\\u%04x"):format(c:byte())
end

local function json(value)
  if type(value) == "string" then return '"' .. value:gsub('[%c"\\\128-\255]', escape) .. '"' end
  return tostring(value)
end

local function sha256(text)
  local digest = ffi.new("unsigned char[32]")
  crypto.SHA256(text, #text, digest)
  return (ffi.string(digest, 32):gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end

local function line_of(response, err)
  local fields
  if response then
    local list = {}
    for name, value in response.headers:each() do
      list[#list + 1] = ("[%s, %s]"):format(json(name), json(value))
    end
    fields = {
      outcome = json("response"), status = response.status, body_len = #response.body,
      body_sha256 = json(sha256(response.body)), close_reason = json(response.close_reason),
      headers = "[" .. table.concat(list, ", ") .. "]",
    }
  else
    fields = {
      outcome = json("error"), close_reason = json(err.reason), error = json(tostring(err)),
      retry_safe = json(err.retry_safe), status = err.status, kind = err.kind and json(err.kind),
    }
  end
  local parts = {}
  for name, value in pairs(fields) do
    parts[#parts + 1] = json(name) .. ": " .. value
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

rill.run(function()
  local body
  if given["--data"] and given["--data"] ~= "" then
    local file = assert(io.open(given["--data"], "rb"))
    body = file:read("*a")
    file:close()
  end
  local client = rill.client {
    redirects = 0,
    timeout = tonumber(given["-t"]),
    maxsize = tonumber(given["--max"]) or 0, -- none given: no limit
    h2c = target:find("^http:") ~= nil and given["--http"] == "2",
    protocols = { given["--http"] == "2" and "h2" or "http/1.1" },
    tls = given["--ca"] and given["--ca"] ~= "" and { ca_file = given["--ca"] } or nil,
  }
  local numbers, gap = {}, tonumber(given["--gap"]) / 1000
  for i = 1, tonumber(given["-n"]) do
    numbers[i] = i
  end
  local function send(number)
    if number > 1 and gap > 0 then rill.sleep(gap) end
    local response, err = client:request { url = target, method = given["-X"], body = body }
    io.write(line_of(response, err), "\n")
    io.flush()
  end
  for _, _, err in rill.map(numbers, send, { concurrency = tonumber(given["-p"]) }) do
    if err then error(err, 0) end
  end
  client:close()
end)
