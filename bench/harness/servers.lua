--- The servers of the bench, started when a line first needs them: each on a free port of 127.0.0.1.
local process = require("process")
local scratch = require("scratch")
local system = require("system")

local M = {}

local READY_WITHIN = 10 -- seconds
local STARTS = 3 -- of one server
local PAGES = tonumber(os.getenv "RILL_BENCH_PAGES") or 1000000 -- of the largest site that is crawled
local WIDTH = 1000 -- pages that its first one names; each other brings one new page
local DELAY, SITE = "/build/bench_delay", "/build/bench_site" -- `make bench` builds them

-- nghttpd with one thread; windows that do not hold an upload back.
local function nghttpd(streams)
  return function(files, port)
    return { "nghttpd", "-n1", "-w24", "-W24", "-m" .. streams, "-a", "127.0.0.1", "-d", files.root, tostring(port),
      files.key, files.certificate }
  end
end

-- A way to another server that holds every byte back, there and back; `connect`: a proxy, which is asked for it.
local function delay(milliseconds, connect)
  return function(_, port, target, root)
    return { root .. DELAY, tostring(port), tostring(target), tostring(milliseconds), connect }
  end
end

-- $extra headers beside the seven that nginx sends of itself with a file.
local NGINX = [[
daemon off;
master_process off;
worker_rlimit_nofile 8192;
pid $path/nginx.pid;
error_log $path/nginx.log error;
events { worker_connections 4096; }
http {
  access_log off;
  default_type application/octet-stream;
  client_body_temp_path $path/temp/body;
  proxy_temp_path $path/temp/proxy;
  fastcgi_temp_path $path/temp/fastcgi;
  uwsgi_temp_path $path/temp/uwsgi;
  scgi_temp_path $path/temp/scgi;
  open_file_cache max=1000;
  ssl_certificate $certificate;
  ssl_certificate_key $key;
  ssl_protocols TLSv1.2 TLSv1.3;
  root $root;
  server {
    listen 127.0.0.1:$port $protocol backlog=4096;
    $settings
  }
}
]]

local function nginx(settings, protocol)
  return function(files, port)
    local values = { path = files.path, root = files.root, key = files.key, certificate = files.certificate,
      port = port, settings = settings, protocol = protocol or "ssl http2" }
    local config = files:file(("nginx-%d.conf"):format(port))
    scratch.write(config, (NGINX:gsub("%$([%w_]+)", values)))
    return { "nginx", "-c", config, "-e", files:file("nginx.log") }
  end
end

