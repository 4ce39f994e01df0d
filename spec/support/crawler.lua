-- Crawls as it is told, in a process of its own that may be killed: luajit crawler.lua URL CA DIRECTORY
package.path = "./lua/?.lua;./lua/?/init.lua;" .. package.path
local crawl = require "rill.crawl"

local url, ca, directory = unpack(arg)
local done, err = crawl {
  start = url .. "/", client = { tls = { ca_file = ca } }, state = directory .. "/site.crawl", robots = false,
  progress = false, per_origin = { concurrency = 32 }, traps = false, skipped = directory .. "/skipped.jsonl",
  out = { directory .. "/out.jsonl", directory .. "/out.csv", directory .. "/out.sqlite#pages" },
}
if not done then
  io.stderr:write(tostring(err), "\n")
  os.exit(4)
end
print(done.reason, done.pages)
