--- Runs the contestants of all lines, interleaved, and keeps what each run has cost.
local contestants = require("contestants")
local process = require("process")
local servers = require("servers")
local system = require("system")

local M = {}

local RUN_WITHIN = 60 -- seconds

---@class bench.Samples one number for each round
---@field cpu number[] seconds
---@field wall number[] seconds
---@field peak number[] bytes
---@field values table<string, number[]> what the program printed

--- Why a contestant cannot run; nil when it can.
local function obstacle(contestant, root)
  if contestant.missing then return contestant.missing end
  local program = contestant.program:gsub("^%$root", root)
  if not contestants.installed(program) then return contestant.program:gsub("^%$root/", "") .. " is not installed" end
end

--- Takes out of the lines what cannot run: whole lines, or single peers with the figures against them.
---@param lines table[]
---@param root string of the tree
---@return table[] runnable
---@return { name: string, title: string, reason: string }[] left_out
function M.sort_out(lines, root)
  local runnable, left_out = {}, {}
  for _, line in ipairs(lines) do
    local reason = line.server and servers.missing(line.server, root)
    reason = reason or line.proxy and servers.missing(line.proxy, root)
    for name, contestant in pairs(line.contestants) do
      local why = obstacle(contestant, root)
      if why and name == "rill" then reason = why end
      contestant.absent = why
    end
    if reason then
      left_out[#left_out + 1] = { name = line.name, title = line.title, reason = reason }
    else
      runnable[#runnable + 1] = line
    end
  end
  return runnable, left_out
end

-- The contestants that run, by name, beginning with another one each round.
local function order(line, round)
  local names, turned = {}, {}
  for name, contestant in pairs(line.contestants) do
    if not contestant.absent then names[#names + 1] = name end
  end
  table.sort(names)
  for i = 1, #names do
    turned[i] = names[(i + round - 2) % #names + 1]
  end
  return turned
end

-- A program may print "not_counted" and seconds of CPU time: those in which it prepares what the others do not need.
local function keep(samples, ended, output)
  local prepared = tonumber(output:match("\nnot_counted ([%d.]+)\n")) or 0
  samples.cpu[#samples.cpu + 1] = ended.cpu - prepared
  samples.wall[#samples.wall + 1] = ended.wall
  samples.peak[#samples.peak + 1] = ended.peak
  for name, number in output:gmatch("([%l_]+) ([%d.]+)\n") do
    samples.values[name] = samples.values[name] or {}
    table.insert(samples.values[name], tonumber(number))
  end
end

---@class bench.Rounds
local Rounds = {}
Rounds.__index = Rounds

function Rounds:_run(line, name)
  local contestant, setting = line.contestants[name], self._setting
  local server = line.servers and line.servers[name] or line.server
  local argv = contestant.arguments {
    url = server and setting.servers:url(server), proxy = line.proxy and setting.servers:url(line.proxy),
    ca = setting.scratch.ca, root = setting.root, scratch = setting.scratch,
  }
  system.pin(setting.client_cpu)
  local ended = process.run(argv, setting.scratch:file("client.out"), line.within or RUN_WITHIN)
  local output = "\n" .. ended:output()
  if not contestant.check(output) then
    error(("%s did not do all its work:\n%s"):format(table.concat(argv, " "), output:sub(-2000)), 0)
  end
  local samples = self._samples[line.name]
  samples[name] = samples[name] or { cpu = {}, wall = {}, peak = {}, values = {} }
  keep(samples[name], ended, output)
end

--- One round: every contestant of every line once, but for lines that want fewer rounds.
---@param round integer from 1
function Rounds:run(round)
  for _, line in ipairs(self._lines) do
    self._samples[line.name] = self._samples[line.name] or {}
    if line.prepare and round == 1 then line.prepare(self._setting.scratch, self._setting.root) end
    if round <= (line.rounds or round) then
      for _, name in ipairs(order(line, round)) do
        self:_run(line, name)
      end
    end
  end
end

--- Measures lines on servers of their own.
---@param root string of the tree
---@param lines table[] runnable ones of `lines`
---@param count integer rounds
---@param cpus integer[] the first is the clients', the last the servers'
---@return table<string, table<string, bench.Samples>> samples by line and contestant
function M.measure(root, lines, count, cpus)
  return servers.during(root, cpus[#cpus], function(files, running)
    local setting = { root = root, scratch = files, servers = running, client_cpu = cpus[1] }
    local all = setmetatable({ _lines = lines, _setting = setting, _samples = {} }, Rounds)
    for round = 1, count do
      local started = system.now()
      all:run(round)
      io.stderr:write(("round %d of %d: %.0f s\n"):format(round, count, system.now() - started))
    end
    return all._samples
  end)
end

return M
