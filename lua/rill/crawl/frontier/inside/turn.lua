-- One worker after the other takes where pages are counted over several nodes. ARGV: run, worker, latest, then the
-- number of a turn that ends, or "" for a new one. Answers with its number; 0: another worker has one.
local ending = ARGV[4]
local LONGEST = 5 -- seconds; a later turn shuts an earlier one out, so nothing goes wrong when this is too short
local refused = begin()
if refused then return refused end
if ending ~= "" then
  if call("HGET", CONF, "turn") == ending then call("HSET", CONF, "turn_until", "0") end
  return 1
end
if tonumber(call("HGET", CONF, "turn_until") or 0) > now then return 0 end
local turn = call("HINCRBY", CONF, "turn", 1)
call("HSET", CONF, "turn_until", string.format("%.3f", now + LONGEST))
return turn
