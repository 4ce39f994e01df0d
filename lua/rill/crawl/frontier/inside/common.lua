-- Runs inside Redis, before each of the scripts beside it: keys, clock, origins, leases. `origin` is rill.crawl.origin.
-- Nothing is written before a script has checked what it was given: an error in the middle would keep the half.
local P = string.sub(KEYS[1], 1, -5) -- the key is "{name}:conf"
local CONF, DUE, LATER, LEASE, LEASED, STATS, SHAPE, NEWS =
  P .. "conf", P .. "due", P .. "later", P .. "lease", P .. "leased", P .. "stats", P .. "shape", P .. "news"
local call, byte, format, sub = redis.call, string.byte, string.format, string.sub

local CLOCK_KEPT = 1 -- seconds after which what the clock shows is written down again
local QUIET = 5 -- seconds without a step, at least, that mean that Redis was away
local GONE = { err = "GONE the state is not there any more" }
local REPLACED = { err = "REPLACED another worker has taken the name: this one stood still for longer than its lease" }
local SLICE = 1000 -- words that are handed to a command at once: Lua's room for them is limited
local FORGOTTEN = 86400 -- seconds after its last step in which a worker without files is forgotten

local clock = call("TIME")
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
math.randomseed(tonumber(clock[2]))

-- When a lease ends, as LEASE has it: in whole microseconds. Redis looks at some hundred such numbers for each lease
-- that a worker gets, and reads what is no whole number from text each time.
local function lease_end(time)
  return string.format("%.0f", time * 1e6)
end

-- While no step was taken, for longer than a worker that lives waits to renew its leases, nobody could: Redis was away.
-- That time does not count for leases, nor for the workers' names.
local function spare(quiet)
  local list = call("ZRANGE", LEASE, 0, -1, "WITHSCORES")
  for i = 1, #list, 2 do call("ZADD", LEASE, lease_end(tonumber(list[i + 1]) / 1e6 + quiet), list[i]) end
  for _, name in ipairs(call("SMEMBERS", P .. "workers")) do
    local alive = call("HGET", P .. "w:" .. name, "alive")
    if alive then call("HSET", P .. "w:" .. name, "alive", string.format("%.3f", tonumber(alive) + quiet)) end
  end
end

-- The crawl's clock is Redis', and what it was set right by. It never goes back; what is later than a worker knows it
-- can be is refused. Whoever sets it spares what ran out meanwhile: from then on the pause is not seen any more. The
-- last three are fields of CONF: shift, clock, lease.
local function set_clock(latest, shift, last, lease)
  shift, last, lease = shift or "0", tonumber(last or 0), tonumber(lease)
  now = now + tonumber(shift)
  if latest and now > latest then return { err = string.format("CLOCK %.6f %s", now, shift) } end
  if now < last then
    call("HSET", CONF, "shift", string.format("%.6f", tonumber(shift) + last - now))
    now = last
    return
  end
  if last > 0 and lease and now - last >= math.max(QUIET, lease / 2) then spare(now - last) end
  if now >= last + CLOCK_KEPT then call("HSET", CONF, "clock", string.format("%.6f", now)) end
end

-- A worker joins, or takes another one's place.
local function enter(name, owner)
  local W = P .. "w:" .. name
  call("HSET", W, "owner", owner)
  call("EXPIRE", W, FORGOTTEN) -- until stay() has said for how long it is kept
  if call("SADD", P .. "workers", name) == 1 then call("HINCRBY", CONF, "joined", 1) end
end

-- It lives for so many seconds more. How much of its files is committed is kept for as long as the crawl; without files
-- nothing of it is needed later.
local function stay(name, seconds)
  local W = P .. "w:" .. name
  call("HSET", W, "alive", string.format("%.3f", now + seconds))
  if call("HEXISTS", W, "files") == 0 then
    call("EXPIRE", W, math.ceil(math.max(FORGOTTEN, 10 * seconds)))
  else
    call("PERSIST", W)
  end
end

-- A rill that did not know of the field `files` has written those of files alone.
local function mark_files(W)
  for _, field in ipairs(call("HKEYS", W)) do
    if string.sub(field, 1, 4) == "out:" then call("HSET", W, "files", "1") end
  end
end

-- It has ended: only what is known of its files stays, and whose they were.
local function go(name)
  local W = P .. "w:" .. name
  if call("HEXISTS", W, "files") == 1 then
    call("HDEL", W, "alive", "reply")
  else
    call("DEL", W)
    call("SREM", P .. "workers", name)
  end
end

-- The words of a step that says who asks: the run, and the owner of the worker's name.
local function asker()
  return string.match(ARGV[1], "^(%S+) (.*)$")
end

-- Whether the name is the asker's. One that was forgotten is taken again: nobody else has it.
local function is_replaced(owner)
  local holder = call("HGET", P .. "w:" .. ARGV[2], "owner")
  if not holder then enter(ARGV[2], owner) end
  return holder and holder ~= owner
end

-- Whether a step may be taken; else what it answers. Each begins with it: run and owner, worker, what the clock can
-- show at most are its first words.
local function begin()
  local kept = call("HMGET", CONF, "run", "shift", "clock", "lease")
  local run, owner = asker()
  if kept[1] ~= run then return GONE end
  if is_replaced(owner) then return REPLACED end
  return set_clock(tonumber(ARGV[3]), kept[2], kept[3], kept[4])
end

local origins = {} -- those that this script has looked at, by name: save() writes them all

