-- Makes the state, or joins it. ARGV: run (for a new one), format, key, buckets, conf, worker, owner, seconds until its
-- name is free, "1" where pages are remembered, "1" where they are asked for again, which node of how many this is (""
-- for the only one), "1" where it must be there, workers that are known to be dead: name and
-- owner of each.
local run, format, key, buckets, conf, worker, owner, alive, remember, recrawl =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8]), ARGV[9], ARGV[10]
local node, old = ARGV[11], ARGV[12]
local FIRST_DEAD = 13
local shortest -- of the leases so far

local function kind_of(name)
  return call("TYPE", P .. name).ok
end

local TYPES = { conf = "hash", due = "zset", later = "zset", lease = "zset", leased = "hash", stats = "hash",
  shape = "hash", workers = "set", scope = "set", news = "list" }
for name, wanted in pairs(TYPES) do
  local kind = kind_of(name)
  if kind ~= "none" then
    if kind ~= wanted then return { "corrupt", P .. name .. " is a " .. kind .. ", not a " .. wanted } end
    if kind_of "conf" == "none" then return { "corrupt", P .. name .. " is there, and no " .. CONF } end
  end
end

local is_new = call("EXISTS", CONF) == 0
if is_new and old == "1" then return { "corrupt", "the state is gone here, and its other nodes have theirs" } end
if not is_new then
  local kept = call("HMGET", CONF, "format", "key", "run", "buckets", "remember", "node", "shift", "clock", "lease")
  if not kept[1] or not kept[3] then return { "corrupt", CONF .. " is not a crawl's" } end
  if kept[1] ~= format then return { "version", kept[1] } end
  if (kept[6] or "") ~= node then return { "nodes", kept[6] or "" } end
  if kept[2] ~= key then return { "key", kept[2] } end
  if recrawl == "1" and kept[5] ~= "1" then return { "recrawl", "its pages were not remembered" } end
  run, buckets = kept[3], kept[4]
  set_clock(nil, kept[7], kept[8], kept[9])
  shortest = tonumber(kept[9])
end

local W = P .. "w:" .. worker
local before = call("HMGET", W, "owner", "alive")
if before[1] and before[1] ~= owner and tonumber(before[2] or 0) > now then
  local is_dead = false
  for i = FIRST_DEAD, #ARGV, 2 do is_dead = is_dead or ARGV[i] == worker and ARGV[i + 1] == before[1] end
  if not is_dead then return { "worker", before[1], tostring(math.ceil(tonumber(before[2]) - now)) } end
end

if is_new then
  call("HSET", CONF, "format", format, "key", key, "run", run, "buckets", buckets, "conf", conf, "remember", remember,
    "node", node)
else
  call("HSET", CONF, "conf", conf)
end
mark_files(W)
enter(worker, owner)
stay(worker, alive)

-- What dead workers of this machine, and an earlier life of this one, had goes back at once.
local dead = { [worker] = true }
for i = FIRST_DEAD, #ARGV, 2 do
  local name, holder = ARGV[i], ARGV[i + 1]
  if name ~= worker and call("HGET", P .. "w:" .. name, "owner") == holder then
    dead[name] = true
    mark_files(P .. "w:" .. name)
    go(name)
  end
end
take_all_back(function(lease) return dead[lease.worker] end)
save()

-- Where nobody else is at work, a stop has ended, and other workers' leases do not count. Else the shortest one does:
-- who has it renews first, see set_clock().
local others = 0
for _, name in ipairs(call("SMEMBERS", P .. "workers")) do
  if name ~= worker and tonumber(call("HGET", P .. "w:" .. name, "alive") or 0) > now then others = others + 1 end
  if call("EXISTS", P .. "w:" .. name) == 0 then call("SREM", P .. "workers", name) end
end
if others == 0 then
  call("HDEL", CONF, "stop")
  shortest = nil
end
call("HSET", CONF, "lease", string.format("%.3f", math.min(alive, shortest or alive)))

return { "ok", run, buckets, is_new and 1 or 0, call("HGETALL", W), call("SMEMBERS", P .. "scope"), numbers() }
