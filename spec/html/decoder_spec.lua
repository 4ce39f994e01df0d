local node_answers = require "support.node_answers"
local text = require "support.text"

local BAD = "\239\191\189" -- U+FFFD

local random = 1
local function below(limit)
  random = random * 16807 % 2147483647
  return random % limit
end

local function between(low, high) return string.char(low + below(high - low + 1)) end

describe("bytes that mean nothing", function()
  local function each(label, cases)
    for bytes, expected in pairs(cases) do
      expected = expected:gsub("?", BAD)
      for slice = 1, 5 do
        local shown = bytes:gsub(".", function(c) return ("%02x "):format(c:byte()) end)
        assert.equal("a" .. expected .. "z", text.from(label, "a" .. bytes .. "z", slice), label .. ": " .. shown)
      end
    end
  end

  it("are one U+FFFD for the longest beginning of a character in UTF-8, else for each byte", function()
    each("utf-8", {
      ["\128"] = "?", ["\191\191"] = "??", ["\192\128"] = "??", ["\193\191"] = "??", ["\195"] = "?", ["\195("] = "?(",
      ["\224\128\128"] = "???", ["\224\160"] = "?", ["\226\130"] = "?", ["\226\130\195\164"] = "?\195\164",
      ["\237\160\128"] = "???", ["\237\159\191"] = "\237\159\191", ["\240\128\128\128"] = "????",
      ["\240\144\128"] = "?", ["\240\159\152\128"] = "\240\159\152\128", ["\244\143\191"] = "?",
      ["\244\144\128\128"] = "????", ["\245\128"] = "??", ["\255\254"] = "??", ["\240\240\159\152"] = "??",
      ["\239\191\189"] = "?",
    })
  end)

  it("may be many behind a character that a slice has cut", function()
    local COUNT = 30000
    for label, byte in pairs { ["utf-8"] = "\235", gbk = "\255", ["utf-16le"] = "\219", ["iso-2022-jp"] = "\27",
      big5 = "\255", ["euc-kr"] = "\255", shift_jis = "\255", gb18030 = "\255", ["euc-jp"] = "\143" } do
      for _, cut in ipairs { 1, 2, 3 } do
        local bytes = ("a"):rep(COUNT - cut) .. byte:rep(2 * COUNT)
        assert.equal(text.from(label, bytes, #bytes), text.from(label, bytes, COUNT), label)
      end
    end
  end)

  it("change nothing behind them", function()
    each("shift_jis", {
      ["\129<"] = "?<", ["\129\255"] = "?", ["\160"] = "?", ["\253\254\255"] = "???",
      ["\128"] = "\194\128", ["\177"] = "\239\189\177", ["\130\160"] = "\227\129\130", ["\240\064"] = "\238\128\128",
    })
    each("euc-jp", {
      ["\164\162"] = "\227\129\130", ["\142\177"] = "\239\189\177", ["\142<"] = "?<", ["\142\255"] = "?",
      ["\143\162<"] = "?<", ["\143<"] = "?<", ["\143\162\175"] = "\203\152", ["\143\164\164"] = "?",
      ["\160"] = "?", ["\164<"] = "?<", ["\245\161"] = "?", ["\249\161"] = "\231\186\138",
      ["\128\129"] = "??",
    })
    each("gbk", {
      ["\128"] = "\226\130\172", ["\255"] = "?", ["\196\227"] = "\228\189\160", ["\196<"] = "?<",
      ["\196\127"] = "?\127",
      ["\163\160"] = "\227\128\128", ["\1290\1290"] = "\194\128", ["\1290\129<"] = "?0?<", ["\1290<"] = "?0<",
      ["\1290\255"] = "?0?", ["\1440\1290"] = "\240\144\128\128",
    })
    each("big5", {
      ["\167\065"] = "\228\189\160", ["\167<"] = "?<", ["\255"] = "?", ["\128"] = "?",
      ["\136\098"] = "\195\138\204\132",
      ["\161\069"] = "\226\128\167", ["\142\105"] = "\231\174\184", ["\129\064"] = "?@",
    })
    each("euc-kr", {
      ["\176\161"] = "\234\176\128", ["\176<"] = "?<", ["\162\232"] = "?", ["\201\161"] = "?",
      ["\129\065"] = "\234\176\130",
      ["\128"] = "?", ["\255"] = "?",
    })
  end)

  it("end with the text", function()
    for label, bytes in pairs {
      ["utf-8"] = "\226\130", shift_jis = "\129", ["euc-jp"] = "\143\162", gb18030 = "\1290\129", big5 = "\167",
      ["euc-kr"] = "\176", ["iso-2022-jp"] = "\27$B\36",
    } do
      for slice = 1, 4 do assert.equal("a" .. BAD, text.from(label, "a" .. bytes, slice), label) end
    end
    assert.equal(BAD .. "a" .. BAD, text.decode("\255\254\0\220a\0\0\216"))
    assert.equal("a" .. BAD, text.decode "\254\255\0a\0")
  end)

  it("do not lose a choice of ISO-2022-JP's", function()
    each("iso-2022-jp", {
      ["\27$B$\"\27(B"] = "\227\129\130", ["\27$@$\"\27(J\\~\27(B"] = "\227\129\130\194\165\226\128\190",
      ["\27(I1\27(B"] = "\239\189\177", ["\27$B$\27(B"] = "?", ["\27x"] = "?x", ["\27$x"] = "?$x",
      ["\14\15\128"] = "???",
      ["\27(B\27(B"] = "?", ["\27$B\1$\"\27(B"] = "?\227\129\130", ["\27(J\128\\\27(B"] = "?\194\165",
    })
  end)

  it("are one in all in an encoding that is not to be read", function()
    assert.equal(BAD, text.from("iso-2022-kr", "\27$)C<a href=x>", 3))
    assert.equal("", text.from("hz-gb-2312", ""))
  end)
end)

describe("single-byte encodings", function()
  it("have C1 controls in windows-1252's holes, and its letters under other names", function()
    assert.equal("\194\129\194\141\194\143\194\144\194\157", text.from("windows-1252", "\129\141\143\144\157"))
    assert.equal("\226\130\172\226\128\157", text.from("iso-8859-1", "\128\148"))
  end)

  it("read x-user-defined as private characters", function()
    assert.equal("a\239\158\128\239\159\191", text.from("x-user-defined", "a\128\255"))
  end)
end)

describe("what node reads", function()
  -- kinds: label, function that makes bytes, how many of them
  local function same(kinds)
    local questions = {}
    for _, kind in ipairs(kinds) do
      for _ = 1, kind[3] or 300 do questions[#questions + 1] = { kind[1], kind[2]() } end
    end
    local answers = node_answers("(label, bytes) => new TextDecoder(label.toString()).decode(bytes)", questions)
    for i, question in ipairs(questions) do
      local label, bytes = question[1], question[2]
      assert.equal(answers[i], text.from(label, bytes), ("%s %q"):format(label, bytes))
      assert.equal(answers[i], text.from(label, bytes, 1 + i % 5), ("%s %q"):format(label, bytes))
    end
  end

  local function several(pick)
    return function()
      local parts = { "x" } -- no byte order mark
      for i = 2, 2 + below(12) do parts[i] = pick() end
      return table.concat(parts)
    end
  end

  it("is what rill reads in UTF-8 and UTF-16, good and bad", function()
    local any_utf8 = several(function()
      local kind = below(4)
      return kind == 0 and between(0, 255) or kind == 1 and between(0xE0, 0xF4) .. between(0x80, 0xBF)
        or kind == 2 and between(0xE0, 0xEF) .. between(0x80, 0xBF) .. between(0x80, 0xBF)
        or between(0xF0, 0xF4) .. between(0x80, 0xBF) .. between(0x80, 0xBF) .. between(0x80, 0xBF)
    end)
    local any_utf16 = several(function() return below(2) == 0 and between(0xD7, 0xE0) or between(0, 255) end)
    same { { "utf-8", any_utf8, 1000 }, { "utf-16le", any_utf16, 1000 }, { "utf-16be", any_utf16, 1000 } }
  end)

  it("is what rill reads in single-byte encodings, but for the bytes where node's tables are others", function()
    local others = { -- the Standard's index has another character, or none
      ibm866 = "[\26\28\127]", ["koi8-u"] = "[\174\190]", ["windows-874"] = "[\219-\222\252-\255]",
      ["windows-1253"] = "\170",
      ["windows-1255"] = "\202", ["windows-1252"] = "[\128-\159]",
    }
    local kinds = {}
    for i, label in ipairs {
      "ibm866", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8",
      "iso-8859-8-i", "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "koi8-r", "koi8-u", "macintosh",
      "windows-874", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255",
      "windows-1256", "windows-1257", "windows-1258", "x-mac-cyrillic",
    } do
      local other = others[label] or "[^%z\1-\255]"
      kinds[i] = { label, several(function() return (between(0, 255):gsub(other, "y")) end), 60 }
    end
    same(kinds)
  end)

  -- Where characters are rare or bytes bad, node follows other tables than the Standard's.
  it("is what rill reads in the encodings of East Asia, for what is used there", function()
    local function pairs_of(a, b, c, d)
      return several(function() return below(4) == 0 and between(0x20, 0x7E) or between(a, b) .. between(c, d) end)
    end
    local function japanese()
      local parts = { "x\27$B" }
      for i = 2, 2 + below(12) do parts[i] = between(0x30, 0x4E) .. between(0x21, 0x7E) end
      return table.concat(parts) .. "\27(Bx"
    end
    same {
      { "shift_jis", pairs_of(0x89, 0x97, 0x9F, 0xFC) }, { "euc-jp", pairs_of(0xB0, 0xCE, 0xA1, 0xFE) },
      { "gbk", pairs_of(0xB0, 0xF6, 0xA1, 0xFE) }, { "gb18030", pairs_of(0x81, 0xA0, 0x80, 0xFE) },
      { "big5", pairs_of(0xA4, 0xC5, 0xA1, 0xFE) }, { "euc-kr", pairs_of(0xB0, 0xC8, 0xA1, 0xFE) },
      { "iso-2022-jp", japanese },
    }
  end)
end)
