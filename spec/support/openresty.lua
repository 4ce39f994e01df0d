--- nginx with Lua inside, of packages that are unpacked under build/ and not installed.
local lfs = require "lfs"
local port = require "support.port"
local process = require "support.process"
local scratch = require "support.scratch"
local server = require "support.server"

local HERE = lfs.currentdir()
local PACKAGES = HERE .. "/build/openresty"

local CONFIG = [[
load_module $packages/usr/lib/nginx/modules/ndk_http_module.so;
load_module $packages/usr/lib/nginx/modules/ngx_http_lua_module.so;
$user
daemon $daemon;
worker_processes $workers;
pid $directory/pid;
error_log $directory/error.log notice;
$main_config
events { $events }
http {
  access_log $directory/access.log;
  client_body_temp_path $directory/temp/body;
  proxy_temp_path $directory/temp/proxy;
  fastcgi_temp_path $directory/temp/fastcgi;
  uwsgi_temp_path $directory/temp/uwsgi;
  scgi_temp_path $directory/temp/scgi;
  lua_package_path "$here/lua/?.lua;$here/lua/?/init.lua;$packages/usr/share/lua/5.1/?.lua;;";
  $http_config
  server {
    listen 127.0.0.1:$port$listen;
    $config
  }
}
]]

local M = {}

---@class support.Openresty: support.Server
---@field private is_daemon boolean?
local Openresty = setmetatable({}, { __index = server.Server })
Openresty.__index = Openresty

-- A text with the values where it has their names; what is none of them is nginx's.
local function filled(text, values)
  return (text:gsub("%$([%w_]+)", values or {}))
end

-- Where the packages have put the LuaJIT that the module needs.
local function libraries()
  for name in lfs.dir(PACKAGES .. "/usr/lib") do
    if name:find "%-linux%-gnu$" then return PACKAGES .. "/usr/lib/" .. name end
  end
end

local function unpack_packages()
  process.run({ ".ci/unpack-listed", PACKAGES }, scratch.directory "unpack" .. "/log")
end

-- It takes the plain library: there is no LD_PRELOAD for one with sanitizers.
local function launch(self, environment, arguments)
  local directory = self.directory
  local words = { "env", "-u", "RILL_LIBRARY", "LD_LIBRARY_PATH=" .. libraries() }
  for _, word in ipairs(environment) do words[#words + 1] = word end
  for _, word in ipairs { "nginx", "-p", directory, "-c", directory .. "/nginx.conf", "-e", directory .. "/error.log",
    unpack(arguments or {}) } do words[#words + 1] = word end
  self.process = server.start("openresty", words, directory).process
  if self.is_daemon then
    assert(self.process:wait(30) == 0, self.process:output())
    self.process = process.adopt(tonumber(scratch.read(directory .. "/pid")), "nginx: master")
  end
  port.wait(self.port, self.process)
  self.url = ("http://127.0.0.1:%d"):format(self.port)
  return setmetatable(self, Openresty)
end

--- Starts it on a free port of 127.0.0.1, in clear text.
---@param options { config: string, http_config: string?, values: table?, main_config: string?, events: string?,
---  workers: integer?, port: integer?, connections: string?, listen: string?, user: string?, daemon: boolean? } lines
---  for the server, the http block, and what is around them; values: for $NAME in the first two; connections: instead
---  of many; user: of the workers, where this process is root's; daemon: it leaves its parent
---@return support.Openresty
function M.start(options)
  unpack_packages()
  local directory = scratch.directory "openresty"
  assert(lfs.mkdir(directory .. "/temp"))
  local self = { directory = directory, port = options.port or port.free(), is_daemon = options.daemon }
  local daemon = options.daemon and "on" or "off"
  local user = scratch.is_root and ("user %s;"):format(options.user or "root") or ""
  local values = { packages = PACKAGES, here = HERE, directory = directory, port = self.port,
    daemon = daemon, user = user, workers = options.workers or 1, config = filled(options.config, options.values),
    http_config = filled(options.http_config or "", options.values),
    main_config = options.main_config or "",
    listen = options.listen and " " .. options.listen or "",
    events = (options.events or "") .. (options.connections or " worker_connections 4096;") }
  scratch.write(directory .. "/nginx.conf", filled(CONFIG, values))
  return launch(self, {})
end

--- Starts it with a whole configuration, which loads no module and names `port`, from a folder of its own.
---@param options { text: string, port: integer, files: table<string, string>, environment: string[]? } environment:
---  words for env(1), whose variables the workers see
---@return support.Openresty
function M.start_whole(options)
  unpack_packages()
  local directory = scratch.directory "openresty"
  for name, content in pairs(options.files) do scratch.write(directory .. "/" .. name, content) end
  scratch.write(directory .. "/nginx.conf", options.text)
  local globals = { scratch.is_root and "user root;" or "" }
  for _, module in ipairs { "ndk_http_module", "ngx_http_lua_module" } do
    globals[#globals + 1] = ("load_module %s/usr/lib/nginx/modules/%s.so;"):format(PACKAGES, module)
  end
  local path = ("%s/lua/?.lua;%s/lua/?/init.lua;%s/usr/share/lua/5.1/?.lua;;"):format(HERE, HERE, PACKAGES)
  local words = { "LUA_PATH=" .. path }
  for _, word in ipairs(options.environment or {}) do
    globals[#globals + 1] = ("env %s;"):format(word:match "^[^=]+")
    words[#words + 1] = word
  end
  local self = { directory = directory, port = options.port }
  return launch(self, words, { "-g", "daemon off; " .. table.concat(globals, " ") })
end

--- Its workers now, those that are being replaced as well.
---@return integer[] pids
function Openresty:workers()
  local list, pid = {}, self.process.pid
  for child in scratch.read(("/proc/%d/task/%d/children"):format(pid, pid)):gmatch "%d+" do
    list[#list + 1] = tonumber(child)
  end
  return list
end

-- Its own 500 page says nothing: why it came is in the error log.
local function with_reasons(self, text)
  if not text:find("<title>500 Internal Server Error</title>", 1, true) then return text end
  return text .. "\n" .. self:errors()
end

--- What a GET of it gives, within a minute; empty where nothing came. Behind nginx's 500 page: errors().
---@param path string
---@return string
function Openresty:get(path)
  return self:ask { self.url .. path }
end

--- What curl gives with these arguments.
---@param arguments string[]
---@return string
function Openresty:ask(arguments)
  local out = self.directory .. "/answer"
  process.start({ "curl", "-s", "-m", "60", unpack(arguments) }, out):wait(400)
  local text = scratch.read(out)
  os.remove(out)
  return with_reasons(self, text)
end

--- What a POST of it gives.
---@param path string
---@param body string
---@return string
function Openresty:post(path, body)
  return self:ask { "--data-binary", body, self.url .. path }
end

--- What is in its error log that is no notice.
---@return string
function Openresty:errors()
  local list, keeps = {}, false
  for line in self:log():gmatch "[^\n]+" do -- an error may have several lines: only the first has its level
    local level = line:match "^%d+/%d+/%d+ %S+ %[(%l+)%]"
    if level then keeps = level ~= "notice" end
    if keeps then list[#list + 1] = line end
  end
  return table.concat(list, "\n")
end

--- Its error log so far.
---@return string
function Openresty:log()
  return scratch.read(self.directory .. "/error.log")
end

return M
