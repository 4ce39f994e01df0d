-- What documents ask of the kernel: for spec/html/document_cost_spec.lua, which starts this with build/count.so
-- preloaded.
--
-- Prints, for one thousand documents that are asked four times each: `mappings` and `clocks`.
local ffi = require "ffi"
local html = require "rill.html"

ffi.cdef [[
typedef struct count_totals { double allocations, reads, writes, waits, others, mappings, clocks; } count_totals;
void count_take(count_totals *to);
]]

local DOCUMENTS, SELECTORS = 1000, { "title::text", "p:first-of-type", "p:last-of-type::text", "a::attr(href)" }

jit.off() -- what LuaJIT compiles is mapped too
local page = "<title>1</title>" .. ("<p>x</p><a href=/1>y</a>"):rep(20)
local before, after = ffi.new "count_totals", ffi.new "count_totals"
for i = 0, DOCUMENTS do
  if i == 1 then ffi.C.count_take(before) end
  local document = html.document(page)
  for _, selector in ipairs(SELECTORS) do assert(document:css(selector)[1]) end
  document:close()
end
ffi.C.count_take(after)
for _, name in ipairs { "mappings", "clocks" } do print(("%s %.0f"):format(name, after[name] - before[name])) end
