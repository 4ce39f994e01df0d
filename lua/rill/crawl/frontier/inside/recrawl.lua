-- Asks again for what was visited. ARGV: run, worker, latest, number of the first bucket that is looked at, number of
-- the one after the last ("" where there is none), then four words each: origin, policy as JSON, rank, record. Answers
-- with the number of the bucket that is next; "" when all were looked at, or there is other work.
local first, after = ARGV[4], ARGV[5]
local refused = begin()
if refused then return refused end
local at = call("HGET", CONF, "recrawl")
if not at then
  if first ~= "" then return "" end
  if tonumber(call("HGET", STATS, "_queued") or 0) > 0 or call("ZCARD", LEASE) > 0 then return "" end
  call("HSET", CONF, "recrawl", "0")
  local stats = call("HGETALL", STATS)
  for i = 1, #stats, 2 do
    if string.sub(stats[i], 1, 1) ~= "_" then call("HDEL", STATS, stats[i]) end
  end
  call("HDEL", STATS, "_taken")
  return "0"
end
if at ~= first then return at end -- another worker was faster
local added = 0
for i = 6, #ARGV, 4 do
  local o = origin_of(ARGV[i], cjson.decode(ARGV[i + 1]))
  local rank = tonumber(ARGV[i + 2])
  add_rank(o, rank)
  call("RPUSH", queue_of(o, string.format("%d", rank)), ARGV[i + 3])
  added = added + 1
end
if added > 0 then call("HINCRBY", STATS, "_queued", added) end
save()
if after == "" then
  call("HDEL", CONF, "recrawl")
else
  call("HSET", CONF, "recrawl", after)
end
return after
