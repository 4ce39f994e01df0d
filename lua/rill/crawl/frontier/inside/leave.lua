-- A worker ends: what it still has goes back, its name is free, only what is known of its files stays. ARGV: run,
-- worker, latest, why all stop ("": they do not).
local worker, stop = ARGV[2], ARGV[4]
local refused = begin()
if refused then return refused end
take_all_back(function(lease) return lease.worker == worker end)
go(worker)
call("DEL", NEWS) -- so that nothing is left when all have gone; others meet what they were not told as before
if stop ~= "" then call("HSET", CONF, "stop", stop) end
save()
return { numbers(), call("HGETALL", STATS) }
