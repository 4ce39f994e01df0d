-- What a state in Redis and WARC files cost beside a crawl without: the same site, several times in one process. MORE
-- is how many pages it has at least, a blank, and a directory; "worker" and a state: it is one of several.
--   times_worker  the worker's CPU with a state in Redis, over that without
--   times_redis   Redis' CPU over that
--   times_warc    CPU with WARC files, less what zlib takes for the same bytes, over that without
--   times_three   time of three workers over time of one, on all processors. They share these with Redis and the site,
--                 so a worker looks at its pages as scripts do that take something from them: by CSS selectors
--   times_busy    processors that those three have kept busy, with Redis; the rest of all of them is the site's
local crawl = require("rill.crawl")
local ffi = require("ffi")
local gunzip = require("rill.core.gunzip")
local program = require("program")
local rill = require("rill")
require("rill.warc") -- declares zlib

ffi.cdef [[
typedef struct { long sec, nsec; } bench_time;
int clock_gettime(int clock, bench_time *now);
typedef struct { bench_time user, system; long others[14]; } bench_usage; /* microseconds in the place of nsec */
int getrusage(int who, bench_usage *usage);
]]

local CPU_CLOCK, CHILDREN, FINISH, ROOM = 2, -1, 4, 2 ^ 20 -- CLOCK_PROCESS_CPUTIME_ID, RUSAGE_CHILDREN, Z_FINISH, bytes
local FIELDS = { "title::text", "a:first-of-type::attr(href)", "a:nth-of-type(2)::text", "a:last-of-type::attr(href)" }
local least, directory = program.more:match "^(%w+) (.*)$"
local socket = directory .. "/redis"
local now = ffi.new("bench_time")

local function cpu()
  ffi.C.clock_gettime(CPU_CLOCK, now)
  return tonumber(now.sec) + tonumber(now.nsec) / 1e9
end

local function redis(words)
  local pipe = io.popen(("redis-cli -s '%s' %s"):format(socket, words))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local function redis_cpu()
  local text = redis("info cpu")
  return tonumber(text:match "used_cpu_user:([%d.]+)") + tonumber(text:match "used_cpu_sys:([%d.]+)")
end

-- CPU seconds of all programs that were started here and have ended, and of Redis.
local function cpu_of_others()
  local usage = ffi.new("bench_usage")
  ffi.C.getrusage(CHILDREN, usage)
  local user, system = usage.user, usage.system
  return tonumber(user.sec + system.sec) + tonumber(user.nsec + system.nsec) / 1e6 + redis_cpu()
end

-- CPU seconds of one crawl.
local function run(more)
  local options = { start = program.url:gsub("^https", "http"), robots = false, progress = false, traps = false,
    client = { h2c = true, protocols = { "h2" } }, per_origin = { concurrency = 64, adaptive = false }, expect = 1e5,
    page = function(page) page:emit { url = page.url, title = page.title } end, out = function() end }
  for name, value in pairs(more) do options[name] = value end
  local before = cpu()
  local done = assert(crawl(options))
  local spent = cpu() - before
  assert(done.pages >= (tonumber(least) or 1), done.pages .. " pages")
  return spent
end

-- The records of a file.
local function records(path)
  local file, parts, list = assert(io.open(path, "rb")), {}, {}
  assert(gunzip.new():write(file:read("*a"), function(piece)
    parts[#parts + 1] = piece
    return true
  end))
  file:close()
  local text, at = table.concat(parts), 1
  while at do
    local after = text:find("WARC/1.1\r\nWARC-Type", at + 1, true)
    list[#list + 1] = text:sub(at, (after or 0) - 1)
    at = after
  end
  return list
end

-- CPU seconds that zlib needs for each of them: one stream, nothing kept.
local function zlib_alone(path)
  local z, stream, room = ffi.load("libz.so.1"), ffi.new("rill_z_stream"), ffi.new("unsigned char[?]", ROOM)
  local list = records(path)
  z.deflateInit2_(stream, 6, 8, 31, 8, 0, z.zlibVersion(), ffi.sizeof(stream))
  local before = cpu()
  for _, text in ipairs(list) do
    z.deflateReset(stream)
    stream.next_in, stream.avail_in = ffi.cast("const unsigned char *", text), #text
    repeat
      stream.next_out, stream.avail_out = room, ROOM
      z.deflate(stream, FINISH)
    until stream.avail_out > 0
  end
  local spent = cpu() - before
  z.deflateEnd(stream)
  return spent
end

-- What a script takes from a page.
local function take_fields(page)
  local item = { url = page.url }
  for i, selector in ipairs(FIELDS) do item[i] = page:css(selector)[1] end
  page:emit(item)
end

-- Seconds that so many workers need together, on any processor, and processors that they and Redis have kept busy.
local function time_of(count)
  redis("flushall")
  local words, began, before = {}, rill.now(), cpu_of_others()
  for i = 1, count do
    words[i] = ("taskset -c %s luajit '%s' '%s' '%s' 1 'worker redis+unix://%s?name=site' >/dev/null &"):format(
      "0-$(($(nproc --all) - 1))", arg[0], program.url, program.ca, socket)
  end
  os.execute(table.concat(words, " ") .. " wait")
  assert(tonumber(redis("hget {site}:stats pages")) >= tonumber(least))
  local took = rill.now() - began
  return took, (cpu_of_others() - before) / took
end

if least == "worker" then
  run { state = directory, page = take_fields, per_origin = { concurrency = 256, adaptive = false } }
  return program.done(1)
end
os.execute(("redis-server --daemonize yes --port 0 --unixsocket '%s' --save '' --dir '%s' >/dev/null"):format(socket,
  directory))
repeat until redis("ping"):find "PONG"
local function shared(name)
  return run { state = ("redis+unix://%s?name=%s"):format(socket, name), worker = "bench" }
end
run {}
shared "first" -- what is compiled is compiled from here on
local without = math.min(run {}, run {})
local before = redis_cpu()
local with = math.min(shared "second", shared "third")
local inside = (redis_cpu() - before) / 2
local archived = math.min(run { warc = directory .. "/site" }, run { warc = directory .. "/again" })
local one = time_of(1)
local three, busy = time_of(3)
redis("shutdown nosave")
local compressing = zlib_alone(directory .. "/site-00000.warc.gz")
program.done(1, { times_worker = with / without, times_redis = inside / with,
  times_warc = (archived - compressing) / without, times_three = three / one, times_busy = busy })
