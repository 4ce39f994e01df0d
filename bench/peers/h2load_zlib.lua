-- h2load, and then what zlib takes for the same bodies: `h2load_zlib.lua URL CA-FILE COUNT FILES`. The bodies are
-- FILES0.gz to FILES255.gz; one inflater is used again for all of them. Both are CPU of this process.
local ffi = require("ffi")

ffi.cdef [[
struct bench_inflate {
  const char *next_in; unsigned avail_in; unsigned long total_in;
  char *next_out; unsigned avail_out; unsigned long total_out;
  const char *msg; void *state, *zalloc, *zfree, *opaque; int data_type; unsigned long adler, reserved;
};
int inflateInit2_(struct bench_inflate *z, int bits, const char *version, int size);
int inflate(struct bench_inflate *z, int flush);
int inflateReset(struct bench_inflate *z);
]]
local zlib = ffi.load("z")

local GZIP = 15 + 16 -- the window's bits, and that a gzip header is there
local FINISH, STREAM_END = 4, 1
local SIZE, ROOM, FILES = 65536, 66000, 256

local url, count, files = arg[1], tonumber(arg[3]), arg[4]
local h2load = assert(io.popen(("h2load -n%d -c1 -m100 -H 'accept-encoding: gzip' '%s0'"):format(count, url)))
local said = h2load:read("*a")
h2load:close()
assert(said:find((" %d succeeded, 0 failed"):format(count), 1, true), said)
assert(said:find(("status codes: %d 2xx"):format(count), 1, true), said)

local bodies = {}
for i = 0, FILES - 1 do
  local file = assert(io.open(("%s%d.gz"):format(files, i), "rb"))
  bodies[i] = file:read("*a")
  file:close()
end

local z, out = ffi.new("struct bench_inflate"), ffi.new("char[?]", ROOM)
assert(zlib.inflateInit2_(z, GZIP, "1.2.0", ffi.sizeof(z)) == 0)
for i = 1, count do
  local body = bodies[i % FILES]
  z.next_in, z.avail_in, z.next_out, z.avail_out = body, #body, out, ROOM
  local code = zlib.inflate(z, FINISH)
  assert(code == STREAM_END and z.total_out == SIZE, "inflate: " .. code)
  zlib.inflateReset(z)
end
print(("units %d"):format(count))
