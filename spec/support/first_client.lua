-- What a process' first client allocates: for spec/task/cost_spec.lua, which starts this with build/count.so preloaded.
-- Prints the number of allocations of one with the usual TLS options and of one that names some.
local ffi = require "ffi"
local rill = require "rill"

ffi.cdef [[
typedef struct count_totals { double allocations, reads, writes, waits, others, mappings, clocks; } count_totals;
void count_take(count_totals *to);
]]

local before, after = ffi.new "count_totals", ffi.new "count_totals"

local function count(name, options)
  ffi.C.count_take(before)
  rill.client(options)
  ffi.C.count_take(after)
  print(("%s %d"):format(name, after.allocations - before.allocations))
end

count("usual", {})
count("named", { tls = { min_version = "1.3" } })
