--- The command bench/instructions: what one GET of 1 KiB takes, of rill and of h2load, over 100 streams.
local callgrind = require("callgrind")
local scratch = require("scratch")
local servers = require("servers")
local system = require("system")

local M = {}

local FEW, MANY = 4000, 14000 -- requests
local LISTED = 4000 -- URLs of the list that h2load goes through again and again: as many as get_listed.lua has

local LINES = {
  { title = "one URL", program = "get_1k", path = "/1k-0", server = "nghttpd", must = 1.5, aim = 1.4 },
  { title = "every URL distinct, of a list", program = "get_listed", path = "/1k-", server = "nghttpd", must = 1.6,
    aim = 1.5, listed = true },
  { title = "every URL distinct, made by the script", program = "get_distinct", path = "/1k-", server = "nghttpd",
    must = 1.6, aim = 1.5, listed = true },
  { title = "22 response headers", program = "get_1k", path = "/1k-0", server = "nginx_22" },
}

local function of_rill(place, line)
  return callgrind.per_unit(place.files, FEW, MANY, function(requests)
    return { "luajit", ("%s/bench/%s.lua"):format(place.root, line.program), line.url .. line.path, place.files.ca,
      tostring(requests) }
  end)
end

-- The same URLs as get_listed.lua has.
local function write_list(files, url)
  local urls = {}
  for i = 1, LISTED do urls[i] = ("%s/1k-%d?n=%d\n"):format(url, i % 256, i) end
  local path = files:file("urls")
  scratch.write(path, table.concat(urls))
  return "-i" .. path
end

local function of_h2load(place, line)
  local what = line.listed and write_list(place.files, line.url) or line.url .. "/1k-0"
  local _, all = callgrind.per_unit(place.files, FEW, MANY, function(requests)
    return { "h2load", "-n" .. requests, "-c1", "-m100", "-t1", what }
  end)
  return all
end

local function verdict(line, ratio)
  if not line.must then return "" end
  return ratio <= line.aim and "aim met" or ratio <= line.must and "met" or "**MISSED**"
end

local function measure(place, running)
  print("| GET 1 KiB, 100 streams: instructions | rill | librill's own | h2load | ratio | must | aim | |")
  print("|---|---|---|---|---|---|---|---|")
  for _, line in ipairs(LINES) do
    line.url = "https://localhost:" .. running:port(line.server)
    local own, all = of_rill(place, line)
    local theirs = of_h2load(place, line)
    print(("| %s | %.0f | %.0f | %.0f | **%.2f** | %s | %s | %s |"):format(line.title, all, own, theirs, all / theirs,
      line.must and "<= " .. line.must or "", line.aim and "<= " .. line.aim or "", verdict(line, all / theirs)))
  end
end

local function run(root)
  system.prepare(root)
  servers.during(root, system.cpus()[1], function(files, running)
    measure({ root = root, files = files }, running)
  end)
end

---@param here string the directory of bench/instructions
---@return integer status
function M.main(here)
  return system.attempt("bench/instructions", run, here)
end

return M
