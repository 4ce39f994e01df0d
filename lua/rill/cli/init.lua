--- The command `rill`: finds the subcommand, and turns what comes of it into an exit status.
local ffi = require("rill.core.ffi")
local output = require("rill.cli.output")

local M = {}

local SIGINT = 2
local OK, USAGE, OUTPUT = 0, 2, 4

local COMMANDS = { "get", "crawl", "links", "robots", "status", "join" }
local KNOWN = {}
for _, name in ipairs(COMMANDS) do KNOWN[name] = "rill.cli." .. name end

local HELP = [[
usage: rill COMMAND ...

  get      bodies of URLs
  crawl    whole sites, as data
  links    broken links of a site
  robots   whether a URL may be asked for
  status   how far a crawl is
  join     one file of what many workers have written

rill COMMAND --help explains a command; rill --version shows the version.
]]

local function wrong(command, message)
  io.stderr:write("rill", command and " " .. command or "", ": ", message, "\n",
    "try: rill ", command and command .. " " or "", "--help\n")
  return USAGE
end

-- The flags that need no more of the command line to be right.
local function asks_for(words, flag)
  for _, word in ipairs(words) do
    if word == "--" then return false end
    if word == flag then return true end
  end
  return false
end

-- Also where all else went well: what was asked for is not there.
local function status_of(status)
  local why = output.unwritten()
  if not why then return status end
  io.stderr:write("rill: cannot write -: ", why, "\n")
  return OUTPUT
end

local function show(...)
  output.write(...)
  return status_of(OK)
end

local function run(command, words)
  local arguments = require("rill.cli.arguments")
  local module = require(KNOWN[command])
  if asks_for(words, "--help") then return show(module.help()) end
  local ok, status = xpcall(function()
    local given = {}
    local rest = arguments.read(words, module.flags, given)
    return module.run(given, rest)
  end, function(why)
    return getmetatable(why) == arguments.Usage and why or debug.traceback(tostring(why), 2)
  end)
  if ok then return status_of(status) end
  if type(status) == "table" then return wrong(command, status.message) end
  io.stderr:write("rill ", command, ": ", status, "\n")
  return 1
end

-- INT ends the process, as it does any other command: LuaJIT's own answer is an error and its traceback.
local function take_signals()
  pcall(ffi.cdef, "void *signal(int number, void *handler);")
  ffi.C.signal(SIGINT, nil)
end

--- Runs a command line.
---@param words string[]
---@return integer status
function M.main(words)
  take_signals()
  local command = words[1]
  if asks_for(words, "--version") then return show("rill ", require("rill").version, "\n") end
  if command == "--help" or command == "help" then return show(HELP) end
  if not command then return wrong(nil, "which command?") end
  if not KNOWN[command] then return wrong(nil, ("unknown command %q: there are %s"):format(command,
    table.concat(COMMANDS, ", "))) end
  local rest = {} -- unpack() takes no more than 8,000
  for i = 2, #words do rest[i - 1] = words[i] end
  return run(command, rest)
end

return M
