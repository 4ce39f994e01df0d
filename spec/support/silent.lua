--- What the specs of silent peers share: a hostile server for the cases about one stream, others by case.
local support = require "support"

local RECOVERING = require("support.server").here .. "/cases/recovering.py"

local M = {}

local function client_of(server, options)
  local all = { tls = { ca_file = server.ca } }
  for name, value in pairs(options or {}) do all[name] = value end
  return support.client(all)
end

--- A server of one case, and a client that trusts it.
---@param case string
---@param options table? the client's
function M.hostile(case, options)
  local server = support.hostile { case = case, extra = RECOVERING }
  return server, client_of(server, options)
end

--- Starts a server that answers the path of every case about one stream. Returns what stops it, and a
--- function from such a case (and a client's options) to its URL and a client.
function M.shared()
  local server = support.hostile { case = "silent-after-headers" }
  local function of_stream(case, options)
    local url = server.url:gsub("[^/]+$", case)
    return url, client_of(server, options)
  end
  return function() server:stop() end, of_stream
end

--- Fails unless a request timed out in that phase; returns the error.
function M.assert_timeout(phase, res, err)
  assert(res == nil, "it did not time out")
  assert(err.reason == "timeout", ("%s, not timeout"):format(err.reason))
  assert(err.phase == phase, ("phase %s, not %s"):format(err.phase, phase))
  return err
end

--- Asks until that times out in the phase, and returns the error: where a machine stands still, an earlier phase may
--- take all the time there is, but not each time.
---@param phase string
---@param ask fun(): any, rill.Error?
function M.wait_timeout(phase, ask)
  return support.tries(5, function()
    local res, err = ask()
    assert(res == nil, "it did not time out")
    assert(err.reason == "timeout", ("%s, not timeout"):format(err.reason))
    return err.phase == phase and err
  end, "a timeout in phase " .. phase)
end

--- What server:wait_events takes: the event of that name for that path.
function M.ended(name, path)
  return function(event) return event.event == name and event.path == path end
end

return M