local HEADERS_22 = { "keepalive_requests 1000000000;" }
for i = 1, 15 do
  HEADERS_22[#HEADERS_22 + 1] = ('add_header x-bench-%d "value number %d of some length";'):format(i, i)
end

-- Files in 1,000 streams at once, of which none says how long it is: what may be replaced in them has no length yet.
local UNANNOUNCED = [[
http2_max_concurrent_streams 1000;
    sub_filter_types *;
    sub_filter "no file has this" "";]]

-- Pages that are made as they are asked for.
local function generated(...)
  local numbers = { ... }
  return function(_, port, _, root)
    local argv = { root .. SITE, tostring(port) }
    for i, number in ipairs(numbers) do argv[i + 2] = tostring(number) end
    return argv
  end
end

-- The same, on all processors: for crawls that have all of them.
local function anywhere(command)
  return function(...)
    return { "taskset", "-c", ("0-%d"):format(tonumber(system.line_of("nproc --all")) - 1), unpack(command(...)) }
  end
end

-- How to start each of them.
local SERVERS = {
  nghttpd = { program = "nghttpd", command = nghttpd(100) },
  nghttpd_wide = { program = "nghttpd", command = nghttpd(10000) },
  far_20ms = { program = "nghttpd", built = DELAY, command = delay(10), behind = "nghttpd" },
  far_2s = { program = "nghttpd", built = DELAY, command = delay(1000), behind = "nghttpd_wide" },
  site = { built = SITE, command = generated(PAGES, 10, WIDTH) },
  shared_site = { built = SITE, command = generated(16000, 20) },
  workers_site = { program = "taskset", built = SITE, command = anywhere(generated(16000, 20)) },
  workers_text_site = { program = "taskset", built = SITE, command = anywhere(generated(16000, 20, 0, 16384)) },
  workers_long_site = { program = "taskset", built = SITE, command = anywhere(generated(48000, 20)) },
  small_sites = { built = SITE, command = generated(5, 4) },
  sites = { built = SITE, command = generated(20, 4) },
  nginx_html = { program = "nginx", command = nginx("keepalive_requests 1000000000; types { text/html html; }") },
  nginx_clear = { program = "nginx", command = nginx("keepalive_requests 1000000000;", ""), scheme = "http" },
  -- A plain way to it, and one through CONNECT, by the same program: what arrives comes alike.
  relay = { program = "nginx", built = DELAY, command = delay(0), behind = "nginx_html" },
  relay_proxy = { program = "nginx", built = DELAY, command = delay(0, "connect"), behind = "nginx_html",
    scheme = "http" },
  nginx_22 = { program = "nginx", command = nginx(table.concat(HEADERS_22, "\n    ")) },
  -- Files that were compressed before.
  nginx_gzip = { program = "nginx", command = nginx("keepalive_requests 1000000000; gzip_static on;") },
  nginx_unannounced = { program = "nginx", command = nginx(UNANNOUNCED) },
  -- One request a connection, and every handshake a full one.
  nginx_full = { program = "nginx",
    command = nginx("keepalive_requests 1; ssl_session_tickets off; ssl_session_cache off;") },
  -- One request a connection; its tickets may be used again.
  nginx_resumed = { program = "nginx", command = nginx("keepalive_requests 1; ssl_session_tickets on;") },
}

M.PAGES = PAGES

for exponent = 3, 6 do
  SERVERS["site_" .. 10 ^ exponent] = { built = SITE, command = generated(10 ^ exponent, 10) }
end

---@class bench.Servers
local Servers = {}
Servers.__index = Servers

--- Why a server cannot be used; nil when it can.
---@param name string
---@param root string of the tree
---@return string?
function M.missing(name, root)
  local server = SERVERS[name]
  if server.program and not system.line_of("command -v " .. server.program) then
    return server.program .. " is not installed"
  end
  if server.built and not system.line_of(("command -v '%s%s'"):format(root, server.built)) then
    return server.built:sub(2) .. " is not built (make bench does it)"
  end
end

--- The URL of a server, which is started if need be.
---@param name string
---@return string url without a path
function Servers:url(name)
  return ("%s://localhost:%d"):format(SERVERS[name].scheme or "https", self:port(name))
end

-- Starts a server on a free port, which another program may take before it: nil and why where it does not listen.
function Servers:_start(name, target)
  local port = system.free_port()
  local argv = SERVERS[name].command(self._files, port, target, self._root)
  local server = process.start_server(argv, self._files:file(name .. ".out"))
  self._running[#self._running + 1] = server
  local deadline = system.now() + READY_WITHIN
  while not system.listens(port) do
    if server:ended() or system.now() > deadline then
      return nil, ("%s does not listen:\n%s"):format(table.concat(argv, " "), server:output())
    end
    system.sleep(0.01)
  end
  return port
end

--- The port of a server, which is started if need be.
---@param name string
---@return integer port
function Servers:port(name)
  if self._ports[name] then return self._ports[name] end
  local behind = SERVERS[name].behind
  local target = behind and self:port(behind)
  system.pin(self._cpu)
  local port, why
  for _ = 1, STARTS do
    port, why = self:_start(name, target)
    if port then break end
  end
  self._ports[name] = port or error(why, 0)
  return port
end

function Servers:stop()
  for _, server in ipairs(self._running) do
    server:stop()
  end
end

--- Calls `fn` with scratch files and servers, which are gone when it has returned or raised.
---@param root string of the tree
---@param cpu integer where the servers run
---@param fn fun(files: bench.Scratch, running: bench.Servers): any
---@return any result of `fn`
function M.during(root, cpu, fn)
  local files = scratch.new()
  local running = setmetatable({ _files = files, _cpu = cpu, _root = root, _ports = {}, _running = {} }, Servers)
  local ok, result = pcall(fn, files, running)
  running:stop()
  files:remove()
  if not ok then error(result, 0) end
  return result
end

return M
