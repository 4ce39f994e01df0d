--- What the rounds of bench/openresty have shown: rill against each other way, by the medians of the rounds' ratios.
local statistics = require("statistics")

local M = {}

local OWN = "rill"

-- What must be reached. Where lua-resty-http is missing, the client of cosockets stands for it: it is held to what it
-- costs less.
local PEERS = {
  { name = "resty_http", title = "lua-resty-http", rate = 1.3, cpu = 0.6 },
  { name = "cosocket", title = "a client of cosockets that knows this one answer", stands_for = "resty_http" },
  { name = "proxy_pass", title = "proxy_pass", cpu = 1.0 },
}

-- Lines "ROUND NAME REQUESTS-PER-SECOND NANOSECONDS".
local function read(file)
  local rounds = {}
  for line in file:lines() do
    local round, name, rate, cpu = line:match("^(%d+) (%S+) (%S+) (%d+)$")
    round = tonumber(round)
    rounds[round] = rounds[round] or {}
    rounds[round][name] = { rate = tonumber(rate), cpu = tonumber(cpu) }
  end
  return rounds
end

-- The rounds' ratios of one figure.
local function ratios(rounds, name, figure)
  return statistics.summary(statistics.each(#rounds, function(i)
    return rounds[i][OWN][figure] / rounds[i][name][figure]
  end))
end

local function musts_of(peer, rounds)
  for _, other in ipairs(PEERS) do
    if other.name == peer.stands_for and not rounds[1][other.name] then return other end
  end
  return peer
end

local function shown(summary, must, is_met)
  local text = ("%.2f (%.2f to %.2f"):format(summary.median, summary.low, summary.high)
  if not must then return text .. ")" end
  return ("%s, must %.1f: %s)"):format(text, must, is_met and "met" or "MISSED")
end

--- Prints a line for each of the other ways.
---@param path string
function M.report(path)
  local file = assert(io.open(path))
  local rounds = read(file)
  file:close()
  for _, peer in ipairs(PEERS) do
    if rounds[1][peer.name] then
      local must = musts_of(peer, rounds)
      local rate, cpu = ratios(rounds, peer.name, "rate"), ratios(rounds, peer.name, "cpu")
      print(("rill beside %s: %s times its requests, at %s of its CPU"):format(peer.title,
        shown(rate, must.rate, must.rate and rate.median >= must.rate),
        shown(cpu, must.cpu, must.cpu and cpu.median <= must.cpu)))
    end
  end
end

return M
