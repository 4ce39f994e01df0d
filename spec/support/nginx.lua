--- nginx with a private configuration: files over HTTP/2 with TLS, and what it logged.
local lfs = require "lfs"
local authority = require "support.ca"
local deadline = require "support.deadline"
local port = require "support.port"
local scratch = require "support.scratch"
local server = require "support.server"
local version = require "support.version"

local CONFIG = [[
$user
daemon off;
worker_processes 1;
pid $directory/pid;
error_log $directory/error.log notice;
events { worker_connections 1024; }
http {
  default_type application/octet-stream;
  types { text/html html; text/plain txt; application/json json; }
  client_body_temp_path $directory/temp/body;
  proxy_temp_path $directory/temp/proxy;
  fastcgi_temp_path $directory/temp/fastcgi;
  uwsgi_temp_path $directory/temp/uwsgi;
  scgi_temp_path $directory/temp/scgi;
  log_format spec escape=json '{"method":"$request_method","uri":"$request_uri","status":$status,'
    '"host":"$http_host","user_agent":"$http_user_agent","protocol":"$server_protocol",'
    '"connection":$connection,"connection_requests":$connection_requests,"sent":$body_bytes_sent,'
    '"completion":"$request_completion"}';
  access_log $directory/access.log spec;
  client_max_body_size 0;
  keepalive_requests $keepalive_requests;
  $http_config
  server {
    listen 127.0.0.1:$port ssl$http2;
    server_name localhost;
    ssl_certificate $certificate;
    ssl_certificate_key $key;
    root $root;
    $config
  }
}
]]

local M = {}

---@class support.Nginx: support.Server
---@field root string
local Nginx = setmetatable({}, { __index = server.Server })
Nginx.__index = Nginx

local function write_files(root, files)
  for name, content in pairs(files) do
    if type(content) == "number" then content = M.content(content) end
    scratch.write(root .. "/" .. name, content)
  end
end

--- Text of a given size that differs from place to place, so that a gap or a repeat shows.
---@param size integer bytes
---@return string
function M.content(size)
  local lines = {}
  for i = 0, math.ceil(size / 16) - 1 do lines[#lines + 1] = ("%015d\n"):format(i) end
  return table.concat(lines):sub(1, size)
end

-- Writes the configuration from the options this server was started with.
local function configure(self)
  local options = self.options
  local values = {
    user = scratch.is_root and "user root;" or "", directory = self.directory, root = self.root, port = self.port,
    http2 = (options.http2 == false or version.now ~= "h2") and "" or " http2",
    keepalive_requests = options.keepalive_requests or 1000000, http_config = options.http_config or "",
    config = options.config or "", certificate = options.certificate or authority.get().leaf,
    key = options.key or authority.get().key,
  }
  -- what is no name of ours ($uri and its kind) stays as it is
  scratch.write(self.directory .. "/nginx.conf", (CONFIG:gsub("%$([%w_]+)", values)))
end

--- Starts nginx on a free port of 127.0.0.1.
---@param options { root: string?, files: table<string, string|integer>?, config: string?, http_config: string?,
---  http2: boolean?, keepalive_requests: integer?, certificate: string?, key: string?, port: integer? }
---  files: content, or a size in bytes;
---  config: lines for the server block, http_config: for the http block
---@return support.Nginx
function M.start(options)
  options = options or {}
  local directory = scratch.directory "nginx"
  assert(lfs.mkdir(directory .. "/temp"))
  local root = options.root or directory .. "/root"
  local self = { directory = directory, port = options.port or port.free(), options = options, root = root }
  if not options.root then lfs.mkdir(root) end
  write_files(root, options.files or {})
  configure(self)
  local started = server.start("nginx", { "nginx", "-c", directory .. "/nginx.conf", "-e", directory .. "/error.log" },
                               directory)
  self.process = started.process
  port.wait(self.port, self.process)
  self.url = ("https://localhost:%d"):format(self.port)
  self.ca = authority.get().file
  return setmetatable(self, Nginx)
end

--- Takes new options (those not given stay) and waits until the new worker runs.
---@param options table? as for start, but for `files` and `root`
function Nginx:reload(options)
  for name, value in pairs(options or {}) do self.options[name] = value end
  configure(self)
  local function retired() -- workers that have closed their listening sockets
    return select(2, scratch.read(self.directory .. "/error.log"):gsub("gracefully shutting down", ""))
  end
  local before = retired()
  self.process:signal "HUP"
  deadline.wait(function() return retired() > before end, 5, "nginx to reload")
end

--- The requests it has answered: method, uri, status, host, user_agent, protocol, connection (number),
--- connection_requests (which one on it), sent (body bytes), completion ("OK" when sent whole).
---@return table[]
function Nginx:events()
  local file = io.open(self.directory .. "/access.log", "rb")
  if not file then return {} end
  local text = file:read "*a"
  file:close()
  return server.json_lines(text)
end

--- Waits until `count` requests are in the access log; returns all that are.
---@param count integer
---@return table[]
function Nginx:wait_log(count)
  return self:wait_events(function() return true end, count)
end

return M
