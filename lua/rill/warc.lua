--- WARC 1.1 records (ISO 28500:2017), each a gzip member of its own: what a file of them is made of.
local ffi = require("rill.core.ffi")
local bit = require("bit")
local random = require("rill.core.random")
local rill = require("rill")

local M = {}

local SLICE = 256 * 1024 -- bytes that are compressed before other tasks have their turn
local FINISH, NO_FLUSH = 4, 0
local GZIP, MEMORY, LEVEL = 15 + 16, 8, 6

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

local function base32()
  local rest, have, at = 0, 0, 0
  for i = 0, DIGEST - 1 do
    rest, have = bit.bor(bit.lshift(bit.band(rest, 0x1F), 8), digest[i]), have + 8
    while have >= 5 do
      have = have - 5
      letters[at] = BASE32[bit.band(bit.rshift(rest, have), 31)]
      at = at + 1
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

--- A new WARC-Record-ID.
---@return string "<urn:uuid:...>"
function M.id()
  local hex = random(16)
  return ("<urn:uuid:%s-%s-4%s-a%s-%s>"):format(hex:sub(1, 8), hex:sub(9, 12), hex:sub(14, 16), hex:sub(18, 20),
    hex:sub(21, 32))
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

local idle -- a stream that nobody uses: 256 KiB that need not be had for each record

-- A stream to begin a member with. It is nobody's but the caller's, who may be cancelled between two slices.
local function take_stream()
  local stream = idle
  idle = nil
  if stream then return stream end
  stream = ffi.gc(ffi.new("rill_z_stream"), z.deflateEnd)
  if z.deflateInit2_(stream, LEVEL, 8, GZIP, MEMORY, 0, z.zlibVersion(), ffi.sizeof(stream)) ~= 0 then
    error("rill.warc: out of memory", 0)
  end
  return stream
end

local function give_back(stream)
  if idle then return z.deflateEnd(ffi.gc(stream, nil)) end
  z.deflateReset(stream)
  idle = stream
end

--- Compresses to one gzip member. In a task others have their turn meanwhile.
---@param text string
---@return string
function M.gzip(text)
  local stream = take_stream()
  local parts, data, at = {}, ffi.cast("const unsigned char *", text), 0
  repeat
    local count = math.min(SLICE, #text - at)
    stream.next_in, stream.avail_in = data + at, count
    at = at + count
    drain(stream, at == #text and FINISH or NO_FLUSH, parts)
    if at < #text then rill.sleep(0) end
  until at == #text
  give_back(stream)
  return parts[2] and table.concat(parts) or parts[1]
end

local CRLF = "\r\n"

--- Makes one record.
---@param kind string "response", "request", "revisit", "warcinfo"
---@param fields { [1]: string, [2]: any }[] in order; a value of nil or false leaves one out
---@param block string
---@return string member gzip
function M.record(kind, fields, block)
  local lines = { "WARC/1.1", "WARC-Type: " .. kind }
  for _, field in ipairs(fields) do
    if field[2] then lines[#lines + 1] = field[1] .. ": " .. tostring(field[2]) end
  end
  lines[#lines + 1] = "WARC-Block-Digest: " .. M.digest(block)
  lines[#lines + 1] = ("Content-Length: %d"):format(#block)
  return M.gzip(table.concat(lines, CRLF) .. CRLF .. CRLF .. block .. CRLF .. CRLF)
end

return M
