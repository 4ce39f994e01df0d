-- Hands entries out. ARGV: run, worker, latest, seconds of a lease, most, most pages in all ("" for none), "1" where
-- robots.txt is asked for, requests that have ended well: lease and latency of each, others as JSON: list of { lease,
-- result }; what holds for every origin as JSON, "" where each has its own; the turn in which this is asked, see
-- turn.lua, or "", how many news the worker was told, "" where it wants none, and how many entries it is at work on.
-- Answers with a list for each origin (name, what it ends with as JSON, when its robots.txt was read, then what waited,
-- "" for the robots.txt itself), when to ask again, numbers, of the leases, in that order, the number of the first and
-- what stands behind it, fingerprints of URLs that others have found since, how many news it was told now, and 1 where
-- it was given its part alone, as few wait: the rest is for others.
local worker, seconds, most, max_pages, with_robots =
  ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == "1"
local policy = ARGV[10] ~= "" and cjson.decode(ARGV[10])
local turn, at_work = ARGV[11], tonumber(ARGV[13])
local EXPIRED = 256 -- leases, looked at in one call
local DUE_AT_ONCE = 256 -- repeats
local NEWS_BYTES = 65536 -- told in one call: some 3,200 URLs
local LEAST_PART = 4 -- entries
local MOST_SHARING = 64 -- workers: with more of them it is not looked who lives

local refused = begin()
if refused then return refused end
if turn ~= "" then
  if tonumber(call("HGET", CONF, "entered") or 0) > tonumber(turn) then
    return { {}, "0.02", numbers(), 0, "", "", ARGV[12], 0 }
  end
  call("HSET", CONF, "entered", turn)
end
stay(worker, seconds)

local ids, results, place = {}, {}, 1 -- results: microseconds, or all there is to say
while place <= #ARGV[8] do
  local at = #ids + 1
  ids[at], results[at], place = struct.unpack(">Bc0I4", ARGV[8], place)
