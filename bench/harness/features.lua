--- The command bench/features. All of these features are in librill: its own instructions tell what they cost, while
--- those of the whole program depend on how the peer's answers happen to be cut into pieces.
local process = require("process")
local servers = require("servers")
local system = require("system")

local M = {}

local FEW, MANY = 4000, 14000 -- requests; the difference is without start, handshake and compilation
local RUN_WITHIN = 120 -- seconds

-- What can be turned off, and how.
local FEATURES = {
  { "timeout of the call", "timeout=0" },
  { "idle timeout of the connection", "idle_timeout=0" },
  { "ping before reuse", "ping_after=0" },
  { "limits of the body's size", "maxsize=0,warnsize=0" },
  { "bound of what is buffered", "max_buffered=0" },
  { "repeating what was lost", "retries=0,retry_idempotent=false" },
}

-- Instructions by object file, of a file that callgrind wrote: "ob=(3) /usr/lib/x.so" or "ob=(3)" says where those
-- after it belong, a line that begins with a position ends with its cost; what follows "calls=" is the callee's.
local function read_objects(path)
  local names, costs, object, callee = {}, {}, nil, false
  for line in io.lines(path) do
    local id, name = line:match("^c?ob=(%(%d+%))%s*(.*)$")
    if id then
      if name ~= "" then names[id] = name end
      if line:sub(1, 2) == "ob" then object = id end
    elseif line:find("^calls=") then
      callee = true
    elseif line:find("^[%d+*-]") then
      if not callee then costs[object] = (costs[object] or 0) + tonumber(line:match(" (%d+)$") or 0) end
      callee = false
    end
  end
  local rill, all = 0, 0
  for id, cost in pairs(costs) do
    all = all + cost
    if names[id]:find("librill", 1, true) then rill = rill + cost end
  end
  assert(rill > 0, "callgrind saw nothing of librill")
  return rill, all
end

-- Instructions of one program: librill's own, and all.
local function count(place, requests, options)
  local out = place.files:file("callgrind.out")
  process.run({ "setarch", "-R", "valgrind", "--quiet", "--tool=callgrind", "--callgrind-out-file=" .. out, "luajit",
    place.root .. "/bench/get_with.lua", place.url .. "/1k-", place.files.ca, tostring(requests), options },
    place.files:file("client.out"), RUN_WITHIN)
  return read_objects(out)
end

local function of_request(place, options)
  local rill_many, all_many = count(place, MANY, options)
  local rill_few, all_few = count(place, FEW, options)
  return (rill_many - rill_few) / (MANY - FEW), (all_many - all_few) / (MANY - FEW)
end

local function measure(place)
  local all_off = {}
  for i, feature in ipairs(FEATURES) do
    all_off[i] = feature[2]
  end
  local rill_on, all_on = of_request(place, "")
  print("| turned off | option | all instructions | librill's | less | of all |\n|---|---|---|---|---|---|")
  print(("| nothing | | %.0f | %.0f | | |"):format(all_on, rill_on))
  local function row(name, options)
    local own, all = of_request(place, options)
    print(("| %s | `%s` | %.0f | %.0f | %.0f | %.1f %% |"):format(name, options, all, own, rill_on - own,
      (rill_on - own) / all_on * 100))
  end
  for _, feature in ipairs(FEATURES) do
    row(feature[1], feature[2])
  end
  row("all of these", table.concat(all_off, ","))
  row("nothing, once more: how far runs differ", "")
end

local function run(root)
  assert(system.line_of("command -v valgrind"), "valgrind is not installed")
  system.prepare(root)
  servers.during(root, system.cpus()[1], function(files, running)
    measure { root = root, files = files, url = ("https://localhost:%d"):format(running:port("nghttpd")) }
  end)
end

---@param here string the directory of bench/features
---@return integer status
function M.main(here)
  return system.attempt("bench/features", run, here)
end

return M
