-- A worker ends: what it still has goes back, its name is free, only what is known of its files stays. ARGV: run,
-- worker, latest, why all stop ("": they do not).
local worker, stop = ARGV[2], ARGV[4]
local refused = begin()
if refused then return refused end
local leased = call("HGETALL", LEASED)
for i = 1, #leased, 2 do
  local lease = cmsgpack.unpack(leased[i + 1])
  if lease.worker == worker then take_back(leased[i], lease) end
end
go(worker)
call("DEL", NEWS) -- so that nothing is left when all have gone; others meet what they were not told as before
if stop ~= "" then call("HSET", CONF, "stop", stop) end
save()
return { numbers(), call("HGETALL", STATS) }
