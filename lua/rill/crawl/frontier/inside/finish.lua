-- Commits a batch: all of it, or nothing. ARGV: run, worker, latest, number of the batch, number of the last one, head
-- as JSON, outcomes, links, then what the head names by index. An outcome: lease, its kind by a letter ("b" robots.txt,
-- "r" a retry, "s" skipped, "p" whatever else has ended), flags, latency, bucket and hash of its body, the shape that
-- counts it. What only few outcomes have (robots.txt, a record to be tried again) is in head.more, by the outcome's
-- place in the batch. Flags: the request went well, so its latency is its whole result; nobody has asked yet whether
-- its body is known; it has a shape; its body is another page's. A link: fingerprint, bucket, index of the origin,
-- rank, traps, record.
local OUTCOME, LINK = ">Bc0c1BI4Bc0Bc0c8", ">Bc0Bc0I2i4Bc0I4c0"
local WENT_WELL, UNASKED, COUNTED, DUPLICATE = 1, 2, 4, 8 -- flags
local worker, number, last, head = ARGV[2], ARGV[4], ARGV[5], cjson.decode(ARGV[6])
local W = P .. "w:" .. worker
local NEWS_KEPT = 64 -- batches' worth, for the others
local TRAPS = { h = "per_host", p = "per_path", s = "per_shape" }

local refused = begin()
if refused then return refused end
local before = call("HMGET", W, "batch", "news")
local kept = before[1] or "0"
if kept == number then return { "ok", call("HGET", W, "reply"), numbers(), call("HGETALL", STATS) } end
-- A Redis that was restored from an older copy knows fewer URLs than it has told this worker of (news), and the worker
-- has left those out of the links it sent, as known.
local is_told_more = head.news and head.news > tonumber(before[2] or 0)
if kept ~= last or is_told_more then return { "rewound", kept, call("HGETALL", W) } end

local function has(flags, flag)
  return flags % (2 * flag) >= flag
end

-- What is packed goes into lists, by the place of an outcome and of a link: a table for each costs Redis more.
local ids, kinds, flags, latencies, body_buckets, hashes, shapes = {}, {}, {}, {}, {}, {}, {}
local n, next_one = 0, 1
while next_one <= #ARGV[7] do
  n = n + 1
  ids[n], kinds[n], flags[n], latencies[n], body_buckets[n], hashes[n], shapes[n], next_one =
    struct.unpack(OUTCOME, ARGV[7], next_one)
end
local fingerprints, seen_buckets, indexes, ranks, traps, records = {}, {}, {}, {}, {}, {}
n, next_one = 0, 1
while next_one <= #ARGV[8] do
  n = n + 1
  fingerprints[n], seen_buckets[n], indexes[n], ranks[n], traps[n], records[n], next_one =
    struct.unpack(LINK, ARGV[8], next_one)
  if not head.origins[indexes[n]] then error("a link names no origin") end
