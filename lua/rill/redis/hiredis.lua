--- hiredis, through the FFI: loaded on first use.
local ffi = require("rill.core.ffi")

local M = {}

-- The fields of hiredis' structures differ between its versions 0.14 and 1.x. The file name of a library shows which it
-- has; that of 1.2 is 1.1's. Name, and what stands in two places of the declarations below.
local LAYOUTS = {
  { "libhiredis.so.0.14", "", "" },
  { "libhiredis.so.1.4.0", "const void *funcs;", "double dval;" },
  { "libhiredis.so.1.3.0", "const void *funcs;", "double dval;" },
  { "libhiredis.so.1.1.0", "const void *funcs;", "double dval;" },
  { "libhiredis.so.1.0.0", "const void *funcs;", "double dval;" },
}

local DECLARED = [[
  typedef struct rill_redis_reply {
    int type; long long integer; %s size_t length; char *text; %s size_t elements; struct rill_redis_reply **element;
  } rill_redis_reply;
  typedef struct rill_redis_context { %s int err; char errstr[128]; int fd; } rill_redis_context;
  rill_redis_context *redisConnectNonBlock(const char *host, int port);
  rill_redis_context *redisConnectUnixNonBlock(const char *path);
  void redisFree(rill_redis_context *context);
  void *redisReaderCreate(void);
  void redisReaderFree(void *reader);
  int redisReaderFeed(void *reader, const char *bytes, size_t length);
  int redisReaderGetReply(void *reader, void **reply);
  void freeReplyObject(void *reply);
]]

local library

--- Gets the library.
---@return ffi.namespace*? library nil: it is not installed
function M.load()
  if library then return library end
  for _, layout in ipairs(LAYOUTS) do
    local found, loaded = pcall(ffi.load, layout[1])
    if found then
      local is_new = layout[3] ~= ""
      ffi.cdef(DECLARED:format(layout[3], is_new and "char vtype[4];" or "", layout[2]))
      library = loaded
      return library
    end
  end
  return nil
end

return M
