--- A file that grows beyond `ulimit -f`: unless told otherwise, the kernel ends the process with a signal, in the
--- middle of a record. Where that is ignored the write fails, and a crawl ends as it does on a full disk;
--- but where the file is one page's body (`save`) the others may be written.
local ffi = require("rill.core.ffi")

local SIGXFSZ = 25 -- Linux
local IGNORE = ffi.cast("void *", 1)

pcall(ffi.cdef, "void *signal(int number, void *handler);")

local is_done = false

--- Ignores that signal from now on, in all of the process, unless it has a handler of its own.
return function()
  if is_done then return end
  is_done = true
  local before = ffi.C.signal(SIGXFSZ, IGNORE)
  if before ~= nil then ffi.C.signal(SIGXFSZ, before) end
end
