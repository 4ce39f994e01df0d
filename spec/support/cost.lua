-- What a request costs in steady state: for spec/task/cost_spec.lua, which starts this with build/count.so preloaded.
--
--     luajit cost.lua URL CA-FILE STREAMS PROTOCOL [luv]
--
-- on rill's own loop, or on that of the module luv.
-- Prints, for one thousand GETs of URL: `allocations`, `reads`, `writes`, `waits`, `others` (system calls), and for
-- one GET `lua_bytes`, what it leaves to the collector.
local ffi = require "ffi"
local rill = require "rill"

ffi.cdef [[
typedef struct count_totals { double allocations, reads, writes, waits, others, mappings, clocks; } count_totals;
void count_take(count_totals *to);
]]

local WARM_UP, COUNTED, UNCOLLECTED = 5000, 20000, 5000 -- requests
local NAMES = { "allocations", "reads", "writes", "waits", "others" }

local url, ca, streams, protocol = arg[1], arg[2], tonumber(arg[3]), arg[4]
if arg[5] then rill.use(arg[5]) end
local before, after = ffi.new "count_totals", ffi.new "count_totals"
local bytes_before, bytes_after

-- What happens before request number `i` is made.
local function on_request(i)
  if i == WARM_UP then
    ffi.C.count_take(before)
  elseif i == WARM_UP + COUNTED then
    ffi.C.count_take(after)
    collectgarbage()
    collectgarbage "stop"
    bytes_before = collectgarbage "count"
  elseif i == WARM_UP + COUNTED + UNCOLLECTED then
    bytes_after = collectgarbage "count"
    collectgarbage "restart"
  end
end

rill.run(function()
  local client, taken = rill.client { tls = { ca_file = ca }, protocols = { protocol } }, 0
  local function work()
    while taken < WARM_UP + COUNTED + UNCOLLECTED do
      taken = taken + 1
      on_request(taken)
      local response = assert(client:get(url))
      assert(response.status == 200 and #response.body > 0)
    end
    return true
  end
  local tasks = {}
  for i = 1, streams do tasks[i] = rill.spawn(work) end
  for i = 1, streams do assert(tasks[i]:join()) end
end)

for _, name in ipairs(NAMES) do
  print(("%s %.1f"):format(name, (after[name] - before[name]) / COUNTED * 1000))
end
print(("lua_bytes %.0f"):format((bytes_after - bytes_before) * 1024 / UNCOLLECTED))
