--- The flags of rill crawl: one for each option of a crawl that can be written down.
local common = require("rill.cli.common")
local traps = require("rill.crawl.traps")

local M = {}

local function set_of(...)
  local set = {}
  for _, name in ipairs { ... } do set[name] = true end
  return set
end

---@type rill.cli.Flag[] by subject
local GROUPS = {
  { "What is asked for",
    { "--allow", "S", "scope: host, host:port, .host, URL prefix with * and $", many = true },
    { "--deny", "S", "the same, left out; wins over --allow", many = true },
    { "--depth", "N", "links away from a start URL", kind = "whole" },
    { "--follow", false, "follow links (on)", negated = true },
    { "--links", "pages|all|TAG,...", "which links are followed (pages)" },
    { "--nofollow", false, "heed nofollow of pages and links (on)", negated = true },
    { "--canonical", "follow|skip|ignore", "what a canonical link means (follow)",
      of = set_of("follow", "skip", "ignore") },
    { "--robots", false, "heed robots.txt (on)", negated = true },
    { "--robots-agent", "S", "whose rules hold there (the user agent up to /)" },
    { "--robots-wait", "S", "seconds to wait for one that fails (3600)", kind = "number" },
    { "--sitemaps", "robots|auto|URL,...", "which sitemaps are read (robots)", negated = true },
    { "--types", "all|TYPE,...", "bodies that are read (html,xhtml)" },
    { "--maxsize", "BYTES", "of a body (16M)", kind = "size" },
    { "--deny-private", false, "no private addresses but the start URLs' own (on)", key = "client.deny_private",
      negated = true },
  },
  { "When it ends",
    { "--max-pages", "N", "pages in all", kind = "whole" },
    { "--max-items", "N", "items in all", kind = "whole" },
    { "--max-bytes", "BYTES", "bytes in all", kind = "size" },
    { "--max-time", "S", "seconds in all", kind = "number" },
    { "--max-failed", "N", "pages that failed", kind = "whole" },
    { "--drain", "S", "seconds that what is in flight may take then (30)", kind = "number" },
    { "--fail-above", "P", "status 3 if more than P percent of the pages failed", kind = "number", key = "fail_above" },
  },
  { "How fast",
    { "--concurrency", "N", "pages in flight (64)", kind = "whole" },
    { "--per-origin", "N", "pages in flight of one origin (4)", key = "per_origin.concurrency", kind = "whole" },
    { "--delay", "S", "seconds between two pages of one origin (0)", key = "per_origin.delay", kind = "number" },
    { "--jitter", "N", "share of the delay that is left to chance (0.5)", key = "per_origin.jitter", kind = "number" },
    { "--adaptive", false, "slow down where a server does (on)", key = "per_origin.adaptive", negated = true },
    { "--crawl-delay", false, "heed Crawl-delay of robots.txt (on)", key = "per_origin.crawl_delay", negated = true },
    { "--retry-after-max", "S", "longest Retry-After that is waited for (3600)", key = "per_origin.retry_after_max",
      kind = "number" },
    { "--retries", "N", "repeats of what fails (3)", kind = "whole" },
    { "--retry-status", "N,...", "statuses that are tried again", kind = "numbers" },
  },
  { "What makes two URLs one",
    { "--key.sort-query", false, "order of the query does not count (on)", key = "key.sort_query", negated = true },
    { "--key.drop", "NAME,...", "query names that do not count (utm_*,gclid,...)", key = "key.drop", kind = "list" },
    { "--key.slash", false, "a last slash does not count", key = "key.slash", negated = true },
    { "--key.www", false, "a leading www. does not count", key = "key.www", negated = true },
    { "--key.fragment", false, "the fragment counts", key = "key.fragment", negated = true },
  },
  { "What comes of it",
    { "--out", "FILE", "items: .jsonl, .csv, .sqlite#table, - (-)", many = true, kind = "path" },
    { "--format", "jsonl|csv|sqlite", "of --out, whatever its name", of = set_of("jsonl", "csv", "sqlite") },
    { "--fields", "NAME,...", "columns of a CSV file", kind = "list" },
    { "--append", false, "add to files that are there" },
    { "--save", "DIR", "bodies as files", kind = "path" },
    { "--warc", "PREFIX", "everything as WARC files", kind = "path" },
    { "--har", "FILE", "the last 10,000 requests as HAR", kind = "path" },
    { "--waterfall", "FILE", "the same as a page that draws them", kind = "path" },
    { "--skipped", "FILE", "URLs that were not asked for, and why", kind = "path" },
    { "--stats", "FILE", "the counters, as JSON", kind = "path" },
    { "--progress", false, "a line now and then (on a terminal)", negated = true },
  },
  { "What is kept",
    { "--state", "FILE|URL", "go on where the last run with it has ended", many = true },
    { "--recrawl", "S", "ask again for what is older than S seconds, or for all", optional = true, kind = "number" },
    { "--unchanged", "deliver", "hand over pages that are as they were", of = set_of "deliver" },
    { "--remember", false, "what a recrawl needs (on)", negated = true },
    { "--durable", "process|power", "what no crash loses (process)", of = set_of("process", "power") },
    { "--expect", "N", "URLs that there may be (1000000)", kind = "whole" },
    { "--worker", "NAME", "of this process, where several share a state" },
    { "--lease", "S", "seconds that a worker may be silent (120)", kind = "number" },
    { "--unreachable", "S", "seconds that a state may be (300)", kind = "number" },
  },
}

local TRAPS = {
  url_length = "bytes of a URL", segments = "segments of a path", repeats = "times that a segment repeats",
  params = "parameters of a query", per_host = "URLs of a host", per_path = "queries of a path",
  per_shape = "URLs alike but for digits", same_run = "pages of a shape whose bodies are known", redirects = "in a row",
}

local function trap_flags()
  local names, list = {}, { "Traps (0 or --no-...: none)" }
  for name in pairs(TRAPS) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    list[#list + 1] = { "--traps." .. name:gsub("_", "-"), "N", ("%s (%d)"):format(TRAPS[name], traps.DEFAULTS[name]),
      key = "traps." .. name, kind = "whole", negated = true }
  end
  list[#list + 1] = { "--traps", false, "no limit of these at all", key = "traps", off = true }
  return list
end

--- Headings and flags, in the order of the help.
M.groups = {}
for _, group in ipairs(GROUPS) do M.groups[#M.groups + 1] = group end
M.groups[#M.groups + 1] = trap_flags()
local asking = { "Requests" }
for _, list in ipairs { common.request_flags, common.flags } do
  for _, flag in ipairs(list) do asking[#asking + 1] = flag end
end
M.groups[#M.groups + 1] = asking

--- All of them.
M.all = {}
for _, group in ipairs(M.groups) do
  for i = 2, #group do M.all[#M.all + 1] = group[i] end
end

return M
