--- The command bench/traces.
local jit_v = require("jit.v")
local servers = require("servers")
local system = require("system")

local M = {}

local WORKERS, WARM_UP, STEADY = 100, 30000, 100000 -- requests

-- Fetches, with what the compiler says in `warm_up`, then in `steady`: nothing starts or ends in between.
local function fetch(rill, client, prefix, warm_up, steady)
  local taken, tasks = 0, {}
  local function work()
    while taken < WARM_UP + STEADY do
      taken = taken + 1
      if taken == WARM_UP then jit_v.on(steady) end
      if taken == WARM_UP + STEADY then jit_v.off() end
      local response = assert(client:get(prefix .. taken % 256 .. "?n=" .. taken))
      assert(response.status == 200 and response.headers["last-modified"] and #response.body == 1024)
    end
    return true
  end
  jit_v.on(warm_up)
  for i = 1, WORKERS do
    tasks[i] = rill.spawn(work)
  end
  for i = 1, WORKERS do
    assert(tasks[i]:join())
  end
end

-- Lines of jit.v: "[TRACE   7 (2/1) task.lua:90 return]", "[TRACE --- (2/1) task.lua:90 -- NYI: ...]" for an abort.
local function read(log)
  local lines, aborts, traces = io.open(log):lines(), {}, 0
  for line in lines do
    if line:find("^%[TRACE %-%-%-") then
      aborts[#aborts + 1] = line
    elseif line:find("^%[TRACE +%d") then
      traces = traces + 1
    elseif line:find("^%[TRACE flush") then
      aborts[#aborts + 1] = line -- all machine code was thrown away
    end
  end
  return traces, aborts
end

local function run(root)
  package.path = ("%s/lua/?.lua;%s/lua/?/init.lua;"):format(root, root) .. package.path
  local rill = require("rill")
  local traces, aborts, later, bad
  servers.during(root, system.cpus()[1], function(files, running)
    local warm_up, steady = files:file("warm_up.jit"), files:file("steady.jit")
    local prefix = ("https://localhost:%d/1k-"):format(running:port("nghttpd"))
    rill.run(function()
      local client = rill.client { tls = { ca_file = files.ca } }
      fetch(rill, client, prefix, warm_up, steady)
    end)
    traces, aborts = read(warm_up)
    later, bad = read(steady)
  end)
  print(("warm-up: %d traces, %d aborts in %d requests; then %d traces, %d aborts in %d"):format(traces, #aborts,
    WARM_UP, later, #bad, STEADY))
  for _, line in ipairs(bad) do
    print(line)
  end
  return #bad
end

---@param here string the directory of bench/traces
---@return integer status 1 when the compiler gave up in the steady state
function M.main(here)
  local ok, bad = pcall(run, system.absolute(here .. "/.."))
  if not ok then io.stderr:write("bench/traces: ", tostring(bad), "\n") end
  return ok and bad == 0 and 0 or 1
end

return M
