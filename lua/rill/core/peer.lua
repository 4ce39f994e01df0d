--- Who is at the other end of a connection: asked once, while the connection lives, and shared by all
--- responses that came over it.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local certificate = require("rill.core.certificate")
local runtime = require("rill.runtime")

local M = {}

local info = ffi.new("rill_peer_info")

---@class rill.Peer
---@field ip_address string "" for a Unix socket
---@field port integer
---@field protocol string "h2", "h2c" or "http/1.1"
---@field tls {version: string, cipher: string, resumed: boolean}?
---@field certificate rill.Certificate? read on first use
---@field der string? what it is read of
local Peer = {}

function Peer:__index(name)
  if name ~= "certificate" or not self.der then return nil end
  local read = certificate.parse(self.der)
  self.certificate = read
  return read
end

-- By slot of the connection. Weak: what nobody's response needs any more is asked for again.
local peers = setmetatable({}, { __mode = "v" })

--- Asks the core about a connection.
---@param slot integer
---@param generation integer
---@return rill.Peer? peer nil when it has gone
local function ask(slot, generation)
  if C.rill_peer_info_get(runtime.loop(), slot, generation, info) ~= 0 then return nil end
  local peer = setmetatable({
    generation = generation,
    ip_address = ffi.string(info.ip_address),
    port = info.port,
    protocol = ffi.string(info.protocol),
  }, Peer)
  if info.certificate ~= nil then peer.der = ffi.string(info.certificate, info.certificate_length) end
  if info.tls_version ~= nil then
    peer.tls = {
      version = ffi.string(info.tls_version),
      cipher = ffi.string(info.cipher),
      resumed = info.resumed,
    }
  end
  peers[slot] = peer
  return peer
end

--- The peer of the connection that an event names.
---@param slot integer
---@param generation integer 0: no connection
---@return rill.Peer|false
function M.of(slot, generation)
  local peer = peers[slot]
  if peer and peer.generation == generation then return peer end
  return generation ~= 0 and ask(slot, generation) or false
end

return M
