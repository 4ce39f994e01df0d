--- make soak MINUTES=n: 50 origins whose servers die, come back, reload and misbehave, under load; prints a
--- line a minute and a verdict. Exit status 1: something leaked, was lost, hung or came twice.
package.path = "./lua/?.lua;./lua/?/init.lua;./spec/?.lua;" .. package.path

local ffi = require "ffi"
local lfs = require "lfs"
local account = require "soak.account"
local load = require "soak.load"
local rill = require "rill"
local support = require "support"
local world = require "soak.world"

ffi.cdef [[
struct soak_mallinfo { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, rest[2]; };
struct soak_mallinfo mallinfo2(void);
]]

local WORKERS, CONNECTIONS = 60, 100
local EVERY = 5 -- seconds between two looks
local FLAT_KB = 8 * 1024 -- memory may differ so much between the first third and the last: load differs, too
local minutes = tonumber(arg[1]) or 5

local function descriptors()
  local count = 0
  for _ in lfs.dir "/proc/self/fd" do count = count + 1 end
  return count
end

-- What malloc() and Lua have given, not what the C library keeps of the fullest moment so far: that stays resident
-- where the heap could not grow in one piece, and malloc_trim() does not give it back.
local function held_kb()
  local info = ffi.C.mallinfo2()
  return tonumber(info.uordblks + info.hblkhd) / 1024 + collectgarbage "count"
end

-- Memory that the loop has from its allocator.
local function core_mb()
  local counters = ffi.new "rill_counters"
  require("rill.clib").rill_loop_counters(require("rill.runtime").loop(), counters)
  return counters.bytes / 2 ^ 20
end

-- What there is now, to be compared with what there was.
local function look(client)
  local held, stats = support.counters(), client:stats()
  return {
    memory = held_kb(), lua = collectgarbage "count" / 1024, core = core_mb(), descriptors = descriptors(),
    timers = held.timers, streams = stats.streams, pending = stats.pending, connections = stats.connections,
  }
end

local function median(list, field, from, to)
  local values = {}
  for i = from, to do values[#values + 1] = list[i][field] end
  table.sort(values)
  return values[math.ceil(#values / 2)]
end

local failures = {}
local function check(good, ...)
  if not good then failures[#failures + 1] = string.format(...) end
end

-- Bounds that hold at any moment.
local function check_look(seen, books, began)
  local now = ("after %.0f s"):format(rill.now() - began)
  check(seen.connections <= CONNECTIONS, "%s: %d connections", now, seen.connections)
  check(seen.streams + seen.pending <= 3 * WORKERS, "%s: %d streams, %d pending", now, seen.streams, seen.pending)
  check(seen.descriptors <= CONNECTIONS + 100, "%s: %d descriptors", now, seen.descriptors)
  check(seen.timers <= 6 * WORKERS + 50, "%s: %d timers", now, seen.timers)
  check(books:overdue(rill.now()) == 0, "%s: %d requests are overdue", now, books:overdue(rill.now()))
end

local function tell(began, seen, books)
  print(("%5.1f min  %d requests, %d open | %d MB (Lua %.1f, core %.1f), %d descriptors, %d timers, "
    .. "%d connections, %d streams | %s"):format(
    (rill.now() - began) / 60, books.issued, books.issued - books.ended, seen.memory / 1024, seen.lua, seen.core,
    seen.descriptors, seen.timers, seen.connections, seen.streams, books:text()))
  io.stdout:flush()
end

local function watch(client, books, began, finished)
  local list, next_minute = {}, began + 60
  while not finished() do
    rill.sleep(EVERY)
    local seen = look(client)
    list[#list + 1] = seen
    check_look(seen, books, began)
    if rill.now() >= next_minute then
      tell(began, seen, books)
      next_minute = next_minute + 60
    end
  end
  return list
end

local function disturb(places, finished)
  local names = {}
  for name in pairs(places.disturbances) do names[#names + 1] = name end
  table.sort(names)
  while not finished() do
    places.disturbances[names[math.random(#names)]](rill)
    rill.sleep(math.random() * 1.5)
  end
end

-- All is over: nothing is held, and the two books agree.
local function balance(client, books)
  collectgarbage()
  collectgarbage() -- streams that were dropped
  pcall(support.wait, function()
    local stats = client:stats()
    return stats.streams == 0 and stats.pending == 0
  end, 10)
  local stats, closed = client:stats(), 0
  for _, count in pairs(stats.closed) do closed = closed + count end
  check(books.issued == books.ended, "%d issued, %d ended", books.issued, books.ended)
  check(books.twice == 0, "%d outcomes came twice", books.twice)
  check(stats.requests == books.issued, "the client counts %d requests, %d were issued", stats.requests, books.issued)
  check(stats.requests == closed, "the client counts %d requests and %d ends", stats.requests, closed)
  check(stats.streams == 0 and stats.pending == 0, "%d streams and %d pending are left", stats.streams, stats.pending)
  for i = 1, math.min(#load.odd, 5) do check(false, "a failure that should not be: %s", load.odd[i]) end
  check(stats.buffered == 0, "%d bytes are still buffered", stats.buffered)
end

local function check_flat(list)
  local third = math.floor(#list / 3)
  if third == 0 then return end
  local first, last = median(list, "memory", 1, third), median(list, "memory", #list - third + 1, #list)
  check(last - first < FLAT_KB, "memory grew from %d KB to %d KB", first, last)
end

local seed = os.time()
math.randomseed(seed)
print(("%g minutes, seed %d"):format(minutes, seed))
rill.on_warning = function() end
rill.on_error = function(message) check(false, "an error of the soak itself: %s", message) end
support.begin()
local before = descriptors()
local core_before = core_mb()
local places = world.start()
local client = rill.client {
  resolve = places.resolve, tls = { ca_pem = places.ca_pem, server_name = "localhost" },
  timeout = load.TIMEOUT, queue_timeout = load.TIMEOUT, connect_timeout = 2,
  max_connections = CONNECTIONS, maxsize = 2 ^ 24, max_buffered = 2 ^ 26, on_warning = function() end,
}

rill.run(function()
  local books, began = account.new(), rill.now()
  local function finished() return rill.now() - began > minutes * 60 end
  local disturber = rill.spawn(disturb, places, finished)
  local watcher = rill.spawn(watch, client, books, began, finished)
  local workers = {}
  for i = 1, WORKERS do workers[i] = rill.spawn(load.work, client, places, books, finished) end
  for _, worker in ipairs(workers) do
    local _, err = worker:join()
    check(not err, "a worker failed: %s", err and err.traceback or err and err.message)
  end
  local list, err = watcher:join()
  check(list, "the watch failed: %s", err and err.message)
  local _, broken = disturber:join()
  check(not broken, "a server failed: %s", broken and broken.message)
  balance(client, books)
  check_flat(list or {})
  tell(began, look(client), books)
end)

client:close()
client = nil -- luacheck: ignore
support.stop_all()
local clean, why = pcall(support.check_clean)
check(clean, "%s", tostring(why))
check(core_mb() - core_before < 0.1, "%.2f MB of the core before, %.2f MB after", core_before, core_mb())
check(descriptors() <= before, "%d descriptors before, %d after", before, descriptors())
for _, failure in ipairs(failures) do print("FAILED: " .. failure) end
print(#failures == 0 and "soak: good" or ("soak: %d failed"):format(#failures))
os.exit(#failures == 0, true)
