--- An HTTP/2 server written for the occasion, in JavaScript: node's http2 module.
local dkjson = require "dkjson"
local authority = require "support.ca"
local port = require "support.port"
local scratch = require "support.scratch"
local server = require "support.server"
local version = require "support.version"

local M = {}

--- Starts a node server on a free port of 127.0.0.1, which is kept for it, also when it has ended; its `log(object)`
--- calls are `server:events()`.
---@param options { script: string?, source: string?, settings: table?, h2c: boolean?, http1: boolean?, both: boolean?,
---  raw: boolean?,
---  certificate: string?, port: integer?, settings_file: string? }
---  script: a file of spec/support/node ("echo.js" by default);
---  source: JavaScript that sees `server`, `http2`, `log` and `options`; memory: MB of a session; settings:
---  what it announces, in node's names; http1: that alone; both: http/1.1 beside it; raw: bytes over TCP
---@return support.Server
function M.start(options)
  options = options or {}
  local directory, ca = scratch.directory "node", authority.get()
  local script = server.here .. "/node/" .. (options.script or "echo.js")
  if options.source then script = scratch.write(directory .. "/script.js", options.source) end
  local told = dkjson.encode {
    key = ca.key, cert = options.certificate or ca.leaf, script = script, settings = options.settings,
    memory = options.memory,
    h2c = options.h2c or false,
    http1 = options.http1 or version.now ~= "h2" and not (options.both or options.raw), both = options.both or false,
    raw = options.raw or false, port = options.port or port.free(), settings_file = options.settings_file,
  }
  local self, said = server.start_announced("node", { "node", server.here .. "/node/main.js", told }, directory)
  self.port = said.port
  self.url = ("%s://localhost:%d"):format((options.h2c or options.raw) and "http" or "https", said.port)
  self.ca = ca.file
  return self
end

return M
