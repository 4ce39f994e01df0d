--- Crawls a site, and goes on where it was when it was stopped, killed, or the power failed. Each page is written once.
--- usage: luajit resuming.lua https://example.com/ SITE.crawl PAGES.jsonl
--- Ctrl-C ends it in good order; start it again with the same words.
local crawl = require("rill.crawl")

local start, state, file = arg[1], arg[2], arg[3]

local done, err = crawl {
  start = start,
  state = state, -- one SQLite file: what was seen, what waits, and how long the output was at each commit
  out = file,
  page = function(page) page:emit { url = page.url, title = page.title } end,
}
if not done then error(tostring(err)) end -- err.kind "locked": another process crawls with this file
print(("%d pages so far: %s"):format(done.pages, done.reason))
