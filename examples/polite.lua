--- Crawls a site politely into a CSV file: robots.txt is heeded, two pages at a time, half a second apart.
--- usage: luajit polite.lua https://example.com/ PAGES.csv [SECONDS between two pages]
local crawl = require("rill.crawl")

local start, file, seconds = arg[1], arg[2], tonumber(arg[3] or "0.5")

local done, err = crawl {
  start = start,
  client = { user_agent = "example-crawler (+https://example.org/crawler)" }, -- say who you are, and where to complain
  per_origin = { concurrency = 2, delay = seconds },
  max_pages = 1000,
  out = file,
  page = function(page)
    page:emit { url = page.url, title = page.title, links = #page:links() }
  end,
}
if not done then error(tostring(err)) end
print(("%d pages, %d failed"):format(done.pages, done.failed))
