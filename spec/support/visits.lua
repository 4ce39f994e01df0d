-- What connections cost that come and go: for spec/task/cost_spec.lua, which starts this with build/count.so preloaded.
--
--     luajit visits.lua URL CA-FILE
--
-- Prints `mappings`, how often memory was mapped and unmapped for one hundred connections, one after the other.
local ffi = require "ffi"
local rill = require "rill"

ffi.cdef [[
typedef struct count_totals { double allocations, reads, writes, waits, others, mappings, clocks; } count_totals;
void count_take(count_totals *to);
]]

jit.off() -- for each trace LuaJIT asks for its code's pages to be writable and back: as often as it finds code hot

local WARM_UP, COUNTED = 20, 100 -- connections

local url, ca = arg[1], arg[2]
local before, after = ffi.new "count_totals", ffi.new "count_totals"

rill.run(function()
  for i = 1, WARM_UP + COUNTED do
    if i == WARM_UP + 1 then
      collectgarbage()
      collectgarbage "stop" -- Lua's own memory is mapped, too: as much as it grows, and no more
      ffi.C.count_take(before)
    end
    local client = rill.client { tls = { ca_file = ca } }
    assert(assert(client:get(url)).status == 200)
    client:close()
  end
  ffi.C.count_take(after)
end)
print(("mappings %.0f"):format(after.mappings - before.mappings))
