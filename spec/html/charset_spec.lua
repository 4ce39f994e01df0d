local text = require "support.text"

local charset = text.charset

local function declared(head) return charset(head .. "<p>\255") end -- no UTF-8, so windows-1252 where nothing counts

describe("the encoding of a page", function()
  it("is UTF-8 where nothing is named and all of it is, else windows-1252", function()
    for page, expected in pairs {
      [""] = "UTF-8", ["<p>a"] = "UTF-8", ["<p>\195\164"] = "UTF-8", ["\240\159\152\128"] = "UTF-8",
      ["<p>\228"] = "windows-1252", ["\195"] = "windows-1252", ["\237\160\128"] = "windows-1252",
      ["\192\128"] = "windows-1252", ["\244\144\128\128"] = "windows-1252", ["\240\128\128\128"] = "windows-1252",
      [("a"):rep(70) .. "\128" .. ("a"):rep(70)] = "windows-1252", [("a"):rep(31) .. "\195\164"] = "UTF-8",
    } do
      assert.equal(expected, charset(page), page)
    end
  end)

  it("is the byte order mark's before anything else", function()
    for mark, expected in pairs { ["\239\187\191"] = "UTF-8", ["\254\255"] = "UTF-16BE", ["\255\254"] = "UTF-16LE" } do
      assert.equal(expected, charset(mark .. "<meta charset=koi8-r>", "text/html; charset=gbk"))
    end
    assert.equal("KOI8-R", charset("\239\187<meta charset=koi8-r>"))
  end)

  it("is the content-type's before the page's own, if the label is known", function()
    for content_type, expected in pairs {
      ["text/html; charset=gbk"] = "GBK", ["text/html;charset=\"gbk\""] = "GBK", ["text/html; charset='gbk'"] = "GBK",
      ["TEXT/HTML; CHARSET=GB2312"] = "GBK", ["text/html; a=b; charset = gbk ; c=d"] = "GBK",
      ["text/html; a=\"x;charset=big5\"; charset=gbk"] = "GBK", ["text/html; charset=gbk; charset=big5"] = "GBK",
      ["text/html; charset=gbk, text/html"] = "GBK", ["text/html"] = "KOI8-R", ["text/html; charset"] = "KOI8-R",
      ["text/html; charset="] = "KOI8-R", ["text/html; charset=nonsense"] = "KOI8-R", ["charset=gbk"] = "KOI8-R",
      ["text/html; xcharset=gbk"] = "KOI8-R", ["text/html; charset=utf-7"] = "KOI8-R", [""] = "KOI8-R",
    } do
      assert.equal(expected, charset("<meta charset=koi8-r>", content_type), content_type)
    end
  end)

  it("is found by every label, whatever its case and the blanks around it", function()
    for label, expected in pairs {
      ["latin1"] = "windows-1252", ["ascii"] = "windows-1252", ["us-ascii"] = "windows-1252",
      ["iso-8859-1"] = "windows-1252", ["iso_8859-1:1987"] = "windows-1252", ["x-cp1252"] = "windows-1252",
      ["iso-8859-9"] = "windows-1254", ["latin5"] = "windows-1254", ["tis-620"] = "windows-874",
      ["gb2312"] = "GBK", ["gb_2312-80"] = "GBK", ["x-gbk"] = "GBK", ["gb18030"] = "gb18030",
      ["shift-jis"] = "Shift_JIS", ["sjis"] = "Shift_JIS", ["windows-31j"] = "Shift_JIS", ["ms932"] = "Shift_JIS",
      ["ks_c_5601-1987"] = "EUC-KR", ["windows-949"] = "EUC-KR", ["korean"] = "EUC-KR",
      ["x-x-big5"] = "Big5", ["big5-hkscs"] = "Big5", ["x-euc-jp"] = "EUC-JP", ["csiso2022jp"] = "ISO-2022-JP",
      ["866"] = "IBM866", ["logical"] = "ISO-8859-8-I", ["visual"] = "ISO-8859-8", ["mac"] = "macintosh",
      ["koi8-ru"] = "KOI8-U", ["unicode-1-1-utf-8"] = "UTF-8", ["utf8"] = "UTF-8", ["ucs-2"] = "UTF-16LE",
      ["utf-16"] = "UTF-16LE", ["unicodefffe"] = "UTF-16BE", ["hz-gb-2312"] = "replacement",
      ["iso-2022-kr"] = "replacement", ["x-user-defined"] = "x-user-defined", ["x-mac-ukrainian"] = "x-mac-cyrillic",
      -- no labels:
      ["utf-7"] = "UTF-8", ["utf-32"] = "UTF-8", ["cesu-8"] = "UTF-8", ["latin"] = "UTF-8", ["l"] = "UTF-8",
      ["utf-8 utf8"] = "UTF-8", ["866 "] = "IBM866", ["windows-125"] = "UTF-8", ["none"] = "UTF-8",
    } do
      assert.equal(expected, charset("", "a/b; charset=" .. label), label)
      assert.equal(expected, charset("", "a/b; charset=\" \t" .. label:upper() .. "\r\n \""), label)
    end
  end)
end)

