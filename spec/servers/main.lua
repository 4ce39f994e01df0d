--- luajit spec/servers/main.lua [NAME...]: servers that people run, over HTTP/1.1, one after another: what is asked of
--- each, and what came of it. Those that are not installed are passed over. Exit status 1: something was not answered.
package.path = "./lua/?.lua;./lua/?/init.lua;./spec/?.lua;" .. package.path

local rill = require "rill"
local servers = require "servers.list"
local support = require "support"
local trials = require "servers.trials"

local failures = 0

local function line(server, what, ...)
  io.write(("%-20s %-18s "):format(server.name, what), ("%d of %d %s\n"):format(...))
end

local function try(server)
  local client = rill.client { protocols = { "http/1.1" }, retries = 0, read_timeout = 20 }
  for _, trial in ipairs(trials) do
    local good, asked, first = trial[2](client, server, 1)
    if asked > 0 then line(server, trial[1], good, asked, first or "") end
    failures = failures + asked - good
  end
  local stats = client:stats()
  line(server, "connections", stats.connections_opened, stats.attempts, "attempts")
  client:close()
end

for _, server in servers.each(arg) do
  rill.run(try, server)
  server.process:stop()
end
support.stop_all()
os.exit(failures == 0 and 0 or 1)
