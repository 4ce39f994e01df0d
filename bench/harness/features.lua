--- The command bench/features. All of these features are in librill: its own instructions tell what they cost, while
--- those of the whole program depend on how the peer's answers happen to be cut into pieces.
local callgrind = require("callgrind")
local servers = require("servers")
local system = require("system")

local M = {}

local FEW, MANY = 4000, 14000 -- requests; the difference is without start, handshake and compilation

-- What can be turned off, and how.
local FEATURES = {
  { "timeout of the call", "timeout=0" },
  { "idle timeout of the connection", "idle_timeout=0" },
  { "ping before reuse", "ping_after=0" },
  { "limits of the body's size", "maxsize=0,warnsize=0" },
  { "bound of what is buffered", "max_buffered=0" },
  { "repeating what was lost", "retries=0,retry_idempotent=false" },
}

-- Instructions of one GET: librill's own, and all.
local function of_request(place, options)
  return callgrind.per_unit(place.files, FEW, MANY, function(requests)
    return { "luajit", place.root .. "/bench/get_with.lua", place.url .. "/1k-", place.files.ca, tostring(requests),
      options }
  end)
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
  local _, counted = of_request(place, "on_event=count")
  print(("\non_event that counts: %.0f more, %.1f %%"):format(counted - all_on, (counted - all_on) / all_on * 100))
end

local function run(root)
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
