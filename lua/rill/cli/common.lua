--- What all commands share: their flags, the client these make, messages.
local arguments = require("rill.cli.arguments")
local errors = require("rill.errors")
local ffi = require("rill.core.ffi")
local rill = require("rill")

local M = {}

---@type rill.cli.Flag[]
M.flags = {
  { "--resolve", "HOST:PORT:ADDRESS", "ask ADDRESS for that host and port", many = true },
  { "--ca", "FILE", "certificates to trust, PEM", kind = "path" },
  { "--insecure", false, "believe any certificate" },
  { "--proxy", "URL", "go through a proxy" },
  { "--user-agent", "S", "who is asking" },
  { "--timeout", "S", "seconds for one call (180, crawl: 60)", kind = "number" },
  { "-q, --quiet", false, "no messages but errors" },
  { "-v, --verbose", false, "a line for each exchange" },
  { "--help", false, "this text" },
  { "--version", false, "the version" },
}

---@type rill.cli.Flag[] of commands that send requests as one gives them
M.request_flags = {
  { "-H, --header", "'NAME: VALUE'", "sent with each request", many = true },
  { "--cookies", "FILE", "a Netscape cookie file", kind = "path" },
  { "--auth", "USER:PASSWORD", "Basic authentication" },
}

--- Status of a command that a signal has ended, as a shell has it: 128 and the signal's number.
M.SIGNALS = { HUP = 129, INT = 130, QUIT = 131, PIPE = 141, TERM = 143 }

pcall(ffi.cdef, "void *signal(int number, void *handler);")
local SIG_IGN, SIG_ERR = ffi.cast("void *", 1), ffi.cast("void *", -1)

-- nohup and others start commands that are to live through a signal.
local function is_ignored(number)
  local was = ffi.C.signal(number, SIG_IGN)
  if was ~= SIG_ERR then ffi.C.signal(number, was) end
  return was == SIG_IGN
end

--- The names of these signals, less those that whoever started the command has it ignore.
---@return string[]
function M.heeded()
  local names = {}
  for name, status in pairs(M.SIGNALS) do
    if not is_ignored(status - 128) then names[#names + 1] = name end
  end
  return names
end

--- Writes a line to stderr.
function M.say(message, ...)
  io.stderr:write("rill: ", select("#", ...) > 0 and message:format(...) or message, "\n")
end

--- Why a call has failed, with what a flag does about it.
---@param err rill.Error
---@return string
function M.why(err)
  local text = tostring(err)
  if err.kind ~= "tls" or not err.message:find("certificate not trusted:", 1, true) then return text end
  return text .. " (--ca FILE trusts who has signed it, --insecure believes any certificate)"
end

local function resolve_of(list)
  local map = {}
  for _, text in ipairs(list) do
    local host, port, address = text:match "^(%[[^%]]+%]):(%d+):(.+)$"
    if not host then host, port, address = text:match "^([^:]+):(%d+):(.+)$" end
    if not host then arguments.fail("--resolve takes HOST:PORT:ADDRESS, got %q", text) end
    local key = host:lower() .. ":" .. port
    map[key] = map[key] or {}
    table.insert(map[key], address)
  end
  return map
end

--- The fields that -H gives.
---@param list string[]
---@return string[][]
function M.headers(list)
  local headers = {}
  for i, text in ipairs(list) do
    local name, value = text:match "^([^:%s]+):%s*(.-)%s*$"
    if not name then arguments.fail("-H takes 'NAME: VALUE', got %q", text) end
    headers[i] = { name, value }
  end
  return headers
end

local function auth_of(text)
  local user, password = text:match "^([^:]*):(.*)$"
  if not user then arguments.fail("--auth takes USER:PASSWORD") end
  return { user = user, password = password }
end

local function jar_of(path)
  local jar, err = rill.cookies.jar(path)
  if not jar then arguments.fail("--cookies: %s", tostring(err)) end
  return jar
end

local OF_CLIENT = {
  "resolve", "ca", "insecure", "header", "cookies", "auth", "proxy", "user_agent", "timeout",
}

--- The options of a client that the flags give; they are taken out of `given`.
---@param given table
---@param options table? that are there already
---@return table
function M.client_options(given, options)
  options = options or {}
  if given.resolve then options.resolve = resolve_of(given.resolve) end
  if given.ca or given.insecure then
    options.tls = options.tls or {}
    options.tls.ca_file = given.ca or options.tls.ca_file
    if given.insecure then options.tls.verify = false end
  end
  if given.header then options.headers = M.headers(given.header) end
  if given.cookies then options.cookies = jar_of(given.cookies) end
  if given.auth then options.auth = auth_of(given.auth) end
  for _, name in ipairs { "proxy", "user_agent", "timeout" } do
    if given[name] ~= nil then options[name] = given[name] end
  end
  for _, name in ipairs(OF_CLIENT) do given[name] = nil end
  if given.quiet or options.tls and options.tls.verify == false then options.on_warning = function() end end
  return options
end

--- What raises because of what the command line holds is a wrong command line.
function M.checked(fn, ...)
  local results = { pcall(fn, ...) }
  if results[1] then return unpack(results, 2, table.maxn(results)) end
  local why = results[2]
  if type(why) == "table" then error(why, 0) end
  arguments.fail("%s", (tostring(why):gsub("^[^%s:]+:%d+: ", ""):gsub("^crawl: ", "")))
end

--- A client for these options.
---@return rill.Client
function M.client(options)
  local client, err = M.checked(rill.client, options)
  if not client then arguments.fail("%s", tostring(err)) end
  return client
end

--- Shows an exchange, where -v asks for it.
function M.show(given, response, err)
  if not given.verbose then return end
  io.stderr:write(response and tostring(response) or tostring(err), "\n")
end

--- Shows what came of asking for a URL, where -v asks for it.
---@param given table
---@param address string
---@param status integer?
---@param err rill.Error?
---@param pause number? seconds until it is asked for again
function M.exchange(given, address, status, err, pause)
  if not given.verbose then return end
  local again = pause and (", again in %.1f s"):format(math.max(pause, 0)) or ""
  io.stderr:write(err and tostring(err) or ("%d %s"):format(status, errors.shown(address)), again, "\n")
end

return M
