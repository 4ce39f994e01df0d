local ffi = require "ffi"
local support = require "support"

ffi.cdef "int spec_encode(const char *label, const char *utf8, size_t length, char *out, size_t room);"

describe("a query in the page's encoding", function()
  local library, room = nil, ffi.new "char[65536]"

  setup(function() library = ffi.load(support.make "./build/encoder.so") end)

  local function encode(label, query)
    local length = library.spec_encode(label, query, #query, room, 65536)
    assert(length >= 0, label)
    return ffi.string(room, length)
  end

  it("has the bytes of that encoding, escaped", function()
    for _, case in ipairs {
      { "windows-1252", "q=\195\164&x=%41 <", "q=%E4&x=%41 <" }, { "windows-1252", "\226\130\172", "%80" },
      { "koi8-r", "\208\159", "%F0" }, { "x-user-defined", "\239\158\128", "%80" },
      { "shift_jis", "\227\130\162", "%83A" }, { "shift_jis", "\227\130\189", "%83%5C" },
      { "shift_jis", "\194\165\226\128\190", "%5C~" }, { "shift_jis", "\239\189\177", "%B1" },
      { "euc-jp", "\227\130\162\239\189\177", "%A5%A2%8E%B1" }, { "euc-jp", "\226\136\146", "%A1%DD" },
      { "gbk", "\228\189\160\226\130\172", "%C4%E3%80" },
      { "gb18030", "\226\130\172\240\159\152\128", "%A2%E3%949%FC6" },
      { "big5", "\228\189\160", "%A7A" }, { "euc-kr", "\234\176\128", "%B0%A1" },
      { "iso-2022-jp", "a\227\129\130b", "a%1B$B$%22%1B(Bb" }, { "iso-2022-jp", "\194\165a", "%1B(J%5Ca%1B(B" },
    } do
      assert.equal(case[3], encode(case[1], case[2]), case[1])
    end
  end)

  it("has a character reference for what cannot be encoded", function()
    for _, case in ipairs {
      { "windows-1252", "a\208\159b", "a%26%231055%3Bb" }, { "shift_jis", "\240\159\152\128", "%26%23128512%3B" },
      { "gbk", "\240\159\152\128", "%26%23128512%3B" }, { "koi8-r", "\195\164", "%26%23228%3B" },
      { "euc-jp", "\203\152", "%26%23728%3B" }, -- JIS X 0212 is read, not written
      { "big5", "\195\138", "%26%23202%3B" }, -- so are Hong Kong's additions
      { "shift_jis", "\238\128\128", "%26%2357344%3B" }, { "windows-1252", "\255", "%26%2365533%3B" },
      { "iso-2022-jp", "\227\129\130\240\159\152\128", "%1B$B$%22%1B(B%26%23128512%3B" },
    } do
      assert.equal(case[3], encode(case[1], case[2]), case[1])
    end
  end)

  it("takes time in proportion to its length", function()
    local function cost(text) -- CPU seconds: the least of three, others use the caches too
      local least = math.huge
      for _ = 1, 3 do
        local began = os.clock()
        encode("windows-1251", text)
        least = math.min(least, os.clock() - began)
      end
      return least
    end
    -- sixteen times the length: 256 times the time if that grew with the square
    local base = math.max(cost(("\208\159"):rep(1250)), 0.0005)
    local taken = cost(("\208\159"):rep(20000))
    assert.is_true(taken < 64 * base, ("%.4f s, then %.4f s"):format(base, taken))
  end)

  it("stays as it is in UTF-8, UTF-16 and what is not to be read", function()
    for _, label in ipairs { "utf-8", "utf-16le", "utf-16be", "hz-gb-2312" } do
      assert.equal("\195\164?&", encode(label, "\195\164?&"))
    end
  end)
end)
