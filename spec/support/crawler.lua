-- Crawls in a process of its own that may be killed: luajit crawler.lua URL CA DIRECTORY [NAME [STATE WORKER]]
package.path = "./lua/?.lua;./lua/?/init.lua;" .. package.path
local crawl = require "rill.crawl"

local url, ca, directory, name, state, worker = unpack(arg)
local done, err = crawl {
  start = url .. "/", client = { tls = { ca_file = ca }, user_agent = name }, robots = false,
  state = state or directory .. "/site.crawl", worker = worker,
  lease = 60, progress = false, per_origin = { concurrency = 32 }, traps = false,
  skipped = directory .. "/skipped.jsonl",
  out = { directory .. "/out.jsonl", directory .. "/out.csv", directory .. "/out.sqlite#pages" },
}
if not done then
  io.stderr:write(tostring(err), "\n")
  os.exit(4)
end
print(done.reason, done.pages)
