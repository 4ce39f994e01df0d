--- rill: HTTP/2 for scripts that crawl. The public table; doc/reference and docstrings say what is in it.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local hooks = require("rill.core.hooks")
local lazy = require("rill.core.lazy")

require("rill.errors") -- here, not with the first client: all that follows raises by it

---@class rill
local M = hooks.public -- on_warning and on_error are fields of it: scripts assign them

M.version = ffi.string(C.rill_version())
M.cancelled = require("rill.task.cancelled")

local LATER = {
  runtime = "rill.runtime name",
  run = "rill.task run",
  spawn = "rill.task spawn",
  sleep = "rill.task.timer sleep",
  now = "rill.task.timer now",
  timeout = "rill.task.timer timeout",
  client = "rill.client new",
  all = "rill.task.all",
  map = "rill.task.map",
  queue = "rill.task.queue new",
  semaphore = "rill.task.semaphore",
  signal = "rill.task.signal",
  wait = "rill.task.wait",
  connect = "rill.connection connect",
  streaming = "rill.core.upload streaming",
  url = "rill.url",
  use = "rill.runtime.use",
  html = "rill.html",
  har = "rill.har",
  form = "rill.form",
  json = "rill.json body",
  multipart = "rill.multipart",
  cookies = "rill.cookies",
  robots = "rill.robots",
  sitemap = "rill.sitemap",
}

-- What stands in a message where a function was called with a colon.
return setmetatable(M, {
  __index = lazy.fields(LATER),
  __tostring = function()
    return "the module rill (its functions are called with a dot)"
  end,
})
