-- What a request costs in memory below Lua: sent and unanswered, and queued because no stream is free. The C
-- interface is used as it is, and all that malloc() has given is counted: librill, libnghttp2 and the rest.
-- The server is so far away that it answers after everything has been measured.
local ffi = require("ffi")
local C = require("rill.clib")
local program = require("program")

ffi.cdef [[
struct bench_mallinfo { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, rest[2]; };
struct bench_mallinfo mallinfo2(void);
]]

local STREAMS, QUEUED = 900, 50000 -- nghttpd is told to take 1,000 at a time

local err = ffi.new("rill_error")
local loop = C.rill_loop_new(err)
local options, client, id = ffi.new("rill_options"), ffi.new("rill_id"), ffi.new("rill_id")
local request, events, stats = ffi.new("rill_request"), ffi.new("rill_event[64]"), ffi.new("rill_stats")

local function check(result)
  if result < 0 then error(ffi.string(err.message), 2) end
end

local function allocated()
  local info = ffi.C.mallinfo2()
  return tonumber(info.uordblks + info.hblkhd)
end

local function start(count)
  for i = 1, count do
    local url = ("%s?n=%d"):format(program.url, i)
    request.url, request.url_length = url, #url
    check(C.rill_request_start(loop, client, request, id, err))
  end
end

-- Polls until `done()`; gives how many requests were answered meanwhile.
local function poll(done)
  local answered = 0
  repeat
    local count = C.rill_poll(loop, events, 64, 100)
    check(count)
    for i = 0, count - 1 do
      assert(events[i].type == C.RILL_EVENT_RESPONSE, "a request failed")
      if events[i].large ~= nil then C.rill_body_free(events[i].large) end
      answered = answered + 1
    end
    C.rill_client_stats(loop, client.slot, client.generation, stats)
  until done(answered)
  return answered
end

C.rill_options_init(options)
options.tls.ca_file, options.max_streams = program.ca, STREAMS
check(C.rill_client_new(loop, options, client, err))
C.rill_request_init(request)

start(1)
poll(function(answered) return answered == 1 end)

local idle = allocated()
start(STREAMS)
local early = poll(function() return stats.streams == STREAMS end)
local sent = allocated()
start(QUEUED)
early = early + poll(function() return stats.pending == QUEUED end)
local queued = allocated()
assert(early == 0, "answers came before everything was measured")

C.rill_client_close(loop, client.slot, client.generation)
C.rill_loop_free(loop)
program.done(STREAMS + QUEUED, {
  kib_per_stream = (sent - idle) / STREAMS / 1024,
  kib_per_queued_request = (queued - sent) / QUEUED / 1024,
})
