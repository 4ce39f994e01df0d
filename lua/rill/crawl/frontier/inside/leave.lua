-- A worker ends: what it still has goes back, its name is free. ARGV: run, worker, why all stop ("": they do not).
local run, worker, stop = ARGV[1], ARGV[2], ARGV[3]
if is_gone(run) then return GONE end
local leased = call("HGETALL", LEASED)
for i = 1, #leased, 2 do
  local lease = cmsgpack.unpack(leased[i + 1])
  if lease.worker == worker then take_back(leased[i], lease) end
end
call("HDEL", P .. "w:" .. worker, "alive")
if stop ~= "" then call("HSET", CONF, "stop", stop) end
save()
return { numbers(), call("HGETALL", STATS) }
