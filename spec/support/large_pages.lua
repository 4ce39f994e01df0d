-- Crawls, then prints how many KiB of its memory want large pages, and how many bytes of small blocks lie where they
-- were freed: for spec/crawl/large_pages_spec.lua.
local crawl = require "rill.crawl"
local ffi = require "ffi"

ffi.cdef [[
void *malloc(size_t size);
void free(void *block);
struct mallinfo2 { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost; };
struct mallinfo2 mallinfo2(void); /* glibc */
]]

assert(crawl { start = "http://127.0.0.1:1/", robots = false, retries = 0, progress = false, out = function() end })
local size, wanted = 0, 0
for line in io.lines "/proc/self/smaps" do
  size = tonumber(line:match "^Size:%s+(%d+) kB" or size)
  if line:find "^VmFlags:.* hg" then wanted = wanted + size end
end
print(("large %d"):format(wanted))
local blocks = {}
for i = 1, 100 do blocks[i] = ffi.C.malloc(40) end -- more than each thread keeps for itself
for i = 1, 100 do ffi.C.free(blocks[i]) end
local known, info = pcall(function() return ffi.C.mallinfo2() end)
print(("lying %d"):format(known and tonumber(info.fsmblks) or 0))
