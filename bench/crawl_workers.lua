-- What three workers of one crawl gain over one, where all processors are theirs, Redis' and the site's. MORE is how
-- many pages the site has, a blank, and a directory; "worker" and a state: it is one of them. A worker looks at its
-- pages as scripts do that take something from them: by CSS selectors.
--   times_three   time of three workers over time of one. Each starts, and compiles its code, so a short crawl gains
--                 least, and a long one shows what sharing costs; pages of text, 16 KiB each, are what a worker works
--                 at, and Redis and the site hardly: see doc/performance.md
--   times_busy    processors that those three have kept busy, with Redis; the rest of all of them is the site's
local crawl = require("rill.crawl")
local ffi = require("ffi")
local program = require("program")
local rill = require("rill")

ffi.cdef [[
typedef struct { long sec, usec; } bench_time;
typedef struct { bench_time user, system; long others[14]; } bench_usage;
int getrusage(int who, bench_usage *usage);
]]

local CHILDREN = -1 -- RUSAGE_CHILDREN
local FIELDS = { "title::text", "a:first-of-type::attr(href)", "a:nth-of-type(2)::text", "a:last-of-type::attr(href)" }
local ANYWHERE = "taskset -c 0-$(($(nproc --all) - 1)) " -- this process has been given one processor
local least, directory = program.more:match "^(%w+) (.*)$"
local socket = directory .. "/redis"

local function redis(words)
  return program.redis(socket, words)
end

-- CPU seconds of all programs that were started here and have ended, and of Redis.
local function cpu()
  local usage = ffi.new("bench_usage")
  ffi.C.getrusage(CHILDREN, usage)
  local user, system, text = usage.user, usage.system, redis("info cpu")
  return tonumber(user.sec + system.sec) + tonumber(user.usec + system.usec) / 1e6
    + tonumber(text:match "used_cpu_user:([%d.]+)") + tonumber(text:match "used_cpu_sys:([%d.]+)")
end

-- What a script takes from a page.
local function take_fields(page)
  local item = { url = page.url }
  for i, selector in ipairs(FIELDS) do item[i] = page:css(selector)[1] end
  page:emit(item)
end

local function work(state)
  local done = assert(crawl { start = program.url:gsub("^https", "http"), robots = false, progress = false,
    traps = false, client = { h2c = true, protocols = { "h2" } }, state = state, expect = 1e5, page = take_fields,
    out = function() end, per_origin = { concurrency = 256, adaptive = false } })
  assert(done.pages >= 1, done.pages .. " pages")
end

-- Seconds that so many workers need together, on any processor, and processors that they and Redis have kept busy.
local function time_of(count)
  redis("flushall")
  local words, began, before = {}, rill.now(), cpu()
  for i = 1, count do
    words[i] = ("%s luajit '%s' '%s' '%s' 1 'worker redis+unix://%s?name=site' >/dev/null &"):format(ANYWHERE, arg[0],
      program.url, program.ca, socket)
  end
  os.execute(table.concat(words, " ") .. " wait")
  local took = rill.now() - began
  assert(tonumber(redis("hget {site}:stats pages")) >= tonumber(least))
  return took, (cpu() - before) / took
end

if least == "worker" then
  work(directory)
  return program.done(1)
end
os.execute(("%s redis-server --daemonize yes --port 0 --unixsocket '%s' --save '' --dir '%s' >/dev/null"):format(
  ANYWHERE, socket, directory))
repeat until redis("ping"):find "PONG"
local one = time_of(1)
local three, busy = time_of(3)
redis("shutdown nosave")
program.done(1, { times_three = three / one, times_busy = busy })
