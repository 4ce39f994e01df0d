-- What is known already. ARGV: run, worker, latest, then pairs: "seen:BUCKET" or "body:BUCKET", fingerprint. 1 or 0 for
-- each.
local refused = begin()
if refused then return refused end
local known = {}
for i = 4, #ARGV, 2 do known[#known + 1] = call("SISMEMBER", P .. ARGV[i], ARGV[i + 1]) end
return known
