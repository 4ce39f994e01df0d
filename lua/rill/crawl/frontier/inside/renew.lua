-- Keeps leases. ARGV: run, worker, latest, seconds, "1" where what is not named goes back, then ids. `finish` finds
-- lost ones.
local worker, seconds, all = ARGV[2], tonumber(ARGV[4]), ARGV[5] == "1"
local refused = begin()
if refused then return refused end
stay(worker, seconds)
local own = {}
for i = 6, #ARGV do
  local id = ARGV[i]
  own[id] = true
  if call("HEXISTS", LEASED, id) == 1 then call("ZADD", LEASE, lease_end(now + seconds), id) end
end
if all then
  take_all_back(function(lease, id) return lease.worker == worker and not own[id] end)
  save()
end
return 1
