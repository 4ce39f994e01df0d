--- That a spec left nothing behind: no stream, connection, dial, timer or descriptor.
local ffi = require "ffi"
local lfs = require "lfs"
local deadline = require "support.deadline"
local port = require "support.port"
local process = require "support.process"

local M = {}
local COUNTED = { "clients", "origins", "connections", "dials", "requests", "timers", "signals", "events" }
local SECONDS = 10
local DIAL_SECONDS = 60 -- a hundred handshakes at once on a busy machine may take longer than the default
local PING_SECONDS = 60 -- a server that has no processor time for a while is not lost
local clients, descriptors, servers, ports = {}, nil, nil, nil

local function open_descriptors()
  local count = 0
  for _ in lfs.dir "/proc/self/fd" do count = count + 1 end
  return count
end

local function loop()
  return require("rill.runtime").loop()
end

--- Notes what is open and runs now: for before_each.
function M.begin()
  servers, ports = process.running(), port.taken()
  loop() -- its own descriptors are not the spec's
  collectgarbage()
  descriptors = open_descriptors()
end

-- What is not given: the spec CA is trusted, and a dial and an answer to PING have time.
local function completed(options)
  local all = { tls = { ca_file = require("support.ca").get().file }, connect_timeout = DIAL_SECONDS,
    ping_timeout = PING_SECONDS }
  for name, value in pairs(options or {}) do all[name] = value end
  return all
end

--- Makes a client that check() closes. It trusts the spec CA unless `tls` is given.
---@param options table? as for rill.client
function M.client(options)
  local client = require("rill").client(completed(options))
  clients[#clients + 1] = client
  return client
end

--- Makes a connection that check() closes, in a task. It trusts the spec CA unless `tls` is given.
---@param url string
---@param options table? as for rill.connect
---@return rill.Connection?
---@return rill.Error? err
function M.connect(url, options)
  local connection, err = require("rill").connect(url, completed(options))
  clients[#clients + 1] = connection
  return connection, err
end

--- What the loop holds, by name, and the `bytes` of its memory that are in use.
---@return table<string, number>
function M.counters()
  local counters = ffi.new "rill_counters"
  require("rill.clib").rill_loop_counters(loop(), counters)
  local held = { bytes = counters.bytes }
  for _, name in ipairs(COUNTED) do held[name] = counters[name] end
  return held
end

-- Names with their count, of what is not zero.
local function left()
  local list = {}
  local held = M.counters()
  for _, name in ipairs(COUNTED) do
    if held[name] ~= 0 then list[#list + 1] = ("%d %s"):format(held[name], name) end
  end
  local more = open_descriptors() - descriptors - (port.taken() - ports)
  if more > 0 then list[#list + 1] = ("%d descriptors"):format(more) end
  return table.concat(list, ", ")
end

--- Closes the clients made here, raises unless everything is gone soon, stops the servers started and
--- releases the ports taken since begin(): for after_each.
function M.check()
  local rill = require "rill"
  for _, client in ipairs(clients) do client:close() end
  clients = {}
  jit.flush() -- compiled code keeps the closures it was made for, and what they hold
  collectgarbage()
  collectgarbage() -- what the first round's finalizers let go
  local gone = pcall(deadline.wait, function()
    rill.run(rill.sleep, 0.001) -- the loop has to turn for things to end
    return left() == ""
  end, SECONDS)
  process.stop_all(servers)
  port.release(ports)
  if not gone then error("left behind: " .. left(), 2) end
end

return M
