local ffi = require "ffi"
local process = require "support.process"
local support = require "support"

pcall(ffi.cdef, [[
bool rill_address_parse(const char *text, uint16_t port, void *address);
bool rill_address_is_global(const void *address);
]])

-- The library keeps these to itself: the file is compiled once more, alone.
local library

local function address_c()
  if library then return library end
  local directory = support.directory "address"
  process.run({ "cc", "-std=c11", "-D_GNU_SOURCE", "-Isrc", "-shared", "-fPIC", "-o", directory .. "/address.so",
                "src/net/address.c" }, directory .. "/log")
  library = ffi.load(directory .. "/address.so")
  return library
end

local address = ffi.new "uint64_t[32]" -- struct rill_address is smaller

local function is_global(text)
  assert.is_true(address_c().rill_address_parse(text, 443, address), text)
  return address_c().rill_address_is_global(address)
end

-- The edges of every block in IANA's special-purpose registries, and what is inside of it.
local NOT_GLOBAL = [[
  0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255
  169.254.0.0 169.254.169.254 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.11
  192.0.0.170 192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.0 192.88.99.255 192.168.0.0 192.168.255.255
  198.18.0.0 198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255 224.0.0.1 239.255.255.255
  240.0.0.0 255.255.255.255
  :: ::1 ::127.0.0.1 ::8.8.8.8 ::fffe:8.8.8.8 64:ff9b:1:: 64:ff9b:1::8.8.8.8 100:: 100:0:0:1:: 1fff:ffff::
  2001:1:: 2001:1::4 2001:2::1 2001:4:111:: 2001:4:113:: 2001:5::1 2001:10::1 2001:40:: 2001:1ff:ffff::
  2001:db8:: 2001:db8:ffff:: 3fff:: 3fff:fff:ffff:: 4000:: 5f00:: fc00:: fdff:: fe80::1 febf:: fec0:: ff02::1
]]
local GLOBAL = [[
  1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
  169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.0.9 192.0.0.10 192.0.1.0 192.0.1.255 192.0.3.0
  192.31.196.1 192.52.193.1 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 192.175.48.1
  198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
  2000::1 2001:1::1 2001:1::2 2001:1::3 2001:3::1 2001:4:112::1 2001:20::1 2001:2f:ffff:: 2001:30::1 2001:200::1
  2001:db7:ffff:: 2001:db9::1 2003::1 2606:4700:4700::1111 2620:4f:8000::1 3ffe:ffff:: 3fff:1000::
]]
-- IPv6 that holds the IPv4 address %s somewhere
local MAPPED, NAT64, SIX_TO_FOUR = "::ffff:%s", "64:ff9b::%s", "2002:%02x%02x:%02x%02x::1"
-- the server's address, and the client's with every bit turned over
local TEREDO = "2001:0:%02x%02x:%02x%02x:8000:63bf:%02x%02x:%02x%02x"

local function parts(ip, turned)
  local list = {}
  for part in ip:gmatch "%d+" do list[#list + 1] = turned and 255 - part or tonumber(part) end
  return unpack(list)
end

local function teredo(from, to)
  local a, b, c, d = parts(from)
  return TEREDO:format(a, b, c, d, parts(to, "turned over"))
end

describe("an address", function()
  it("is not global when it is private, local, reserved, for examples, or for many", function()
    for text in NOT_GLOBAL:gmatch "%S+" do assert.is_false(is_global(text), text) end
  end)

  it("is global otherwise", function()
    for text in GLOBAL:gmatch "%S+" do assert.is_true(is_global(text), text) end
  end)

  it("counts as the IPv4 address in it", function()
    for text in (NOT_GLOBAL .. GLOBAL):gmatch "%d+%.%S+" do
      if not text:find(":", 1, true) then
        local expected = is_global(text)
        for _, form in ipairs { MAPPED:format(text), NAT64:format(text), SIX_TO_FOUR:format(parts(text)),
                                teredo("8.8.8.8", text), teredo(text, "8.8.8.8") } do
          assert.equal(expected, is_global(form), form)
        end
      end
    end
  end)

  it("is not global when it is a Unix socket", function()
    assert.is_false(is_global "unix:/run/socket")
  end)
end)
