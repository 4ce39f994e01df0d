--- The servers of the soak: 50 origins on a few real ones, and what happens to them.
local hostile = require "support.hostile"
local port = require "support.port"
local support = require "support"

local M = {}

local SMALL, LARGE = 2000, 300000 -- bytes
local FILES = { small = support.content(SMALL), large = support.content(LARGE) }

-- Cases that a port stands for: how connections fail.
local PORT_CASES = {
  "accept-close", "tls-garbage", "tls-alert", "tls-self-signed", "alpn-http1-only", "settings-missing",
  "http2-text-405", "close-after-handshake", "goaway-on-every-connection", "goaway-halfway-through-a-batch",
  "settings-limit-shrinks", "settings-header-table-zero", "settings-zero-streams-then-100",
}
-- Stream cases that take a machine for themselves.
local TOO_HEAVY = { ["body-256mib"] = true, ["body-256mib-over-maxsize"] = true, ["gzip-bomb"] = true }

-- Adds `count` hosts that lead to a server; `paths` are what may be asked of them.
local function add(world, count, server, paths, kind)
  for _ = 1, count do
    local host = ("h%d.soak"):format(#world.origins + 1)
    world.origins[#world.origins + 1] = { url = "https://" .. host, paths = paths, kind = kind }
    world.resolve[host .. ":443"] = "127.0.0.1:" .. server.port
  end
end

local function stream_cases()
  local paths = {}
  for _, case in ipairs(hostile.cases()) do
    if case.level == "stream" and not TOO_HEAVY[case.name] then paths[#paths + 1] = "/case/" .. case.name end
  end
  return paths
end

-- Ends a server at once, and starts it again on its port after a while.
local function replacing(world, name, start)
  return function(rill)
    world.servers[name].process:signal(math.random() < 0.5 and "KILL" or "TERM")
    world.servers[name].process:wait(5)
    rill.sleep(math.random() * 2)
    world.servers[name] = start(world.servers[name].port)
  end
end

--- Starts the servers.
---@return table world origins, resolve, ca_pem, and disturbances by name: functions that are given rill
function M.start()
  local world = { origins = {}, resolve = {}, servers = {}, disturbances = {} }
  local servers, disturb = world.servers, world.disturbances

  local function start_nginx(at) return support.nginx { files = FILES, keepalive_requests = 500, port = at } end
  local function start_nghttpd(at) return support.nghttpd { files = FILES, port = at, max_concurrent_streams = 20 } end
  local function start_node(at) return support.node { port = at } end
  local function start_bed(at) return support.hostile { case = "baseline-small", port = at } end

  local steady, reloaded = start_nginx(), start_nginx()
  servers.nghttpd, servers.node, servers.bed = start_nghttpd(), start_node(), start_bed()
  local files, echo = { "/small", "/small", "/large" }, { "/echo", "/size?n=70000", "/slow?ms=50", "/hold" }
  add(world, 12, steady, files, "good")
  add(world, 10, reloaded, files, "reloaded")
  add(world, 8, servers.nghttpd, files, "killed")
  add(world, 6, servers.node, echo, "killed")
  add(world, 6, servers.bed, stream_cases(), "hostile")
  disturb.reload = function() reloaded:reload() end
  for name, start in pairs { nghttpd = start_nghttpd, node = start_node, bed = start_bed } do
    disturb[name] = replacing(world, name, start)
  end
  for i = 1, 7 do
    local name, number = "case " .. i, port.free()
    local function start_case()
      return support.hostile { case = PORT_CASES[math.random(#PORT_CASES)], port = number }
    end
    servers[name] = start_case()
    add(world, 1, servers[name], { "/x" }, "hostile")
    disturb[name] = replacing(world, name, start_case)
  end
  add(world, 1, { port = port.free() }, { "/x" }, "dead")
  assert(#world.origins == 50)
  world.ca_pem = support.read(steady.ca) .. support.read(servers.bed.ca)
  return world
end

return M
