-- A generated site of COUNT pages with a state in SQLite: what its last pages cost, over those that come first. MORE is
-- the state. The machine's speed drifts by half within the minute that this takes, so the first pages are crawled anew,
-- right after the last ones, with a state of their own. The pages that the first one names, of which many come at once,
-- are left out on both sides.
local crawl = require("rill.crawl")
local program = require("program")

local PART = 0.01 -- of the pages, at both ends

local part = math.max(1000, math.floor(program.count * PART))

-- Crawls at least `pages` pages. Returns what the first part cost, without the very first, and what the last part did:
-- CPU seconds a page.
local function crawl_pages(pages, max_pages)
  for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(program.more .. ending) end
  local marks = {} -- pages, CPU seconds
  local done = assert(crawl {
    start = program.url:gsub("^https", "http"), state = program.more, robots = false, progress = false,
    traps = { per_host = 0, per_shape = 0, same_run = 0 }, client = { h2c = true, protocols = { "h2" } },
    per_origin = { concurrency = 64, adaptive = false }, page = function() end, max_pages = max_pages,
    stop = function(stats)
      local mark = marks[#marks]
      if not mark or stats.pages - mark[1] >= part then marks[#marks + 1] = { stats.pages, os.clock() } end
      return false
    end,
  })
  assert(done.ok >= pages, done.ok .. " pages")
  local function cost(a, b)
    return (marks[b][2] - marks[a][2]) / (marks[b][1] - marks[a][1])
  end
  return cost(2, 3), cost(#marks - 1, #marks)
end

local _, last = crawl_pages(program.count)
collectgarbage()
local first = crawl_pages(4 * part, 4 * part)

program.done(program.count, { times_growth = last / first })
