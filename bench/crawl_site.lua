-- A whole site, from its first page; MORE is how many pages it has at least, a blank, and a state or "-": none. A state
-- "redis:DIRECTORY" is a Redis that is started for it; its CPU does not count here.
local crawl = require("rill.crawl")
local program = require("program")

local least, state = program.more:match "^(%d+) (.*)$"
if state == "-" then state = nil end
for _, ending in ipairs { "", "-wal", "-shm" } do os.remove((state or "-") .. ending) end
local directory = state and state:match "^redis:(.*)$"
local redis = directory and ("redis-cli -s '%s/redis' "):format(directory)
if redis then
  os.execute(("redis-server --daemonize yes --port 0 --unixsocket '%s/redis' --save '' --dir '%s' >/dev/null"):format(
    directory, directory))
  repeat until os.execute(redis .. "ping >/dev/null 2>&1") == 0
  state = ("redis+unix://%s/redis?name=site"):format(directory)
end
local done = assert(crawl {
  start = program.url, state = state, robots = false, progress = false, traps = false,
  client = { tls = { ca_file = program.ca } }, per_origin = { concurrency = 64, adaptive = false },
  page = function(page) page:emit { url = page.url, title = page.title } end, out = "/dev/null",
})
assert(done.pages >= tonumber(least) and done.failed == 0, done.pages .. " pages, " .. done.failed .. " failed")
if redis then os.execute(redis .. "shutdown nosave") end
print("pages " .. done.pages)
program.done(1)
