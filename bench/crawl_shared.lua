-- What a state in Redis and WARC files cost beside a crawl without: the same site, several times in one process. MORE
-- is how many pages it has at least, a blank, and a directory.
--   times_worker  the worker's CPU with a state in Redis, over that without
--   times_redis   Redis' CPU over that
--   times_warc    CPU with WARC files, less what zlib takes for the same bytes, over that without
--   times_archive the same CPU, over that without and zlib's together
local crawl = require("rill.crawl")
local ffi = require("ffi")
local gunzip = require("rill.core.gunzip")
local program = require("program")

ffi.cdef [[
typedef struct {
  const unsigned char *next_in; unsigned avail_in; unsigned long total_in;
  unsigned char *next_out; unsigned avail_out; unsigned long total_out;
  const char *msg; void *state; void *zalloc; void *zfree; void *opaque; int data_type; unsigned long adler;
  unsigned long reserved;
} bench_deflate; /* z_stream */
const char *zlibVersion(void);
int deflateInit2_(bench_deflate *stream, int level, int method, int bits, int memory, int strategy, const char *version,
  int size);
int deflate(bench_deflate *stream, int flush);
int deflateReset(bench_deflate *stream);
int deflateEnd(bench_deflate *stream);
typedef struct { long sec, nsec; } bench_time;
int clock_gettime(int clock, bench_time *now);
]]

local CPU_CLOCK, FINISH, ROOM = 2, 4, 2 ^ 20 -- CLOCK_PROCESS_CPUTIME_ID, Z_FINISH, bytes
local SMALL = 4096 -- bytes of a record, up to which it is compressed with small tables
local ROUNDS = 3
local least, directory = program.more:match "^(%w+) (.*)$"
local socket = directory .. "/redis"
local now = ffi.new("bench_time")

local function cpu()
  ffi.C.clock_gettime(CPU_CLOCK, now)
  return tonumber(now.sec) + tonumber(now.nsec) / 1e9
end

local function redis(words)
  return program.redis(socket, words)
end

local function redis_cpu()
  local text = redis("info cpu")
  return tonumber(text:match "used_cpu_user:([%d.]+)") + tonumber(text:match "used_cpu_sys:([%d.]+)")
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

-- A stream as src/warc/member.c makes one.
local function stream_of(z, window, memory)
  local stream = ffi.new("bench_deflate")
  assert(z.deflateInit2_(stream, 6, 8, 16 + window, memory, 0, z.zlibVersion(), ffi.sizeof(stream)) == 0)
  return stream
end

-- CPU seconds that zlib needs for each of them, nothing kept.
local function zlib_alone(path)
  local z, room = ffi.load("libz.so.1"), ffi.new("unsigned char[?]", ROOM)
  local list, small, large = records(path), stream_of(z, 12, 5), stream_of(z, 15, 8)
  local before = cpu()
  for _, text in ipairs(list) do
    local stream = #text <= SMALL and small or large
    z.deflateReset(stream)
    stream.next_in, stream.avail_in = ffi.cast("const unsigned char *", text), #text
    repeat
      stream.next_out, stream.avail_out = room, ROOM
      z.deflate(stream, FINISH)
    until stream.avail_out > 0
  end
  local spent = cpu() - before
  z.deflateEnd(small)
  z.deflateEnd(large)
  return spent
end

os.execute(("redis-server --daemonize yes --port 0 --unixsocket '%s' --save '' --dir '%s' >/dev/null"):format(socket,
  directory))
repeat until redis("ping"):find "PONG"
local function shared(name)
  return run { state = ("redis+unix://%s?name=%s"):format(socket, name), worker = "bench" }
end
run {}
shared "first" -- what is compiled is compiled from here on
run { warc = directory .. "/first" }
local without, with, archived, with_all, inside = math.huge, math.huge, math.huge, 0, 0
for round = 1, ROUNDS do
  without = math.min(without, run {})
  local before = redis_cpu()
  local spent = shared("round" .. round)
  inside, with_all, with = inside + redis_cpu() - before, with_all + spent, math.min(with, spent)
  archived = math.min(archived, run { warc = directory .. "/round" .. round })
end
redis("shutdown nosave")
local compressing = zlib_alone(directory .. "/round1-00000.warc.gz")
program.done(1, { times_worker = with / without, times_redis = inside / with_all,
  times_warc = (archived - compressing) / without, times_archive = archived / (without + compressing) })
