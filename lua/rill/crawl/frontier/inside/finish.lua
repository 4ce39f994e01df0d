-- Commits a batch: all of it, or nothing. ARGV: run, worker, latest, number of the batch, number of the last one, head
-- as JSON, then what the head and the links name by index. Links from head.first on, six words each: fingerprint,
-- bucket, index of the origin, rank, traps, record.
local worker, number, last, head = ARGV[2], ARGV[4], ARGV[5], cjson.decode(ARGV[6])
local W = P .. "w:" .. worker
local TRAPS = { h = "per_host", p = "per_path", s = "per_shape" }

local refused = begin()
if refused then return refused end
local kept = call("HGET", W, "batch") or "0"
if kept == number then return { "ok", call("HGET", W, "reply"), numbers(), call("HGETALL", STATS) } end
if kept ~= last then return { "rewound", kept, call("HGETALL", W) } end

local leases, lost = {}, {}
for i, outcome in ipairs(head.outcomes) do
  local lease = lease_of(outcome.id)
  leases[i] = lease
  if not lease or lease.worker ~= worker then lost[#lost + 1] = outcome.id end
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
local function count_run(outcome, is_duplicate)
  local field = "r" .. ARGV[outcome.run]
  if is_duplicate then
    runs[#runs + 1] = call("HINCRBY", SHAPE, field, 1)
  else
    call("HDEL", SHAPE, field)
    runs[#runs + 1] = 0
  end
end

for i, outcome in ipairs(head.outcomes) do
  local lease = leases[i]
  settle(lease, outcome.result)
  end_lease(outcome.id)
  if outcome.kind == "robots" then
    local o, robots = origin_of(lease.origin), outcome.robots
    if robots.body then robots.body = ARGV[robots.body] end
    origin.robots(o, robots, head.options, now)
    if o.robots and o.robots.at == now then
      call("HSET", P .. "o:" .. o.key, "robots", o.robots.body or "")
      o.robots.body, o.robots.parsed = nil, nil
    end
  elseif outcome.kind == "retry" then
    call("ZADD", LATER, string.format("%.6f", now + outcome.after), lease.origin .. "\0" .. ARGV[outcome.record])
    call("HINCRBY", STATS, "_queued", 1)
  elseif outcome.kind == "skip" and lease.kind == "page" then
    call("HINCRBY", STATS, "_taken", -1)
  end
  local was_there = outcome.body and call("SADD", P .. "body:" .. outcome.body[1], outcome.body[2]) == 0
  local is_known = outcome.unasked and was_there
  if is_known then known[#known + 1] = i end
  if outcome.run then count_run(outcome, outcome.duplicate or is_known) end
  if outcome.page then call("HSET", P .. "page:" .. outcome.page[1], outcome.page[2], ARGV[outcome.page[3]]) end
end

-- The trap that a new URL runs into; else it is counted.
local function trapped(o, traps)
  local fields = {}
  for at = 1, #traps, 9 do
    local name = TRAPS[string.sub(traps, at, at)]
    local limit = head.limits[name]
    if name == "per_host" then
      if o.found >= limit then return name end
    else
      local field = string.sub(traps, at, at + 8)
      if tonumber(call("HGET", SHAPE, field) or 0) >= limit then return name end
      fields[#fields + 1] = field
    end
  end
  o.found = o.found + 1
  for _, field in ipairs(fields) do call("HINCRBY", SHAPE, field, 1) end
end

local waiting, skips, added = {}, {}, 0 -- by queue: records
for at = head.first, #ARGV, 6 do
  local given, seen = head.origins[tonumber(ARGV[at + 2])], P .. "seen:" .. ARGV[at + 1]
  local is_new = call("SADD", seen, ARGV[at]) == 1
  local again = string.sub(ARGV[at + 4], 1, 1) == "+"
  if is_new or again then
    local o = origin_of(given[1], given[2])
    set_policy(o, given[2])
    local trap = is_new and not again and trapped(o, ARGV[at + 4])
    if trap then
      call("SREM", seen, ARGV[at])
      skips[#skips + 1] = { (at - head.first) / 6 + 1, trap }
      call("HINCRBY", STATS, "skipped:" .. trap, 1)
    else
      local rank = tonumber(ARGV[at + 3])
      add_rank(o, rank)
      local queue = queue_of(o, string.format("%d", rank))
      local list = waiting[queue]
      if not list then
        list = {}
        waiting[queue] = list
      end
      list[#list + 1] = ARGV[at + 5]
      added = added + 1
    end
  end
end
for queue, list in pairs(waiting) do
  for at = 1, #list, 1000 do call("RPUSH", queue, unpack(list, at, math.min(#list, at + 999))) end
end
if added > 0 then call("HINCRBY", STATS, "_queued", added) end
save()

local reply = cjson.encode { skips = skips, runs = runs, known = known }
call("HSET", W, "reply", reply)
return { "ok", reply, numbers(), call("HGETALL", STATS) }
