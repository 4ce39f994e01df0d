--- Bytes that are written one value after the other into room that grows: what goes to Redis many times a second, and
--- would be many short strings. Numbers of a fixed width have their highest byte first, as inside/finish.lua and
--- inside/take.lua read them.
local ffi = require("rill.core.ffi") -- first: without LuaJIT its message is clear, and that of "bit" is not
local bit = require("bit")

local M = {}

local FIRST_ROOM, MOST_KEPT = 4096, 2 ^ 20 -- bytes; more room than that is not kept for the next

---@class rill.CrawlBytes
---@field length integer
---@field private _data ffi.cdata*
---@field private _size integer
local Bytes = {}
Bytes.__index = Bytes

-- Makes room for so many bytes. Returns where the first of them goes.
local function reserve(self, count)
  local at = self.length
  if at + count > self._size then
    local size = 2 * (at + count)
    local data = ffi.new("uint8_t[?]", size)
    ffi.copy(data, self._data, at)
    self._data, self._size = data, size
  end
  self.length = at + count
  return at
end

---@param number integer 0 to 255
function Bytes:byte(number)
  local at = reserve(self, 1)
  self._data[at] = number
end

--- Writes a byte over what stands there.
---@param at integer bytes before it
---@param number integer 0 to 255
function Bytes:set_byte(at, number)
  self._data[at] = number
end

---@param number integer 0 to 65535
function Bytes:half(number)
  assert(number < 65536)
  local at = reserve(self, 2)
  local data = self._data
  data[at], data[at + 1] = bit.rshift(number, 8), bit.band(number, 255)
end

--- Writes a word over what stands there.
---@param at integer bytes before it
---@param number integer of 32 bits, with or without a sign
function Bytes:set_word(at, number)
  local data = self._data
  data[at], data[at + 1] = bit.rshift(number, 24), bit.band(bit.rshift(number, 16), 255)
  data[at + 2], data[at + 3] = bit.band(bit.rshift(number, 8), 255), bit.band(number, 255)
end

---@param number integer of 32 bits, with or without a sign
function Bytes:word(number)
  self:set_word(reserve(self, 4), number)
end

--- Writes a whole number in seven bits a byte, the lowest first.
---@param number integer
function Bytes:number(number)
  while number >= 128 do
    self:byte(128 + number % 128)
    number = math.floor(number / 128)
  end
  self:byte(number)
end

---@param text string
---@param from integer? its first byte that is written
function Bytes:text(text, from)
  local skipped = (from or 1) - 1
  local count = #text - skipped
  local at = reserve(self, count)
  ffi.copy(self._data + at, ffi.cast("const char *", text) + skipped, count)
end

--- Writes a text of at most 255 bytes behind its length.
---@param text string
function Bytes:short(text)
  assert(#text < 256)
  self:byte(#text)
  self:text(text)
end

--- Begins anew, whatever was left half written.
function Bytes:clear()
  self.length = 0
  if self._size > MOST_KEPT then self._data, self._size = ffi.new("uint8_t[?]", FIRST_ROOM), FIRST_ROOM end
end

--- All of it, which is forgotten.
---@return string
function Bytes:take()
  local text = ffi.string(self._data, self.length)
  self:clear()
  return text
end

---@return rill.CrawlBytes
function M.new()
  return setmetatable({ length = 0, _size = FIRST_ROOM, _data = ffi.new("uint8_t[?]", FIRST_ROOM) }, Bytes)
end

return M
