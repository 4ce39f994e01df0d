-- Crawls, then prints how many KiB of its memory want large pages: for spec/crawl/large_pages_spec.lua.
local crawl = require "rill.crawl"

assert(crawl { start = "http://127.0.0.1:1/", robots = false, retries = 0, progress = false, out = function() end })
local size, wanted = 0, 0
for line in io.lines "/proc/self/smaps" do
  size = tonumber(line:match "^Size:%s+(%d+) kB" or size)
  if line:find "^VmFlags:.* hg" then wanted = wanted + size end
end
print(("large %d"):format(wanted))
