--- Runs the bodies of a spec file once more, with servers and clients that speak another version of HTTP.
local server = require "support.server"
local support = require "support"
local version = require "support.version"

--- To be called where `describe` is.
---@param file string below spec/, without "_spec.lua"
---@param now string as ALPN has it
---@param passed_over string[] names of what is only true of HTTP/2
---@param busted table the environment of the spec that calls
return function(file, now, passed_over, busted)
  local skip = {}
  for _, name in ipairs(passed_over) do skip[name] = true end
  local function it(name, fn)
    if not skip[name] then return busted.it(name, fn) end
  end
  busted.describe(("%s, over %s:"):format(file, now), function()
    local client, connect = support.client, support.connect
    busted.setup(function()
      version.now = now
      support.client = function(options) return client(version.applied(options)) end
      support.connect = function(url, options) return connect(url, version.applied(options)) end
    end)
    busted.teardown(function()
      version.now, support.client, support.connect = "h2", client, connect
    end)
    local chunk = assert(loadfile(server.here .. "/../" .. file .. "_spec.lua"))
    setfenv(chunk, setmetatable({ it = it }, { __index = busted }))()
  end)
end