local function origin_of(name, policy)
  local o = origins[name]
  if o then return o end
  local packed = call("HGET", P .. "o:" .. name, "state")
  if packed then
    o = cmsgpack.unpack(packed)
  else
    o = origin.new(name, policy)
    o.ranks, o.ready, o.found = {}, 0, 0
    call("HINCRBY", STATS, "_origins", 1)
  end
  origins[name] = o
  return o
end

-- A later run may be more polite, or less.
local function set_policy(o, policy)
  if policy.concurrency ~= o.policy.concurrency then o.limit = policy.concurrency end
  o.policy = policy
end

local function queue_of(o, rank)
  return P .. "q:" .. o.key .. ":" .. rank
end

-- Repeats, and what came back: it was counted already, and goes first.
local function make_ready(o, record, at_head)
  call(at_head and "LPUSH" or "RPUSH", queue_of(o, "r"), record)
  o.ready = o.ready + 1
  call("HINCRBY", STATS, "_queued", 1)
end

local function add_rank(o, rank)
  local at = 1
  while o.ranks[at] and o.ranks[at] < rank do at = at + 1 end
  if o.ranks[at] ~= rank then table.insert(o.ranks, at, rank) end
end

local function has_work(o)
  return o.ready > 0 or o.ranks[1] ~= nil
end

local function save()
  for name, o in pairs(origins) do
    call("HSET", P .. "o:" .. name, "state", cmsgpack.pack(o))
    local time = has_work(o) and origin.due(o, now) or nil
    if time then
      call("ZADD", DUE, string.format("%.6f", time), name)
    else
      call("ZREM", DUE, name)
    end
  end
end

-- A command with more words behind its key than it may be given at once.
local function call_with(command, key, words)
  for at = 1, #words, SLICE do call(command, key, unpack(words, at, math.min(#words, at + SLICE - 1))) end
end

-- A lease, as LEASED holds it, is a head, which many have alike, and its record. A head: how long it is, "1" where the
-- request has ended, the kind, the worker behind its length, the origin. Kinds: "p" a page, "s" a sitemap, "r"
-- robots.txt.
local HEAD, REST = ">I4c1c1I4c0", 10 -- REST: bytes of a head beside the worker and the origin

local function lease_head(ended, kind, worker, name)
  return struct.pack(HEAD, REST + #worker + #name, ended, kind, #worker, worker) .. name
end

local function read_head(head)
  local length, ended, kind, worker, at = struct.unpack(HEAD, head)
  local name = sub(head, at)
  return { settled = ended == "1", kind = kind, worker = worker, origin = name, length = length,
    ended = lease_head("1", kind, worker, name) }
end

local heads = {} -- those that this script has looked at
local function head_of(packed)
  local a, b, c, d = byte(packed, 1, 4)
  local head = sub(packed, 1, ((a * 256 + b) * 256 + c) * 256 + d)
  local lease = heads[head]
  if not lease then
    lease = read_head(head)
    heads[head] = lease
  end
  return lease
end

local function record_of(packed, lease)
  return sub(packed, lease.length + 1)
end

-- The heads of ids' leases, in their order, and the leases themselves; false where there is none.
local function leases_of(ids)
  local leases, all = {}, {}
  for at = 1, #ids, SLICE do
    local list = call("HMGET", LEASED, unpack(ids, at, math.min(#ids, at + SLICE - 1)))
    for i = 1, #list do
      local packed = list[i]
      leases[at + i - 1], all[at + i - 1] = packed and head_of(packed), packed
    end
  end
  return leases, all
end

local function end_lease(id)
  call("ZREM", LEASE, id)
  call("HDEL", LEASED, id)
end

-- What a worker had and has not finished: it goes back.
local function take_back(id, lease, packed)
  local o = origin_of(lease.origin)
  if not lease.settled then o.in_flight = math.max(0, o.in_flight - 1) end
  if lease.kind == "r" then
    o.asking = false
  else
    make_ready(o, record_of(packed, lease), true)
  end
  end_lease(id)
end

-- Puts back into the queues the pages of every lease for which is_lost(lease, id) is true: its worker is dead, or does
-- not know of it.
local function take_all_back(is_lost)
  local leased = call("HGETALL", LEASED)
  for i = 1, #leased, 2 do
    local lease = head_of(leased[i + 1])
    if is_lost(lease, leased[i]) then take_back(leased[i], lease, leased[i + 1]) end
  end
end

-- result: how a request has ended; microseconds where it went well, which is all there is to say of it.
local function settle(lease, result)
  if lease.settled then return end
  local o = origin_of(lease.origin)
  if type(result) == "number" then result = { kind = "ok", latency = result / 1e6 } end
  origin.finish(o, result, now)
  if result.skip then o.dead = { skip = result.skip } end
end

-- { queued, in flight, origins, stop, size of the scope, workers that there have ever been, leases that there have ever
-- been, pages taken }
local function numbers()
  local stats, conf = call("HMGET", STATS, "_queued", "_origins", "_taken"), call("HMGET", CONF, "stop", "joined")
  return { tonumber(stats[1] or 0), call("ZCARD", LEASE), tonumber(stats[2] or 0), conf[1] or "",
    call("SCARD", P .. "scope"), math.max(call("SCARD", P .. "workers"), tonumber(conf[2] or 0)),
    tonumber(call("GET", P .. "seq") or 0), tonumber(stats[3] or 0) }
end
