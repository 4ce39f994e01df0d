-- Redis' clock has jumped ahead, as a worker knows: the crawl's does not follow, unless another worker has worked by it
-- since. ARGV: run, worker, latest, seconds, what it showed, what was added to it already.
local latest, ahead, at, shift = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local kept = call("HMGET", CONF, "run", "shift", "clock", "lease")
if kept[1] ~= asker() then return GONE end
if (kept[2] or "0") ~= shift or at - ahead + CLOCK_KEPT < tonumber(kept[3] or 0) then
  set_clock(nil, kept[2], kept[3], kept[4])
  return 0
end
shift = string.format("%.6f", tonumber(shift) - ahead)
call("HSET", CONF, "shift", shift)
return set_clock(latest, shift, kept[3], kept[4]) or 1
