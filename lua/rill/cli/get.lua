--- rill get: bodies of URLs.
local arguments = require("rill.cli.arguments")
local common = require("rill.cli.common")
local output = require("rill.cli.output")
local rill = require("rill")
local urls = require("rill.cli.urls")

local M = {}

local OWN = {
  { "-o, --output", "FILE", "write the body to FILE, there once it is whole (-: standard output)", kind = "path" },
  { "-i, --include", false, "write heads too" },
  { "-I, --head", false, "ask for the head alone (HEAD), and write it" },
  { "-d, --data", "DATA", "send DATA of a form, or the file @FILE, @- for standard input (POST)" },
  { "--json", "DATA", "the same, as JSON: content-type and accept say so" },
  { "-X, --method", "METHOD", "in place of GET" },
  { "--maxsize", "BYTES", "of a body, 0: any (1G)", kind = "size" },
}

M.flags = {}
for _, list in ipairs { OWN, common.request_flags, common.flags } do
  for _, flag in ipairs(list) do M.flags[#M.flags + 1] = flag end
end

--- The help.
---@return string
function M.help()
  return "usage: rill get URL... [OPTION...]\n\nWrites the bodies of URLs to standard output. Exit status: 0, 1 if one "
    .. "failed or answered\n400 and above, 2 for a wrong command line, 4 where standard output takes no "
    .. "more.\n\n" .. arguments.help(M.flags)
end

local function head_text(response)
  return ("%s %d\n%s\n"):format(response.protocol == "http/1.1" and "HTTP/1.1" or "HTTP/2", response.status,
    (tostring(response.headers):gsub("\r\n", "\n"):gsub("\n*$", "\n")))
end

local FORM, JSON = "application/x-www-form-urlencoded", "application/json"

-- The fields of a request; those of -H go before what its data would bring.
local function fields_of(given)
  local fields, is_given = {}, {}
  for i, field in ipairs(given.header and common.headers(given.header) or {}) do
    fields[i], is_given[field[1]:lower()] = field, true
  end
  local function add(name, value)
    if not is_given[name] then fields[#fields + 1] = { name, value } end
  end
  if given.data or given.json then add("content-type", given.json and JSON or FORM) end
  if given.json then add("accept", JSON) end
  return fields
end

local function body_of(data)
  local path = data and data:match "^@(.+)$"
  if path == "-" then path = "/dev/stdin" end
  return path and { file = path } or data
end

local function request_of(given)
  local data = given.json or given.data
  local method = given.method or given.head and "HEAD" or data and "POST" or "GET"
  return { method = method, headers = given.fields, maxsize = given.maxsize, body = body_of(data) }
end

-- What goes to a file does so as it comes, and its length is no news; all else is here first.
local function ask(client, given, address)
  local request = request_of(given)
  if given.output then
    request.warnsize = 0
    return client:download(address, given.output, request)
  end
  request.url = address
  return client:request(request)
end

-- Writes what came. Returns whether that could be done.
local function put(given, response)
  if given.include or given.head then
    if not output.write(head_text(response)) then return false end
  end
  if given.output or given.head then return true end
  return output.write(response.body) and true or false
end

local function save(given, response)
  if not given.output or response.path then return true end
  local ok, err = response:save(given.output)
  if not ok then common.say("%s", tostring(err)) end
  return ok
end

-- Where the command is interrupted, a file that is not whole is removed before it ends.
local function watch(client, given)
  given.interrupted = common.SIGNALS[rill.signal(unpack(common.heeded()))]
  client:close()
end

-- Returns nil where nobody reads what is written.
local function get(client, given, address)
  local response, err = common.checked(ask, client, given, address)
  if given.interrupted then return false end
  common.show(given, response, err)
  if not response then
    common.say("%s", common.why(err))
    return false
  end
  if not put(given, response) then return nil end
  if not save(given, response) then return false end
  if response.status < 400 then return true end
  common.say("%s: status %d", response.url, response.status)
  return false
end

--- Runs the command.
---@param given table
---@param words string[]
---@return integer status
function M.run(given, words)
  if not words[1] then arguments.fail("URL is missing") end
  if given.output == "-" then given.output = nil end -- where bodies go that no file is named for
  if given.json and given.data then arguments.fail("-d and --json exclude each other") end
  if given.head and (given.data or given.json) then
    arguments.fail("-I asks for a head alone, with no data: -d and --json exclude it")
  end
  if given.output and (given.head or given.method == "HEAD") then
    arguments.fail("%s has no body that -o could write", given.head and "-I" or "-X HEAD")
  end
  if given.output and (words[2] or words[1]:find "^@") then arguments.fail("-o takes one URL, there are several") end
  local following = urls.each(words)
  given.fields = fields_of(given)
  given.header = nil -- of requests, not of the client: host may be one
  local client = common.client(common.client_options(given))
  local status = 0
  rill.run(function()
    if given.output then rill.spawn(watch, client, given) end
    for address in following do
      local good = get(client, given, address)
      if good == nil then return end
      if not good then status = 1 end
    end
  end)
  client:close()
  return given.interrupted or status
end

return M
