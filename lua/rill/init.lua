--- rill: HTTP/2 for scripts that crawl. The public table; README and docstrings say what is in it.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local hooks = require("rill.core.hooks")
local runtime = require("rill.runtime")
local task = require("rill.task")
local timer = require("rill.task.timer")

local M = hooks.public -- on_warning and on_error are fields of it: scripts assign them

M.version = ffi.string(C.rill_version())
M.runtime = runtime.name
M.cancelled = require("rill.task.cancelled")

M.run = task.run
M.spawn = task.spawn
M.all = require("rill.task.all")
M.map = require("rill.task.map")
M.queue = require("rill.task.queue").new
M.semaphore = require("rill.task.semaphore")
M.signal = require("rill.task.signal")
M.wait = require("rill.task.wait")
M.sleep = timer.sleep
M.now = timer.now
M.timeout = timer.timeout

M.client = require("rill.client").new
M.connect = require("rill.connection").connect
M.streaming = require("rill.core.upload").streaming
M.url = require("rill.url")
M.html = require("rill.html")
M.form = require("rill.form")
M.json = require("rill.json").body
M.multipart = require("rill.multipart")
M.cookies = require("rill.cookies")
M.robots = require("rill.robots")
M.sitemap = require("rill.sitemap")

-- What stands in a message where a function was called with a colon.
return setmetatable(M, {
  __tostring = function()
    return "the module rill (its functions are called with a dot)"
  end,
})