end
local leases, lost = leases_of(ids), {}
for i, lease in ipairs(leases) do
  if not lease or lease.worker ~= worker then lost[#lost + 1] = ids[i] end
end
if lost[1] then return { "lost", lost } end

call("HSET", W, "batch", number) -- the first write: a full Redis refuses it, and has done nothing

for name, length in pairs(head.offsets) do
  call("HSET", W, "out:" .. name, string.format("%.0f", length), "files", "1")
  call("PERSIST", W)
end
for name, more in pairs(head.deltas) do call("HINCRBY", STATS, name, more) end
for _, each in ipairs(head.scope) do call("SADD", P .. "scope", each) end

local runs, known = {}, {} -- known: places of outcomes that brought a body nobody had asked for, and it was there
local function count_run(run, is_duplicate)
  local field = "r" .. run
  if is_duplicate then
    runs[#runs + 1] = call("HINCRBY", SHAPE, field, 1)
  else
    call("HDEL", SHAPE, field)
    runs[#runs + 1] = 0
  end
end

local function take_robots(lease, robots)
  local o = origin_of(lease.origin)
  if robots.body then robots.body = ARGV[robots.body] end
  origin.robots(o, robots, head.options, now)
  if o.robots and o.robots.at == now then
    call("HSET", P .. "o:" .. o.key, "robots", o.robots.body or "")
    o.robots.body, o.robots.parsed = nil, nil
  end
end

call_with("ZREM", LEASE, ids)
call_with("HDEL", LEASED, ids)
local more_of, NOTHING, BODY = {}, {}, P .. "body:"
for place, more in pairs(head.more) do more_of[tonumber(place)] = more end
for i, kind in ipairs(kinds) do
  local lease, more = leases[i], more_of[i] or NOTHING
  settle(lease, has(flags[i], WENT_WELL) and latencies[i] or more.result)
  if kind == "b" then
    take_robots(lease, more.robots)
  elseif kind == "r" then
    call("ZADD", LATER, string.format("%.6f", now + more.after), lease.origin .. "\0" .. ARGV[more.record])
    call("HINCRBY", STATS, "_queued", 1)
  elseif kind == "s" and lease.kind == "p" then
    call("HINCRBY", STATS, "_taken", -1)
  end
  local was_there = hashes[i] ~= "" and call("SADD", BODY .. body_buckets[i], hashes[i]) == 0
  local is_known = was_there and has(flags[i], UNASKED)
  if is_known then known[#known + 1] = i end
  if has(flags[i], COUNTED) then count_run(shapes[i], has(flags[i], DUPLICATE) or is_known) end
  if more.page then call("HSET", P .. "page:" .. more.page[1], more.page[2], ARGV[more.page[3]]) end
end

-- Counts a new URL, and returns nil; or returns the name of the trap that it runs into, and then does not count it.
-- HINCRBY returns the new count, so one command does both; where that is too high it is undone, and a field that is 0
-- then is removed.
local function trapped(o, counters)
  local counted, trap = {}, nil
  for at = 1, #counters, 9 do
    local name = TRAPS[sub(counters, at, at)]
    local limit = head.limits[name]
    if name == "per_host" then
      trap = o.found >= limit and name
    else
      local field = sub(counters, at, at + 8)
      counted[#counted + 1] = field
      trap = call("HINCRBY", SHAPE, field, 1) > limit and name
    end
    if trap then break end
  end
  if not trap then
    o.found = o.found + 1
    return nil
  end
  for _, field in ipairs(counted) do
    if call("HINCRBY", SHAPE, field, -1) == 0 then call("HDEL", SHAPE, field) end
  end
  return trap
end

-- Each origin that links lead to is looked at once.
local found = {} -- by an origin's index: it, as it is kept
local function found_origin(index)
  local o = found[index]
  if not o then
    local given = head.origins[index]
    o = origin_of(given[1], given[2])
    set_policy(o, given[2])
    found[index] = o
  end
  return o
end

local waiting = {} -- records, by the index of their origin and their rank
local function add_waiting(index, rank, record)
  local by_rank = waiting[index] or {}
  local list = by_rank[rank] or {}
  waiting[index], by_rank[rank], list[#list + 1] = by_rank, list, record
end

local skips, added, news, SEEN = {}, 0, {}, P .. "seen:" -- news: fingerprints
for i, fingerprint in ipairs(fingerprints) do
  local seen, again = SEEN .. seen_buckets[i], traps[i] == "+"
  local is_new = call("SADD", seen, fingerprint) == 1
  if is_new or again then
    local o = found_origin(indexes[i])
    local trap = is_new and not again and trapped(o, traps[i])
    if trap then
      call("SREM", seen, fingerprint)
      skips[#skips + 1] = { i, trap }
      call("HINCRBY", STATS, "skipped:" .. trap, 1)
    else
      add_waiting(indexes[i], ranks[i], records[i])
      added = added + 1
      if is_new then news[#news + 1] = fingerprint end
    end
  end
end
for index, by_rank in pairs(waiting) do
  for rank, list in pairs(by_rank) do
    add_rank(found[index], rank)
    call_with("RPUSH", queue_of(found[index], string.format("%d", rank)), list)
  end
end
if added > 0 then call("HINCRBY", STATS, "_queued", added) end
if head.news and news[1] and call("SCARD", P .. "workers") > 1 then
  call("RPUSH", NEWS, worker .. " " .. table.concat(news, " "))
  if call("HINCRBY", STATS, "_news", 1) > NEWS_KEPT then call("LTRIM", NEWS, -NEWS_KEPT, -1) end
end
save()

local reply = cjson.encode { skips = skips, runs = runs, known = known }
call("HSET", W, "reply", reply)
return { "ok", reply, numbers(), call("HGETALL", STATS) }
