-- What is known already. ARGV: run, worker, then pairs: "seen:BUCKET" or "body:BUCKET", fingerprint. 1 or 0 for each.
if is_gone(ARGV[1]) then return GONE end
local known = {}
for i = 3, #ARGV, 2 do known[#known + 1] = call("SISMEMBER", P .. ARGV[i], ARGV[i + 1]) end
return known
