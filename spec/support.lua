--- Real servers for the specs, each on a free loopback port, ready when the call returns.
-- Every server has `url` (without a path, but for `hostile`), `port`, `ca` (the file to trust), `events()`, `output()`
-- and `stop()`. What a spec does not stop ends with the process.
local clean = require "support.clean"
local deadline = require "support.deadline"
local process = require "support.process"
local scratch = require "support.scratch"
local server = require "support.server"
local tcp = require "support.tcp"

local M = {
  here = server.here, -- this folder, support/
  ca = require("support.ca").get,
  nginx = require("support.nginx").start,
  nghttpd = require("support.nghttpd").start,
  node = require("support.node").start,
  openresty = require("support.openresty").start,
  hostile = require("support.hostile").start,
  http1 = require("support.http1").start,
  redis = require("support.redis").start,
  fleet = require("support.fleet").start,
  dns = require("support.dns").start,
  delay = require("support.delay").start,
  make = require "support.make",
  tcp = tcp.start,
  refused = tcp.refused,
  content = require("support.nginx").content,
  free_port = require("support.port").free,
  wait = deadline.wait,
  tries = require "support.tries",
  directory = scratch.directory,
  write = scratch.write,
  read = scratch.read,
  find = scratch.find,
  client = clean.client,
  connect = clean.connect,
  counters = clean.counters,
  begin = clean.begin,
  check_clean = clean.check,
  stop_all = process.stop_all,
}

local SPEC_SECONDS = 120 -- what hangs ends; nothing that works takes nearly as long, on a busy machine either

--- Runs `fn` as a task, and fails when it takes longer than a spec may.
---@param fn function
---@param seconds number? 120, and never less
---@return any ... what fn returns
function M.run(fn, seconds)
  local rill = require "rill"
  local limit = math.max(seconds or 0, SPEC_SECONDS)
  return rill.run(function()
    local done = false
    local function last(...)
      if not done then error(("the spec took longer than %g s"):format(limit), 0) end
      return ...
    end
    return last(rill.timeout(limit, function()
      local function finish(...)
        done = true
        return ...
      end
      return finish(fn())
    end))
  end)
end

return M
