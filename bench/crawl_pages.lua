-- A generated site of COUNT pages, from its first one; MORE is a state in SQLite, or "-": it is kept in memory.
local crawl = require("rill.crawl")
local program = require("program")

local state = program.more ~= "-" and program.more or nil
for _, ending in ipairs { "", "-wal", "-shm" } do os.remove((state or "-") .. ending) end
local done = assert(crawl {
  start = program.url:gsub("^https", "http"), state = state, robots = false, progress = false, traps = false,
  client = { h2c = true, protocols = { "h2" } }, per_origin = { concurrency = 64, adaptive = false },
  page = function() end,
})
assert(done.ok >= program.count and done.failed == 0, done.ok .. " pages, " .. done.failed .. " failed")
program.done(program.count)
