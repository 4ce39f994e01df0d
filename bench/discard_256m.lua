-- A large body that C reads in pieces and drops: the C interface as it is, no Lua string is made. A unit is a MiB.
local ffi = require("ffi")
local C = require("rill.clib")
local program = require("program")

local MOST = 64 * 2 ^ 10 -- bytes of one read

local err = ffi.new("rill_error")
local loop = C.rill_loop_new(err)
local options, client, id = ffi.new("rill_options"), ffi.new("rill_id"), ffi.new("rill_id")
local request, events, data = ffi.new("rill_request"), ffi.new("rill_event[64]"), ffi.new("const char *[1]")

local function check(result)
  if result < 0 then error(ffi.string(err.message), 2) end
end

C.rill_options_init(options)
options.tls.ca_file = program.ca
check(C.rill_client_new(loop, options, client, err))
C.rill_request_init(request)
request.url, request.url_length, request.stream = program.url, #program.url, true
check(C.rill_request_start(loop, client, request, id, err))

local bytes, closed = 0, false
while not closed do
  local count = C.rill_poll(loop, events, 64, -1)
  check(count)
  for i = 0, count - 1 do
    closed = closed or events[i].type == C.RILL_EVENT_CLOSED
  end
  local length
  repeat
    length = C.rill_stream_read(loop, id.slot, id.generation, MOST, data)
    check(length)
    bytes = bytes + length
  until length == 0
end

C.rill_loop_free(loop)
program.done(bytes / 2 ^ 20)
