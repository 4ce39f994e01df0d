-- A whole site, from its first page; MORE is a state, or "-": none.
local crawl = require("rill.crawl")
local program = require("program")

local LEAST = 2500 -- pages

local state = program.more ~= "-" and program.more or nil
for _, ending in ipairs { "", "-wal", "-shm" } do os.remove((state or "-") .. ending) end
local done = assert(crawl {
  start = program.url, state = state, robots = false, progress = false, traps = false,
  client = { tls = { ca_file = program.ca } }, per_origin = { concurrency = 64, adaptive = false },
  page = function(page) page:emit { url = page.url, title = page.title } end, out = "/dev/null",
})
assert(done.pages >= LEAST and done.failed == 0, done.pages .. " pages, " .. done.failed .. " failed")
print("pages " .. done.pages)
program.done(1)