describe("the prescan of a page", function()
  local function each(cases)
    for _, case in ipairs(cases) do
      assert.equal(case[2] or "windows-1252", declared(case[1]), case[1])
    end
  end

  it("reads meta elements", function()
    each {
      { "<meta charset=koi8-r>", "KOI8-R" }, { "<META CHARSET='KOI8-R'>", "KOI8-R" },
      { "<meta/charset=\"koi8-r\"/>", "KOI8-R" }, { "<meta\n\f\tcharset \n= koi8-r >", "KOI8-R" },
      { "<meta a b=c charset=koi8-r d>", "KOI8-R" }, { "<meta =charset=koi8-r>" }, { "<meta charset=koi8-r/>" },
      { "<metacharset=koi8-r>" }, { "<meta>" }, { "<meta charset>" }, { "<meta charset=>" },
      { "< meta charset=koi8-r>" }, { "<meta charset=koi8&#45;r>" },
      { "<meta name=description content='charset=koi8-r'>" },
      { "<meta x='charset=koi8-r'>" }, { "<meta charset=' koi8-r '>", "KOI8-R" },
      { "text <p><meta charset=koi8-r>", "KOI8-R" }, { "<meta charset=nonsense><meta charset=koi8-r>", "KOI8-R" },
      { "<meta charset=koi8-r><meta charset=gbk>", "KOI8-R" },
    }
  end)

  it("takes the first of equal names", function()
    each {
      { "<meta charset=koi8-r charset=gbk>", "KOI8-R" }, { "<meta charset=nonsense charset=gbk>" },
      { "<meta charset='' charset=gbk>" },
      { "<meta http-equiv=content-type content=charset=koi8-r content=charset=gbk>", "KOI8-R" },
      { "<meta http-equiv=x http-equiv=content-type content=charset=koi8-r>" },
    }
  end)

  it("needs http-equiv beside content, in either order; charset wins over both", function()
    each {
      { "<meta http-equiv=Content-Type content='text/html; charset=koi8-r'>", "KOI8-R" },
      { "<meta content='text/html; charset=koi8-r' http-equiv='content-type'>", "KOI8-R" },
      { "<meta content='text/html; charset=koi8-r'>" }, { "<meta http-equiv=refresh content='charset=koi8-r'>" },
      { "<meta http-equiv=content-type content=charset=gbk charset=koi8-r>", "KOI8-R" },
      { "<meta charset=koi8-r http-equiv=content-type content=charset=gbk>", "KOI8-R" },
      { "<meta charset=nonsense http-equiv=content-type content=charset=gbk>" },
      { "<meta http-equiv=content-type content=charset=gbk charset=nonsense>" },
      { "<meta content=charset=gbk charset=koi8-r>", "KOI8-R" },
    }
  end)

  it("finds the charset in a content attribute", function()
    local function content(value) return ("<meta http-equiv=content-type content=\"%s\">"):format(value) end
    each {
      { content "charset=koi8-r", "KOI8-R" }, { content "CHARSET \n = 'koi8-r'", "KOI8-R" },
      { content "charset=koi8-r;x", "KOI8-R" }, { content "charset=koi8-r x", "KOI8-R" },
      { content "charset charset=koi8-r", "KOI8-R" }, { content "xcharset=koi8-r", "KOI8-R" },
      { content "charset='koi8-r" }, { content "charset=koi8-r'" }, { content "charset=" }, { content "charset" },
      { content "charset=nonsense; charset=koi8-r" },
    }
  end)

  it("does not look into comments and the like", function()
    local meta = "<meta charset=koi8-r>"
    each {
      { "<!--" .. meta .. "-->" }, { "<!-- > " .. meta .. "-->" }, { "<!-->" .. meta, "KOI8-R" },
      { "<!--->" .. meta, "KOI8-R" }, { "<!-- --!>" .. meta }, { "<!---->" .. meta, "KOI8-R" }, { "<!" .. meta },
      { "<?" .. meta }, { "</" .. meta }, { "<?x>" .. meta, "KOI8-R" }, { "</>" .. meta, "KOI8-R" },
      { "<!doctype html>" .. meta, "KOI8-R" }, { "<a title='" .. meta .. "'>" }, { "</a title='" .. meta .. "'>" },
      { "<a title='>'>" .. meta, "KOI8-R" }, { "<a b=>" .. meta, "KOI8-R" }, { "<a/" .. meta },
      { "<1" .. meta, "KOI8-R" },
      { "<script>'" .. meta .. "'</script>", "KOI8-R" }, -- it knows no raw text
      { "<title>" .. meta .. "</title>", "KOI8-R" },
    }
  end)

  it("stops after 1,024 bytes, and drops what is cut there", function()
    local meta = "<meta charset=koi8-r>"
    assert.equal("KOI8-R", declared((" "):rep(1024 - #meta) .. meta))
    assert.equal("windows-1252", declared((" "):rep(1025 - #meta) .. meta))
    assert.equal("windows-1252", declared("<!-- " .. (" "):rep(1024) .. "-->" .. meta))
    assert.equal("windows-1252", charset("<meta charset=koi8-r \255"))
    assert.equal("windows-1252", charset("<meta charset='koi8-r\255"))
    assert.equal("windows-1252", charset("\255<meta charset=koi8-r"))
  end)

  it("takes utf-16 for utf-8 and x-user-defined for windows-1252", function()
    each {
      { "<meta charset=utf-16>", "UTF-8" }, { "<meta charset=utf-16be>", "UTF-8" },
      { "<meta charset=x-user-defined>" }, { "<meta charset=iso-2022-kr>", "replacement" },
      { "<meta charset=utf-7><meta charset=koi8-r>", "KOI8-R" },
    }
  end)

  it("reads an XML declaration where no meta is", function()
    each {
      { "<?xml version='1.0' encoding='koi8-r'?>", "KOI8-R" }, { "<?xml encoding = \"koi8-r\"?>", "KOI8-R" },
      { "<?xml encoding='koi8-r'?><meta charset=gbk>", "GBK" }, { "<?xml encoding='utf-16'?>", "UTF-8" },
      { " <?xml encoding='koi8-r'?>" }, { "<?XML encoding='koi8-r'?>" }, { "<?xml encoding=koi8-r?>" },
      { "<?xml encoding='koi8 -r'?>" }, { "<?xml encoding='koi8-r" }, { "<?xml>encoding='koi8-r'" },
      { "<\0?\0x\0", "UTF-16LE" }, { "\0<\0?\0x", "UTF-16BE" },
    }
  end)
end)
