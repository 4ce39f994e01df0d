-- A worker's file is known from now on, before it is there. ARGV: run, worker, latest, path, length.
local worker, path, length = ARGV[2], ARGV[4], ARGV[5]
local refused = begin()
if refused then return refused end
call("HSET", P .. "w:" .. worker, "out:" .. path, length, "files", "1")
call("PERSIST", P .. "w:" .. worker)
return 1
