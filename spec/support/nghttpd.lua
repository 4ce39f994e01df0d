--- nghttpd, nghttp2's own server: files, and a frame by frame account of what it saw.
local lfs = require "lfs"
local authority = require "support.ca"
local port = require "support.port"
local scratch = require "support.scratch"
local server = require "support.server"

local M = {}

--- Starts nghttpd on a free port of 127.0.0.1.
---@param options { files: table<string, string>?, root: string?, h2c: boolean?, port: integer?, verbose: boolean?,
---  max_concurrent_streams: integer?, arguments: string[]? } verbose: `server:output()` tells every frame
---@return support.Server
function M.start(options)
  options = options or {}
  local directory = scratch.directory "nghttpd"
  local root = options.root or directory .. "/root"
  if not options.root then lfs.mkdir(root) end
  for name, content in pairs(options.files or {}) do scratch.write(root .. "/" .. name, content) end
  local number, ca = options.port or port.free(), authority.get()
  local argv = { "nghttpd", "-a", "127.0.0.1", "-d", root }
  if options.verbose then argv[#argv + 1] = "-v" end
  if options.max_concurrent_streams then argv[#argv + 1] = "-m" .. options.max_concurrent_streams end
  for _, word in ipairs(options.arguments or {}) do argv[#argv + 1] = word end
  if options.h2c then argv[#argv + 1] = "--no-tls" end
  argv[#argv + 1] = tostring(number)
  if not options.h2c then argv[#argv + 1], argv[#argv + 2] = ca.key, ca.leaf end
  local self = server.start("nghttpd", argv, directory)
  port.wait(number, self.process)
  self.port, self.root = number, root
  self.url = ("%s://localhost:%d"):format(options.h2c and "http" or "https", number)
  self.ca = ca.file
  return self
end

return M
