--- rill: HTTP/2 for scripts that crawl. The public table; README and docstrings say what is in it.
local ffi = require("ffi")
local C = require("rill.clib")
local hooks = require("rill.hooks")
local runtime = require("rill.runtime")
local task = require("rill.task")
local timer = require("rill.timer")

local M = hooks.public -- on_warning and on_error are fields of it: scripts assign them

M.version = ffi.string(C.rill_version())
M.runtime = runtime.name
M.cancelled = require("rill.cancelled")

M.run = task.run
M.spawn = task.spawn
M.all = require("rill.all")
M.map = require("rill.map")
M.queue = require("rill.queue").new
M.semaphore = require("rill.semaphore")
M.signal = require("rill.signal")
M.sleep = timer.sleep
M.now = timer.now
M.timeout = timer.timeout

M.client = require("rill.client").new
M.connect = require("rill.connection").connect
M.streaming = require("rill.upload").streaming
M.url = require("rill.url")

return M
