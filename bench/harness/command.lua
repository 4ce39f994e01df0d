--- The command line of bench/run.
local contestants = require("contestants")
local figures = require("figures")
local lines = require("lines")
local report = require("report")
local rounds = require("rounds")
local scratch = require("scratch")
local system = require("system")

local M = {}

local USAGE = [[
usage: bench/run [--only GLOB]... [--rounds N] [--list]
  --only GLOB   lines whose name matches, such as 'get_*'; may be given several times
  --rounds N    interleaved rounds (9); medians of fewer say little
  --list        names the lines
Writes build/bench.json and build/bench.md. A missed "must" is marked, and is no failure of the run.
]]

local function pattern_of(glob)
  local pattern = glob:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
  return "^" .. pattern .. "$"
end

local function usage(message)
  io.stderr:write(message, "\n", USAGE)
  os.exit(2)
end

local function read_arguments(words)
  local options, i = { rounds = 9, only = {} }, 1
  while words[i] do
    local word, value = words[i], words[i + 1]
    if word == "--only" and value then
      options.only[#options.only + 1] = pattern_of(value)
      i = i + 1
    elseif word == "--rounds" and value and tonumber(value) and tonumber(value) >= 1 then
      options.rounds = math.floor(tonumber(value))
      i = i + 1
    elseif word == "--list" then
      options.list = true
    elseif word == "--help" then
      io.write(USAGE)
      os.exit(0)
    else
      usage("bench/run: what is " .. word .. "?")
    end
    i = i + 1
  end
  return options
end

local function chosen(only)
  if #only == 0 then return lines end
  local list = {}
  for _, line in ipairs(lines) do
    for _, pattern in ipairs(only) do
      if line.name:find(pattern) then
        list[#list + 1] = line
        break
      end
    end
  end
  if #list == 0 then usage("bench/run: no line is called so") end
  return list
end

local function machine(cpus)
  local model = system.line_of("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo") or "unknown CPU"
  local kernel = (system.line_of("uname -r") or "?"):match "^%d+%.%d+" or "?" -- the rest names a machine
  return ("%s, %d CPUs, Linux %s"):format(model, cpus, kernel)
end

-- Whether a peer takes part in one of these lines: contestants are called as peers are, and more or less behind it.
local function takes_part(peer, list)
  for _, line in ipairs(list) do
    for name in pairs(line.contestants) do
      if name:sub(1, #peer) == peer or peer:sub(1, #name) == name then return true end
    end
  end
  return false
end

local function versions(all, list)
  local present = {}
  for name, version in pairs(all) do
    if takes_part(name, list) then present[name] = version end
  end
  present.LuaJIT = jit.version
  present.nghttpd = system.line_of("nghttpd --version")
  present.nginx = system.line_of("nginx -v 2>&1")
  present.OpenSSL = system.line_of("openssl version")
  present.rill = system.line_of("git describe --always --dirty") or "unknown revision"
  return present
end

local function gather(options, runnable, left_out, samples, cpus)
  local present, missing = contestants.peers()
  local run = { date = os.date("!%Y-%m-%d"), rounds = options.rounds, machine = machine(#cpus),
    versions = versions(present, runnable), missing = missing, left_out = left_out, lines = {} }
  for _, line in ipairs(runnable) do
    local units = {}
    for name, contestant in pairs(line.contestants) do
      units[name] = contestant.units
    end
    local made, absent = figures.of_line(line, samples[line.name],
      math.min(options.rounds, line.rounds or options.rounds))
    run.lines[#run.lines + 1] = { name = line.name, title = line.title, unit = line.unit, units = units,
      figures = made, absent = absent, samples = samples[line.name] }
  end
  return run
end

local function run(root, options)
  system.prepare(root)
  local runnable, left_out = rounds.sort_out(chosen(options.only), root)
  local cpus = system.cpus() -- before pinning
  local samples = rounds.measure(root, runnable, options.rounds, cpus)
  local result = gather(options, runnable, left_out, samples, cpus)
  os.execute(("mkdir -p '%s/build'"):format(root))
  scratch.write(root .. "/build/bench.json", report.json(result))
  scratch.write(root .. "/build/bench.md", report.markdown(result))
  io.write(report.markdown(result))
  local missed, all = report.missed(result)
  io.write(("%d of %d musts met; build/bench.md, build/bench.json\n"):format(all - missed, all))
end

--- Runs the bench.
---@param here string the directory of bench/run
---@param words string[]
---@return integer status 0 unless something could not be run
function M.main(here, words)
  local options = read_arguments(words)
  if options.list then
    for _, line in ipairs(chosen(options.only)) do
      io.write(("%-20s %s\n"):format(line.name, line.title))
    end
    return 0
  end
  local ok, failure = pcall(run, system.absolute(here .. "/.."), options)
  if not ok then io.stderr:write("bench/run: ", tostring(failure), "\n") end
  return ok and 0 or 1
end

return M
