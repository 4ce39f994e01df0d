-- Hands entries out. ARGV: run, worker, latest, seconds of a lease, most, most pages in all ("" for none), "1" where
-- robots.txt is asked for, requests that have ended as JSON: list of { id, result }; what holds for every origin as
-- JSON, "" where each has its own; the turn in which this is asked, see turn.lua, or "".
local worker, seconds, most, max_pages, with_robots, ended =
  ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == "1", ARGV[8]
local policy = ARGV[9] ~= "" and cjson.decode(ARGV[9])
local turn = ARGV[10]
local EXPIRED, DUE_AT_ONCE = 256, 256 -- looked at in one call

local refused = begin()
if refused then return refused end
if turn ~= "" then
  if tonumber(call("HGET", CONF, "entered") or 0) > tonumber(turn) then return { {}, "0.02", numbers() } end
  call("HSET", CONF, "entered", turn)
end
stay(worker, seconds)

for _, item in ipairs(cjson.decode(ended)) do
  local lease = lease_of(item[1])
  if lease and not lease.settled then
    settle(lease, item[2])
    call("HSET", LEASED, item[1], cmsgpack.pack(lease))
  end
end

for _, id in ipairs(call("ZRANGEBYSCORE", LEASE, "-inf", now, "LIMIT", 0, EXPIRED)) do
  local lease = lease_of(id)
  if lease then take_back(id, lease) else end_lease(id) end
end

for _, member in ipairs(call("ZRANGEBYSCORE", LATER, "-inf", now, "LIMIT", 0, DUE_AT_ONCE)) do
  local at = string.find(member, "\0", 1, true)
  call("ZREM", LATER, member)
  make_ready(origin_of(string.sub(member, 1, at - 1)), string.sub(member, at + 1))
  call("HINCRBY", STATS, "_queued", -1) -- it was counted while it was there
end

local taken = tonumber(call("HGET", STATS, "_taken") or 0)
local entries, blocked = {}, false

local function lease(o, kind, record)
  -- The time is part of it: a Redis that has lost its last second counts again from an earlier number.
  local id = string.format("%d-%s%06d", call("INCR", P .. "seq"), clock[1], tonumber(clock[2]))
  call("HSET", LEASED, id, cmsgpack.pack { worker = worker, origin = o.key, kind = kind, record = record })
  call("ZADD", LEASE, string.format("%.6f", now + seconds), id)
  local dead = o.dead and cjson.encode(o.dead) or ""
  entries[#entries + 1] = { id, o.key, kind, record or "", dead, o.robots and tostring(o.robots.at) or "" }
end

local function next_record(o)
  if o.ready > 0 then
    o.ready = o.ready - 1
    return call("LPOP", queue_of(o, "r"))
  end
  local rank = o.ranks[1]
  if not rank then return nil end
  if max_pages and taken >= max_pages then
    blocked = true
    return nil
  end
  local queue = queue_of(o, string.format("%d", rank))
  local record = call("LPOP", queue)
  if call("LLEN", queue) == 0 then table.remove(o.ranks, 1) end
  if record and string.sub(record, 1, 1) == "p" then taken = taken + 1 end
  return record
end

local function take_one(o)
  if with_robots and origin.needs_robots(o, now) then
    origin.start(o, now)
    o.next_start, o.asking = 0, true -- the first page does not wait for it
    lease(o, "robots")
    return true
  end
  local record = next_record(o)
  if not record then return false end
  if o.dead then o.in_flight = o.in_flight + 1 else origin.start(o, now) end
  call("HINCRBY", STATS, "_queued", -1)
  lease(o, string.sub(record, 1, 1) == "s" and "sitemap" or "page", record)
  return true
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
  while #entries < most and has_work(o) do
    local time = origin.due(o, now)
    if not time or time > now or not take_one(o) then break end
  end
  if #entries >= most then break end
end
if taken > before then call("HSET", STATS, "_taken", taken) end
save()

-- When to ask again: in so many seconds; "" when nothing can come any more.
local first = call("ZRANGEBYSCORE", DUE, blocked and "(" .. now or "-inf", "+inf", "WITHSCORES", "LIMIT", 0, 1)[2]
local retry = call("ZRANGE", LATER, 0, 0, "WITHSCORES")[2]
local time = math.min(tonumber(first or math.huge), tonumber(retry or math.huge))
local wait = time < math.huge and tostring(math.max(0, time - now)) or ""
return { entries, wait, numbers() }