end
for _, item in ipairs(cjson.decode(ARGV[9])) do
  ids[#ids + 1], results[#results + 1] = item[1], item[2]
end
local settled = {} -- words: lease, what it is. No lease is reported twice in one call
local reported, packed = leases_of(ids)
for i = 1, #ids do
  local lease = reported[i]
  if lease and not lease.settled then
    settle(lease, results[i])
    settled[#settled + 1] = ids[i]
    settled[#settled + 1] = lease.ended .. record_of(packed[i], lease)
  end
end
call_with("HSET", LEASED, settled)

local expired = call("ZRANGEBYSCORE", LEASE, "-inf", lease_end(now), "LIMIT", 0, EXPIRED)
reported, packed = leases_of(expired)
for i, id in ipairs(expired) do
  if reported[i] then take_back(id, reported[i], packed[i]) else end_lease(id) end
end

for _, member in ipairs(call("ZRANGEBYSCORE", LATER, "-inf", now, "LIMIT", 0, DUE_AT_ONCE)) do
  local at = string.find(member, "\0", 1, true)
  call("ZREM", LATER, member)
  make_ready(origin_of(sub(member, 1, at - 1)), sub(member, at + 1))
  call("HINCRBY", STATS, "_queued", -1) -- it was counted while it was there
end

local function count_alive(names)
  local count = 0
  for _, name in ipairs(names) do
    if tonumber(call("HGET", P .. "w:" .. name, "alive") or 0) > now then count = count + 1 end
  end
  return count
end

-- Where fewer wait than all workers could take, each takes a part of them, with what it is at work on: else one would
-- work off what it holds, and the others stand idle beside it.
local function part()
  local waiting, sharing = tonumber(call("HGET", STATS, "_queued") or 0), call("SCARD", P .. "workers")
  if sharing < 2 or sharing > MOST_SHARING or waiting >= sharing * most then return most end
  local alive = math.max(1, count_alive(call("SMEMBERS", P .. "workers")))
  local each = math.ceil((waiting + call("ZCARD", LEASE)) / alive) - at_work
  if at_work < LEAST_PART then each = math.max(LEAST_PART, each) end
  return alive > 1 and each < waiting and math.max(0, math.min(most, each)) or most
end
local asked = most
most = part()

local taken = tonumber(call("HGET", STATS, "_taken") or 0)
local groups, leases, queued, blocked = {}, {}, 0, false -- leases: what LEASED holds of each
local open, begins -- the origin whose group is the last; what its leases begin with, by kind

-- record: "" for the robots.txt itself
local function lease(o, kind, record)
  if open ~= o then
    open, begins = o, {}
    groups[#groups + 1] = { o.key, o.dead and cjson.encode(o.dead) or "", o.robots and tostring(o.robots.at) or "" }
  end
  begins[kind] = begins[kind] or lease_head("0", kind, worker, o.key)
  leases[#leases + 1] = begins[kind] .. record
  local group = groups[#groups]
  group[#group + 1] = record
end

local function is_due(o)
  local time = has_work(o) and origin.due(o, now)
  return time and time <= now
end

-- How many may start now, at most; of what has pauses between, one.
local function most_of(o)
  local left = most - #leases
  if o.dead then return left end
  if o.gap > 0 then return 1 end
  return math.max(1, math.min(left, math.floor(o.limit) - o.in_flight))
end

-- Of one queue as much as may start now. Returns how much, and whether the queue is empty.
local function take_queue(o, rank)
  local queue, wanted, n = queue_of(o, rank), most_of(o), 0
  local list = call("LRANGE", queue, 0, wanted - 1)
  for i = 1, #list do
    local record = list[i]
    local kind, time = sub(record, 1, 1), origin.due(o, now)
    if not time or time > now then break end
    if rank ~= "r" and max_pages and taken >= max_pages then
      blocked = true
      break
    end
    if rank ~= "r" and kind == "p" then taken = taken + 1 end
    if o.dead then o.in_flight = o.in_flight + 1 else origin.start(o, now) end
    lease(o, kind, record)
    n = n + 1
  end
  if n > 0 then call("LTRIM", queue, n, -1) end
  queued = queued - n
  return n, n == #list and (n < wanted or call("LLEN", queue) == 0)
end

-- Returns whether there was something.
local function take_some(o)
  if with_robots and origin.needs_robots(o, now) then
    origin.start(o, now)
    o.next_start, o.asking = 0, true -- the first page does not wait for it
    lease(o, "r", "")
    return true
  end
  if o.ready > 0 then
    local n, is_empty = take_queue(o, "r")
    o.ready = is_empty and 0 or o.ready - n
    return n > 0 or is_empty
  end
  local n, is_empty = take_queue(o, string.format("%d", o.ranks[1]))
  if is_empty then table.remove(o.ranks, 1) end
  return n > 0 or is_empty
end

local before = taken
for name in pairs(origins) do -- what has just ended may have made one due
  local o = origins[name]
  local time = has_work(o) and origin.due(o, now)
  if time then call("ZADD", DUE, string.format("%.6f", time), name) end
end
for _, name in ipairs(call("ZRANGEBYSCORE", DUE, "-inf", now, "LIMIT", 0, most)) do
  local o = origin_of(name)
  if policy then set_policy(o, policy) end
  repeat until #leases >= most or not is_due(o) or not take_some(o)
  if #leases >= most then break end
end
if taken > before then call("HSET", STATS, "_taken", taken) end
if queued < 0 then call("HINCRBY", STATS, "_queued", queued) end

-- The time is part of a lease: a Redis that has lost its last second counts again from an earlier number.
local first, suffix = 0, string.format("-%s%06d", clock[1], tonumber(clock[2]))
if leases[1] then
  first = call("INCRBY", P .. "seq", #leases) - #leases + 1
  local kept, ends, time = {}, {}, lease_end(now + seconds)
  for i = 1, #leases do
    local id = format("%d%s", first + i - 1, suffix)
    kept[2 * i - 1], kept[2 * i], ends[2 * i - 1], ends[2 * i] = id, leases[i], time, id
  end
  call_with("HSET", LEASED, kept)
  call_with("ZADD", LEASE, ends)
end
save()

-- News that the worker was not told, the latest, and its place after them. Where Redis has lost some that it was told,
-- it is told none until its next batch is refused: from what is kept, `finish` sees that.
local function news_since(told)
  local total = tonumber(call("HGET", STATS, "_news") or 0)
  if not told or told >= total then return "", ARGV[12] end
  local W, texts, bytes = P .. "w:" .. worker, {}, 0
  if told > tonumber(call("HGET", W, "news") or 0) then return "", ARGV[12] end
  local list = call("LRANGE", NEWS, told - total, -1)
  for i = #list, 1, -1 do
    local name, found = string.match(list[i], "^(%S+) (.*)$")
    bytes = bytes + #found
    if bytes > NEWS_BYTES then break end
    if name ~= worker then texts[#texts + 1] = found end
  end
  call("HSET", W, "news", total)
  return table.concat(texts, " "), total
end
local news, told = news_since(tonumber(ARGV[12]))

-- When to ask again: in so many seconds; "" when nothing can come any more.
local next_due = call("ZRANGEBYSCORE", DUE, blocked and "(" .. now or "-inf", "+inf", "WITHSCORES", "LIMIT", 0, 1)[2]
local retry = call("ZRANGE", LATER, 0, 0, "WITHSCORES")[2]
local time = math.min(tonumber(next_due or math.huge), tonumber(retry or math.huge))
local left = most < asked and #leases >= most -- for others
local wait = time < math.huge and tostring(math.max(0, time - now)) or ""
return { groups, wait, numbers(), first, suffix, news, told, left and 1 or 0 }
