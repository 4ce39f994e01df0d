--- The servers of spec/servers/main.lua: each with a configuration of its own, in clear text on a free port. Packages:
--- nginx, nodejs, golang-go, apache2-bin, caddy, haproxy, lighttpd, python3.
local lfs = require "lfs"
local port = require "support.port"
local process = require "support.process"
local scratch = require "support.scratch"

local NGINX = [[
$user
daemon off; worker_processes 1; pid $directory/pid; error_log $directory/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path $directory/t1; proxy_temp_path $directory/t2; fastcgi_temp_path $directory/t3;
  uwsgi_temp_path $directory/t4; scgi_temp_path $directory/t5; client_max_body_size 0;
  keepalive_timeout $keepalive; keepalive_requests $requests;
  server {
    listen 127.0.0.1:$port; root $root;
    location /post { return 200 "ok"; }
  }
}
]]

local APACHE = [[
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
ServerRoot $directory
PidFile $directory/pid
ErrorLog $directory/error.log
Listen 127.0.0.1:$port
ServerName localhost
DocumentRoot $root
KeepAliveTimeout 1
MaxKeepAliveRequests 50
]]

local LIGHTTPD = [[
server.port = $port
server.bind = "127.0.0.1"
server.document-root = "$root"
server.errorlog = "$directory/error.log"
server.max-keep-alive-requests = 50
server.max-keep-alive-idle = 1
mimetype.assign = ( "" => "text/plain" )
]]

local HAPROXY = [[
global
  log stderr local0 err
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout http-keep-alive 1s
frontend f
  bind 127.0.0.1:$port
  default_backend b
backend b
  server s 127.0.0.1:$behind
]]

local NODE = [[
const fs = require("fs"), [root, port] = process.argv.slice(2);
const server = require("http").createServer((request, response) => {
  if (request.url === "/trailers") {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("hello");
    response.addTrailers({ "x-sum": "abc" });
    return response.end();
  }
  if (request.method === "POST") {
    let length = 0;
    request.on("data", (chunk) => { length += chunk.length; });
    return request.on("end", () => response.end("got " + length));
  }
  const stat = fs.statSync(root + request.url), when = stat.mtime.toUTCString();
  if (request.headers["if-modified-since"] === when) return response.writeHead(304).end();
  response.writeHead(200, { "last-modified": when });
  request.method === "HEAD" ? response.end() : fs.createReadStream(root + request.url).pipe(response);
});
server.keepAliveTimeout = 1000;
server.maxRequestsPerSocket = 50;
server.listen(Number(port), "127.0.0.1");
]]

local GO = [[
package main

import (
  "io"
  "net/http"
  "os"
  "time"
)

func main() {
  files := http.FileServer(http.Dir(os.Args[1]))
  http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
    if r.Method == "POST" {
      io.Copy(io.Discard, r.Body)
      w.Write([]byte("ok"))
      return
    }
    files.ServeHTTP(w, r)
  })
  http.HandleFunc("/trailers", func(w http.ResponseWriter, r *http.Request) {
    w.Header().Set("Trailer", "X-Sum")
    w.Write([]byte("hello"))
    w.Header().Set("X-Sum", "abc")
  })
  server := http.Server{Addr: "127.0.0.1:" + os.Args[2], IdleTimeout: time.Second}
  server.ListenAndServe()
}
]]

local FILES = { small = 1024, big = 300 * 1024 }

local M = {}

-- Starts a program once its files are written; { program, arguments... }.
local function start(made, argv)
  made.process = process.start(argv, made.directory .. "/output")
  port.wait(made.port, made.process)
end

local function written(made, name, text, more)
  local values = { user = scratch.is_root and "user root;" or "", directory = made.directory, root = made.root,
    port = made.port }
  for key, value in pairs(more or {}) do values[key] = value end
  return scratch.write(made.directory .. "/" .. name, (text:gsub("%$(%l+)", values)))
end

local function nginx(keepalive, requests)
  return { needs = "nginx", post = "/post", start = function(made)
    local path = written(made, "conf", NGINX, { keepalive = keepalive, requests = requests })
    start(made, { "nginx", "-c", path, "-e", made.directory .. "/error.log" })
  end }
end

local function python(protocol)
  return { needs = "python3", start = function(made)
    start(made, { "/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "--protocol", protocol, "-d",
      made.root, tostring(made.port) })
  end }
end

local LIST = {
  { "nginx", nginx("1s", 1000) },
  { "nginx, 10 requests", nginx("1s", 10) },
  { "nginx, close", nginx("0", 1000) },
  { "Apache", { needs = "apache2", start = function(made)
    start(made, { "apache2", "-f", written(made, "conf", APACHE), "-D", "FOREGROUND" })
  end } },
  { "lighttpd", { needs = "lighttpd", start = function(made)
    start(made, { "lighttpd", "-D", "-f", written(made, "conf", LIGHTTPD) })
  end } },
  { "Caddy", { needs = "caddy", start = function(made)
    start(made, { "caddy", "file-server", "--root", made.root, "--listen", "127.0.0.1:" .. made.port })
  end } },
  { "HAProxy", { needs = "haproxy", post = "/post", start = function(made)
    local behind = { directory = made.directory, root = made.root, port = port.free() }
    nginx("60s", 100000).start(behind)
    start(made, { "haproxy", "-db", "-f", written(made, "proxy", HAPROXY, { behind = behind.port }) })
  end } },
  { "node", { needs = "node", post = "/post", trailers = "/trailers", start = function(made)
    start(made, { "node", written(made, "server.js", NODE), made.root, tostring(made.port) })
  end } },
  { "Go", { needs = "go", post = "/post", trailers = "/trailers", start = function(made)
    local program = made.directory .. "/server"
    process.run({ "env", "GOCACHE=" .. made.directory .. "/cache", "GO111MODULE=off", "go", "build", "-o", program,
      written(made, "server.go", GO) }, made.directory .. "/build")
    start(made, { program, made.root, tostring(made.port) })
  end } },
  { "python, HTTP/1.0", python "HTTP/1.0" },
  { "python, HTTP/1.1", python "HTTP/1.1" },
}

local function is_installed(program)
  return os.execute(("command -v %s >/dev/null 2>&1"):format(program)) == 0
end

--- The servers of these names (none: all), each started when its turn comes.
---@param names string[]
---@return fun(): integer?, table its number and { name, url, process, post: string?, trailers: string? }
function M.each(names)
  local wanted, any = {}, false
  for _, name in ipairs(names) do wanted[name], any = true, true end
  return coroutine.wrap(function()
    for i, entry in ipairs(LIST) do
      local name, kind = entry[1], entry[2]
      if any and not wanted[name] then
        kind = nil
      elseif not is_installed(kind.needs) then
        io.write(("%-22s not installed: %s\n"):format(name, kind.needs))
        kind = nil
      end
      if kind then
        local directory = scratch.directory "server"
        local made = { name = name, directory = directory, root = directory .. "/root", port = port.free(),
          post = kind.post, trailers = kind.trailers }
        lfs.mkdir(made.root)
        for file, size in pairs(FILES) do scratch.write(made.root .. "/" .. file, ("x"):rep(size)) end
        kind.start(made)
        made.url = ("http://127.0.0.1:%d"):format(made.port)
        coroutine.yield(i, made)
      end
    end
  end)
end

return M
