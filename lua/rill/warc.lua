--- WARC 1.1 records (ISO 28500:2017), each a gzip member of its own: what a file of them is made of.
local ffi = require("rill.core.ffi")
local bit = require("bit")
local random = require("rill.core.random")
local rill = require("rill")

local band, rshift = bit.band, bit.rshift

local M = {}

local SLICE = 256 * 1024 -- bytes that are compressed before other tasks have their turn
local FINISH, NO_FLUSH = 4, 0
local GZIP, LEVEL = 16, 6
-- Streams as zlib makes them: window in bits, memory. Both tables of a large one have 64 KiB; one is cleared for each
-- member, which costs more than all else of most requests. A small text needs a small one.
local LARGE, SMALL = { window = 15, memory = 8 }, { window = 12, memory = 5 }
local SMALL_MOST = 4096 -- bytes of a text

for _, text in ipairs { "unsigned char *SHA1(const unsigned char *data, size_t length, unsigned char *digest);", [[
  typedef struct rill_z_stream {
    const unsigned char *next_in; unsigned avail_in; unsigned long total_in;
    unsigned char *next_out; unsigned avail_out; unsigned long total_out;
    const char *msg; void *state; void *zalloc; void *zfree; void *opaque; int data_type; unsigned long adler;
    unsigned long reserved;
  } rill_z_stream;]],
  "const char *zlibVersion(void);",
  "int deflateInit2_(rill_z_stream *stream, int level, int method, int bits, int memory, int strategy, "
    .. "const char *version, int size);",
  "int deflate(rill_z_stream *stream, int flush);", "int deflateReset(rill_z_stream *stream);",
  "int deflateEnd(rill_z_stream *stream);",
} do
  pcall(ffi.cdef, text)
end

local function load(name, package, ...)
  for _, file in ipairs { ... } do
    local found, library = pcall(ffi.load, file)
    if found then return library end
  end
  error(("rill.warc needs %s (Debian: %s)"):format(name, package), 0)
end

local z = load("zlib", "zlib1g", "libz.so.1", "z")
local crypto = load("libcrypto", "libssl3", "libcrypto.so.3", "libcrypto.so.1.1", "crypto")

local BASE32 = ffi.new("const char[33]", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
local DIGEST, LETTERS = 20, 32 -- bytes of a digest, and letters of five bits that they are
local digest, letters = ffi.new("unsigned char[?]", DIGEST), ffi.new("unsigned char[?]", LETTERS)

-- Five bytes are eight letters.
local function base32()
  for i = 0, DIGEST / 5 - 1 do
    local from, to = digest + 5 * i, letters + 8 * i
    local high = from[0] * 2 ^ 12 + from[1] * 16 + rshift(from[2], 4)
    local low = from[4] + from[3] * 256 + band(from[2], 15) * 2 ^ 16
    for k = 3, 0, -1 do
      to[k], to[k + 4] = BASE32[band(high, 31)], BASE32[band(low, 31)]
      high, low = rshift(high, 5), rshift(low, 5)
    end
  end
  return ffi.string(letters, LETTERS)
end

--- The digest of bytes as WARC has it: "sha1:" and 32 letters of base32 (RFC 4648).
---@param bytes string
---@return string
function M.digest(bytes)
  crypto.SHA1(bytes, #bytes, digest)
  return "sha1:" .. base32()
end

local UUID = 47 -- letters
local uuid = ffi.new("char[?]", UUID + 1, "<urn:uuid:________-____-4___-a___-____________>")

--- A new WARC-Record-ID.
---@return string "<urn:uuid:...>"
function M.id()
  local text = random(16)
  ffi.copy(uuid + 10, text, 8)
  ffi.copy(uuid + 19, text:sub(9), 4)
  ffi.copy(uuid + 25, text:sub(14), 3)
  ffi.copy(uuid + 30, text:sub(18), 3)
  ffi.copy(uuid + 34, text:sub(21), 12)
  return ffi.string(uuid, UUID)
end

local second, shown -- of the date that was made last

--- A moment as WARC-Date has it.
---@param time number seconds since 1970
---@return string
function M.date(time)
  local whole = math.floor(time)
  if whole ~= second then second, shown = whole, os.date("!%Y-%m-%dT%H:%M:%S", whole) end
  return ("%s.%06dZ"):format(shown, math.min(999999, (time - whole) * 1e6))
end

local room = ffi.new("unsigned char[?]", SLICE)

-- Takes what a stream has to give for its input; `room` is free again afterwards.
local function drain(stream, flush, parts)
  repeat
    stream.next_out, stream.avail_out = room, SLICE
    z.deflate(stream, flush)
    local made = SLICE - stream.avail_out
    if made > 0 then parts[#parts + 1] = ffi.string(room, made) end
  until stream.avail_out > 0
end

-- A stream to begin a member with: one that nobody uses, which need not be made for each. It is nobody's but the
-- caller's, who may be cancelled between two slices.
local function take_stream(size)
  local stream = size.idle
  size.idle = nil
  if stream then return stream end
  stream = ffi.gc(ffi.new("rill_z_stream"), z.deflateEnd)
  local code = z.deflateInit2_(stream, LEVEL, 8, GZIP + size.window, size.memory, 0, z.zlibVersion(),
    ffi.sizeof(stream))
  if code ~= 0 then error("rill.warc: out of memory", 0) end
  return stream
end

local function give_back(stream, size)
  if size.idle then return z.deflateEnd(ffi.gc(stream, nil)) end
  z.deflateReset(stream)
  size.idle = stream
end

-- All of a small text in one step.
local function gzip_small(text)
  local stream = take_stream(SMALL)
  stream.next_in, stream.avail_in, stream.next_out, stream.avail_out = text, #text, room, SLICE
  z.deflate(stream, FINISH)
  local member = ffi.string(room, SLICE - stream.avail_out)
  give_back(stream, SMALL)
  return member
end

--- Compresses to one gzip member. In a task others have their turn meanwhile.
---@param text string
---@return string
function M.gzip(text)
  if #text <= SMALL_MOST then return gzip_small(text) end
  local stream = take_stream(LARGE)
  local parts, data, at = {}, ffi.cast("const unsigned char *", text), 0
  repeat
    local count = math.min(SLICE, #text - at)
    stream.next_in, stream.avail_in = data + at, count
    at = at + count
    drain(stream, at == #text and FINISH or NO_FLUSH, parts)
    if at < #text then rill.sleep(0) end
  until at == #text
  give_back(stream, LARGE)
  return parts[2] and table.concat(parts) or parts[1]
end

local CRLF = "\r\n"

--- Makes one record.
---@param kind string "response", "request", "revisit", "warcinfo"
---@param fields { [1]: string, [2]: any }[] in order; a value of nil or false leaves one out
---@param block string
---@return string member gzip
function M.record(kind, fields, block)
  local parts, n = { "WARC/1.1\r\nWARC-Type: ", kind }, 2
  for i = 1, #fields do
    local name, value = fields[i][1], fields[i][2]
    if value then
      parts[n + 1], parts[n + 2], parts[n + 3], parts[n + 4] = CRLF, name, ": ", value
      n = n + 4
    end
  end
  parts[n + 1], parts[n + 2] = "\r\nWARC-Block-Digest: ", M.digest(block)
  parts[n + 3], parts[n + 4], parts[n + 5] = "\r\nContent-Length: ", #block, "\r\n\r\n"
  parts[n + 6], parts[n + 7] = block, "\r\n\r\n"
  return M.gzip(table.concat(parts))
end

return M
