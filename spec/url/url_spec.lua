local rill_url = require "rill.url"

local parse, resolve, normalize = rill_url.parse, rill_url.resolve, rill_url.normalize

local MAX = 65536 -- bytes, of what is read and of what comes out

-- RFC 3986's own words for the bytes that URLs are made of.
local UNRESERVED, SUB_DELIMS = "[%w%-._~]", "[!$&'()*+,;=]"

local function is_control(byte)
  return byte < 32 or byte == 127
end

local function is_stripped(byte)
  return byte == 9 or byte == 10 or byte == 13
end

local function join(parts)
  return parts.scheme .. ":"
    .. (parts.authority and "//" .. (parts.userinfo and parts.userinfo .. "@" or "") .. parts.authority or "")
    .. parts.path .. (parts.query and "?" .. parts.query or "") .. (parts.fragment and "#" .. parts.fragment or "")
end

local function cleaned(url)
  return join(assert(parse(url)))
end

local function assert_invalid(url, words, value, err)
  assert.is_nil(value, url)
  assert.equal("invalid_url", err.reason)
  assert.is_truthy(err.message:find(words, 1, true), ("%q: %s"):format(url, err.message))
  assert.is_nil(err.message:find "%c")
  assert.is_nil(err.url:find "%c")
  return err
end

describe("rill.url.parse", function()
  it("splits a URL into its parts", function()
    assert.same({
      scheme = "https", userinfo = "user:pa%20ss", host = "www.example.com", port = 8443,
      authority = "www.example.com:8443", path = "/a/b;c=1", query = "q=1&r=%2F", fragment = "top",
      target = "/a/b;c=1?q=1&r=%2F",
    }, parse "HTTPS://user:pa%20ss@WWW.Example.COM:8443/a/b;c=1?q=1&r=%2F#top")
  end)

  it("tells missing parts from empty ones", function()
    assert.same({ scheme = "http", host = "h", authority = "h", port = 80, path = "",
    target = "/" }, parse "http://h")
    assert.same({
      scheme = "http", userinfo = "", host = "h", authority = "h:", port = 80,
      path = "", query = "", fragment = "", target = "/?",
    }, parse "http://@h:?#")
  end)

  it("knows the default port, and every port there is", function()
    local ports = {
      ["https://h/"] = 443, ["http://h/"] = 80, ["ftp://h/"] = 21, ["https://h:/"] = 443, ["http://h:0/"] = 0,
      ["http://h:65535"] = 65535, ["http://h:00080?"] = 80, ["http://[::1]:8080/"] = 8080,
    }
    for url, port in pairs(ports) do
      assert.equal(port, parse(url).port, url)
    end
    assert.is_nil(parse("gopher://h/").port)
  end)

  it("keeps the path as it is written", function()
    for _, path in ipairs { "/a/../b/./c", "//x//", "/%7e%2e", "/;=@:,!$&'()*+-._~", "/a//" } do
      assert.equal(path, parse("http://h" .. path).path)
    end
  end)

  it("cleans what pages link to", function()
    for url, expected in pairs {
      ["  https://h/a \r\n"] = "https://h/a",
      ["\f\thttps://h/a\f"] = "https://h/a",
      ["ht\ttps:/\n/h/a\r\n/b?c\td#e\nf"] = "https://h/a/b?cd#ef",
      ["https://h/%4\n1"] = "https://h/%41",
      ["https://h/a b"] = "https://h/a%20b",
      ["https://h/\195\188?\195\188#\195\188"] = "https://h/%C3%BC?%C3%BC#%C3%BC",
      ["https://h/\252?\255"] = "https://h/%FC?%FF", -- no UTF-8: byte by byte
      ["https://h/%zz%4%%41%"] = "https://h/%25zz%254%25%41%25",
      ["https://h/%c3%BC%20"] = "https://h/%c3%BC%20",
      ["https://h/%2541"] = "https://h/%2541",
      ["https://h/?a[]=1|2^3`{}<>\"\\"] = "https://h/?a%5B%5D=1%7C2%5E3%60%7B%7D%3C%3E%22%5C",
      ["https://h/a#b#c"] = "https://h/a#b%23c",
      ["https://h/?a?b/c"] = "https://h/?a?b/c",
      ["https:h/a"] = "https://h/a", ["https:/h/a"] = "https://h/a", ["https:///h/a"] = "https://h/a",
      ["https:\\h"] = "https://h", ["https:/\\//h"] = "https://h", ["https:u@h"] = "https://u@h",
      ["\0\27https://h/\31\0 "] = "https://h/",
      ["https:\\\\h\\a\\..\\b?c\\d"] = "https://h/a/../b?c%5Cd",
      ["https://u:p@ss/w@h/"] = "https://u:p@ss/w@h/", -- the path begins at the first slash
      ["https://u:p@ss@h/"] = "https://u:p%40ss@h/", ["https://u::p:@h/"] = "https://u:%3Ap%3A@h/",
      ["https://u[:<p>@h/"] = "https://u%5B:%3Cp%3E@h/",
      ["https://h/@user:x"] = "https://h/@user:x",
    } do
      assert.equal(expected, cleaned(url), url)
    end
  end)

  it("recognizes schemes that no client speaks", function()
    for url, path in pairs {
      ["mailto:A@Example.com"] = "A@Example.com",
      ["JavaScript:void('a b')"] = "void('a%20b')",
      ["data:text/html,<p>"] = "text/html,%3Cp%3E",
      ["tel:+49-30-1"] = "+49-30-1",
      ["urn:isbn:1"] = "isbn:1",
      ["about:"] = "",
      ["example.com:8080/x"] = "8080/x",
    } do
      local parts = assert(parse(url))
      assert.equal(url:match("^[^:]*"):lower(), parts.scheme)
      assert.equal(path, parts.path)
      assert.is_nil(parts.host)
      assert.is_nil(parts.authority)
      assert.is_nil(parts.port)
    end
    assert.equal("", parse("file:///etc/motd").host)
  end)

  it("reads hosts in any spelling", function()
    for host, expected in pairs {
      ["EXAMPLE.com."] = "example.com.",
      ["a_b.example"] = "a_b.example",
      ["ex%41m%50le.com"] = "example.com",
      ["m\195\188nchen.de"] = "xn--mnchen-3ya.de",
      ["M\195\156NCHEN.de"] = "xn--mnchen-3ya.de",
      ["mu\204\136nchen.de"] = "xn--mnchen-3ya.de", -- a combining mark
      ["m%C3%BCnchen.de"] = "xn--mnchen-3ya.de",
      ["xn--mnchen-3ya.de"] = "xn--mnchen-3ya.de",
      ["fa\195\159.de"] = "xn--fa-hia.de", -- non-transitional
      ["\230\151\165\230\156\172\227\128\130jp"] = "xn--wgv71a.jp", -- an ideographic full stop
      ["\239\188\167\239\188\175.com"] = "go.com", -- full-width letters
      ["127.0.0.1"] = "127.0.0.1",
      ["127.1"] = "127.0.0.1",
      ["0x7F.0.0.1."] = "127.0.0.1",
      ["2130706433"] = "127.0.0.1",
      ["0177.0.0.01"] = "127.0.0.1",
      ["1.2.3.4a"] = "1.2.3.4a",
      ["0x7f.1"] = "127.0.0.1",
      ["0300.0250.0.1"] = "192.168.0.1", ["%30%78%37f.1"] = "127.0.0.1", ["0x.0x.0"] = "0.0.0.0",
      ["1.2.3"] = "1.2.0.3", ["1.65535"] = "1.0.255.255", ["4294967295"] = "255.255.255.255",
      ["\239\188\145.2"] = "1.0.0.2", -- a full-width digit
      ["i\226\157\164.ws"] = "xn--i-7iq.ws", ["\226\152\131.net"] = "xn--n3h.net", ["xn--n3h.net"] = "xn--n3h.net",
      ["%E2%98%83.net"] = "xn--n3h.net", ["\240\159\146\169.la"] = "xn--ls8h.la",
      ["\226\152\131\195\159"] = "xn--zca921q",
      ["r3---sn.m\195\188nchen.de"] = "r3---sn.xn--mnchen-3ya.de", ["ab--\195\188"] = "xn--ab---3ra",
      ["\227\131\187\227\131\188"] = "xn--vekc", ["_\195\188"] = "xn--_-eha",
      ["[2001:DB8::1]"] = "2001:db8::1",
      ["[::ffff:1.2.3.4]"] = "::ffff:1.2.3.4",
    } do
      local parts = assert(parse("https://" .. host .. "/"))
      assert.equal(expected, parts.host)
      assert.equal(expected:find ":" and "[" .. expected .. "]" or expected, parts.authority)
    end
  end)

  it("refuses what is no URL", function()
    for url, words in pairs {
      [""] = "no scheme", ["/a"] = "no scheme", ["//h/a"] = "no scheme", [":a"] = "no scheme",
      ["1a://h"] = "no scheme",
      ["h"] = "no scheme", ["ht tp://h"] = "no scheme", ["h\195\188://h"] = "no scheme",
      ["http:"] = "no host", ["http:/"] = "no host", ["https://"] = "no host", ["http:\\\\?h"] = "no host",
      ["https://?q"] = "no host", ["https://:80/"] = "no host", ["https://u@/"] = "no host",
      ["https://h:x/"] = "port", ["https://h:-1/"] = "port", ["https://h:65536/"] = "port",
      ["https://h:80:80/"] = "port",
      ["https://h:99999999999999999999/"] = "port",
      ["https://a b/"] = "host", ["https://a<b/"] = "host", ["https://a%20b/"] = "host", ["https://a%/"] = "host",
      ["https://a%2fb/"] = "host", ["https://a%00/"] = "host", ["https://a]/"] = "host", ["https://a\0b/"] = "host",
      ["https://\255/"] = "host", ["https://a%C3/"] = "host",
      ["https://a\239\188\143b/"] = "host", -- a full-width slash
      ["https://xn--\195\188.de/"] = "host", ["https://xn--pokxncvks/"] = "host", ["https://xn--/"] = "host",
      ["https://xn--abc-/"] = "host", ["https://xn--zn7c.com/"] = "host", ["https://a\226\128\141b/"] = "host",
      ["https://\226\152\131\226\128\141/"] = "host", ["https://\239\191\189.com/"] = "host",
      ["https://256.1.1.1/"] = "IPv4", ["https://1.2.3.4.5/"] = "IPv4", ["https://1..2/"] = "IPv4",
      ["https://08/"] = "IPv4",
      ["https://[::1/"] = "IPv6", ["https://[]/"] = "IPv6", ["https://[1.2.3.4]/"] = "IPv6",
      ["https://[fe80::1%25eth0]/"] = "IPv6", ["https://[::1\0]/"] = "IPv6", ["https://[v1.x]/"] = "IPv6",
      ["https://[1:2:3:4:5:6:7:8:9]/"] = "IPv6", ["https://[::1]x/"] = "port",
      ["https://[" .. ("1"):rep(99) .. "]"] = "IPv6",
      ["https://" .. ("a"):rep(256) .. "/"] = "255", ["https://" .. ("%C3%BC"):rep(600) .. "/"] = "255",
      ["https://h/\0a"] = "control", ["\127https://h/"] = "no scheme", ["https://h/?\127"] = "control",
      ["https://h/#\27[0m"] = "control", ["https://u\0@h/"] = "control", ["https://h/a\1b"] = "control",
    } do
      assert_invalid(url, words, parse(url))
      assert_invalid(url, words, normalize(url))
      assert_invalid(url, words, resolve(url, "/x"))
    end
  end)

  it("takes a URL up to its limit and refuses a longer one", function()
    local longest = "https://h/" .. ("a"):rep(MAX - 10)
    assert.equal(longest, cleaned(longest))
    assert.equal(longest, normalize(longest))
    for _, url in ipairs { longest .. "a", "https://h/" .. ("\255"):rep(30000), ("a"):rep(10 * MAX),
      (" "):rep(MAX + 1) } do
      assert_invalid(url, "too long", parse(url))
      assert_invalid(url, "too long", normalize(url))
      assert_invalid(url, "too long", resolve("https://h/", url))
    end
    assert_invalid(longest, "too long", resolve(longest .. "/", "b"))
    local err = select(2, parse(longest .. "a"))
    assert.is_true(#err.message < 256)
  end)

  it("shows what is wrong without user and password", function()
    for _, url in ipairs {
      "https://joe:secret@h:99999/", "https://joe:se/secret@h/\0a", "https://joe:se@secret@h\0/", "joe:secret@h\0a",
      "//joe:secret@h", "https:\\\\joe:secret@h:x", "https://joe:secret#@h/", " ht\ntps://joe:secret@h/\0a",
      "https://joe:secret@[::1", "https://joe%3Asecret@h:x/", "https://:secret@/", "https://joe:x?secret@h/",
      "https://joe:secret@" .. ("h"):rep(300),
    } do
      local value, err = parse(url)
      assert_invalid(url, "invalid URL", value, err)
      for _, text in ipairs { err.message, err.url, tostring(err), "" .. err } do
        assert.is_nil(text:find("secret", 1, true), text)
      end
    end
    assert.equal('invalid URL "https://h:99999/": its port is above 65535',
      select(2, parse "https://joe:secret@h:99999/").message)
  end)

  it("raises for what is no string, at the caller's line", function()
    local line = debug.getinfo(1, "l").currentline
    for name, call in pairs {
      url = function() parse(42) end,
      base = function() resolve(nil, "x") end,
      ref = function() resolve("http://h/", {}) end,
    } do
      local ok, message = pcall(call)
      assert.is_false(ok)
      local at = tonumber(message:match "url_spec%.lua:(%d+): ")
      assert.is_true(at > line and at < line + 5, message)
      assert.is_truthy(message:find(name .. " must be a string, got ", 1, true), message)
    end
    assert.is_truthy(select(2, pcall(parse, 42)):find("got 42", 1, true))
    assert.is_truthy(select(2, pcall(normalize, false)):find("url must be a string, got false", 1, true))
  end)
end)

describe("any single byte", function()
  local function expect(byte, allowed)
    local char = string.char(byte)
    if is_stripped(byte) then return "" end
    if char:find(UNRESERVED) or char:find(SUB_DELIMS) or allowed:find(char, 1, true) then return char end
    return ("%%%02X"):format(byte)
  end

  local places = {
    path = { "https://h/a%sb", ":@/", special = { ["?"] = true, ["#"] = true, ["\\"] = true } },
    query = { "https://h/?a%sb", ":@/?", special = { ["#"] = true } },
    fragment = { "https://h/#a%sb", ":@/?", special = {} },
    userinfo = { "https://a%sb@h/", ":", special = { ["/"] = true, ["?"] = true, ["#"] = true, ["\\"] = true } },
  }
  for part, place in pairs(places) do
    it("in a " .. part .. " is kept, stripped, escaped, or fails", function()
      for byte = 0, 255 do
        local char = string.char(byte)
        local before, after = place[1]:match "^(.*)%%s(.*)$"
        local url = before .. char .. after
        if is_control(byte) and not is_stripped(byte) then
          assert_invalid(url, "control", parse(url))
        elseif not place.special[char] then
          assert.equal("a" .. expect(byte, place[2]) .. "b", (parse(url)[part]:gsub("^/", "")), byte)
        end
      end
    end)
  end

  it("in a host is kept in lower case, stripped, a delimiter, or fails", function()
    for byte = 0, 255 do
      local char = string.char(byte)
      local url = "https://a" .. char .. "b/"
      if is_stripped(byte) then
        assert.equal("ab", parse(url).host)
      elseif char:find "[/?#\\]" then
        assert.equal("a", parse(url).host)
      elseif char == "@" then
        assert.equal("b", parse(url).host)
      elseif char == ":" then
        assert_invalid(url, "port", parse(url))
      elseif char:find(UNRESERVED) or char:find(SUB_DELIMS) or char:find '["`{}]' then
        assert.equal("a" .. char:lower() .. "b", parse(url).host)
      else
        assert_invalid(url, "host", parse(url))
      end
    end
  end)
end)

describe("rill.url.resolve", function()
  it("gives what RFC 3986 section 5.4 gives", function()
    for ref, expected in pairs {
      ["g:h"] = "g:h", ["g"] = "http://a/b/c/g", ["./g"] = "http://a/b/c/g", ["g/"] = "http://a/b/c/g/",
      ["/g"] = "http://a/g", ["//g"] = "http://g", ["?y"] = "http://a/b/c/d;p?y", ["g?y"] = "http://a/b/c/g?y",
      ["#s"] = "http://a/b/c/d;p?q#s", ["g#s"] = "http://a/b/c/g#s", ["g?y#s"] = "http://a/b/c/g?y#s",
      [";x"] = "http://a/b/c/;x", ["g;x"] = "http://a/b/c/g;x", ["g;x?y#s"] = "http://a/b/c/g;x?y#s",
      [""] = "http://a/b/c/d;p?q", ["."] = "http://a/b/c/", ["./"] = "http://a/b/c/", [".."] = "http://a/b/",
      ["../"] = "http://a/b/", ["../g"] = "http://a/b/g", ["../.."] = "http://a/", ["../../"] = "http://a/",
      ["../../g"] = "http://a/g",
      ["../../../g"] = "http://a/g", ["../../../../g"] = "http://a/g", ["/./g"] = "http://a/g",
      ["/../g"] = "http://a/g",
      ["g."] = "http://a/b/c/g.", [".g"] = "http://a/b/c/.g", ["g.."] = "http://a/b/c/g..",
      ["..g"] = "http://a/b/c/..g",
      ["./../g"] = "http://a/b/g", ["./g/."] = "http://a/b/c/g/", ["g/./h"] = "http://a/b/c/g/h",
      ["g/../h"] = "http://a/b/c/h", ["g;x=1/./y"] = "http://a/b/c/g;x=1/y", ["g;x=1/../y"] = "http://a/b/c/y",
      ["g?y/./x"] = "http://a/b/c/g?y/./x", ["g?y/../x"] = "http://a/b/c/g?y/../x",
      ["g#s/./x"] = "http://a/b/c/g#s/./x", ["g#s/../x"] = "http://a/b/c/g#s/../x",
      ["http:g"] = "http://a/b/c/g", -- as browsers do: not strict
    } do
      assert.equal(expected, resolve("http://a/b/c/d;p?q", ref), ref)
    end
  end)

  it("follows links as browsers do", function()
    for _, case in ipairs {
      { "https://h/a/b", " c d ", "https://h/a/c%20d" },
      { "https://h/a/b", "\n../\tx\n", "https://h/x" },
      { "https://h", "x", "https://h/x" },
      { "https://h", "?x", "https://h?x" },
      { "https://h?q#f", "", "https://h?q" },
      { "https://h/a?q#f", "#g", "https://h/a?q#g" },
      { "https://h/a?q#f", "?", "https://h/a?" },
      { "https://u:p@h:8443/a", "/b", "https://u:p@h:8443/b" },
      { "https://u:p@h:8443/a", "//o/b", "https://o/b" },
      { "https://h/a", "\\\\o\\b", "https://o/b" },
      { "https://h/a/b", "\\c", "https://h/c" },
      { "https://h/a/b", "%2E%2e/c", "https://h/c" },
      { "https://h/a/./x/../b", "c", "https://h/a/c" },
      { "https://h/a", "HTTPS:b", "https://h/b" },
      { "https://h/a", "https:?b", "https://h/a?b" },
      { "https://h/a", "HTTP://O:80/../b", "http://o:80/b" },
      { "https://h/a", "1:2", "https://h/1:2" },
      { "https://h/a", "./x:y", "https://h/x:y" },
      { "https://h/a", "/x:y", "https://h/x:y" },
      { "https://h/a//b/", "..", "https://h/a//" },
      { "https://h/a//b", "../c", "https://h/a/c" },
      { "https://h/a", "mailto:x@y", "mailto:x@y" },
      { "https://h/a", "javascript:;", "javascript:;" },
      { "https://h/a", "//m\195\188nchen.de", "https://xn--mnchen-3ya.de" },
      { "https://h/a/b", "http:x", "http://x" }, { "https://h/a/b", "http:/x/c", "http://x/c" },
      { "https://h/a/b", "http:///x", "http://x" }, { "https://h/a/b", "http:\\/\\x", "http://x" },
      { "https://h/a/b", "https:/x", "https://h/x" }, { "https://h/a/b", "https:///x", "https://x" },
      { "https://h/a/b", "https:\\\\x", "https://x" }, { "https://h/a/b", "///x/c", "https://x/c" },
      { "https://h/a/b", "/\\x", "https://x" }, { "file:///a", "http:x", "http://x" },
      { "mailto:x@y", "#f", "mailto:x@y#f" },
      { "file:///a/b", "../c", "file:///c" },
      { "foo:/a/b", "..//c", "foo:/.//c" },
    } do
      assert.equal(case[3], resolve(case[1], case[2]), case[1] .. " + " .. case[2])
    end
  end)

  it("fails for a base or a reference that leads nowhere, and says which", function()
    assert.equal("nonsense", assert_invalid("base", "no scheme", resolve("nonsense", "/x")).url)
    assert.equal("//", assert_invalid("//", "no host", resolve("https://h/", "//")).url)
    assert_invalid("///", "no host", resolve("https://h/", "///"))
    assert_invalid("http:", "no host", resolve("https://h/", "http:"))
    assert_invalid("//h:x", "port", resolve("https://h/", "//h:x"))
    assert_invalid("a\1b", "control", resolve("https://h/", "a\1b"))
    for _, ref in ipairs { "b", "/b", "?b" } do
      assert_invalid(ref, "relative", resolve("mailto:a", ref))
    end
    assert.equal("https://h/x", resolve("https://h/", "x")) -- nothing is left behind
  end)
end)

describe("rill.url.normalize", function()
  it("gives equal URLs one spelling", function()
    for expected, spellings in pairs {
      ["http://example.com/"] = {
        "http://example.com", "HTTP://EXAMPLE.COM", "http://example.com:80", "http://example.com:/",
        "http://example.com:080/", "http://example.com/#top", "http://example.com/.", "http://example.com/a/..",
        "http://example.com/%2e%2E/", "http://@example.com/", "http://ex%61mple.com/", " http:\\\\example.com\\ ",
      },
      ["https://h/~a/%C3%BC/%2F?q=%3D#"] = {},
      ["https://h/~a-b_c.d/%2F%3F%25"] = { "https://h/%7Ea%2Db%5Fc%2Ed/%2f%3f%25" },
      ["https://h/%C3%BC?%C3%BC=a"] = { "https://h/\195\188?%c3%bc=%61", "https://h:443/x/../%c3%BC?%C3%bc=%61#x" },
      ["https://h/?"] = { "https://h?", "https://h:0443/?#" },
      ["https://h:8443/"] = { "https://h:08443" },
      ["https://h:0/"] = { "https://h:000" },
      ["https://u:p@h/"] = { "https://%75:%70@H" },
      ["https://[2001:db8::1]/"] = { "https://[2001:DB8:0:0:0:0:0:1]:443" },
      ["https://127.0.0.1/"] = { "https://0x7f.1", "https://2130706433:443/" },
      ["https://h/%25zz%254"] = { "https://h/%zz%4" },
      ["https://h/a//b/"] = { "https://h/a//b/c/..", "https://h/a//b/." },
      ["https://h/...//.a/a.."] = {},
      ["mailto:a%20b@c"] = { "MAILTO:a b@c", "mailto:%61%20b@c#x" },
      ["foo:/.//b"] = { "foo:/a/..//b", "foo:/.//b" },
      ["foo:a/../b"] = {}, -- no hierarchy, nothing to remove
      ["foo://h:80/"] = { "foo://H:80", "foo://h:080/." },
    } do
      for _, spelling in ipairs(spellings) do
        assert.equal(expected, normalize(spelling), spelling)
      end
      assert.equal((expected:gsub("#$", "")), normalize(expected))
    end
  end)

  it("changes nothing more when it is asked again, and parses as it is", function()
    local random = 42
    local function pick(list)
      random = (random * 1103515245 + 12345) % 2147483648
      return list[math.floor(random / 65536) % #list + 1]
    end
    local scheme = { "http:", "HTTPS:", "foo:", "mailto:" }
    local authority = { "", "//", "//H", "//u:p@h:80", "//@h:", "//m\195\188.de:0443",
      "//[::FFFF:0:1]", "//0x7f.1", "//a%2db" }
    local piece = {
      "/", "/", "..", ".", "%2e", "a", "%41", "%2F", "%", "%%", "%4", "\195\188", "\255", " ", "\\", "\t",
      ":", "@", "?", "#",
      "[", "//", "%c3%bc", "~", "%7E", ";", "=",
    }
    local good = 0
    for _ = 1, 20000 do
      local url = pick(scheme) .. pick(authority)
      for _ = 1, pick { 0, 1, 2, 4, 8 } do
        url = url .. pick(piece)
      end
      local parts, normal = parse(url), normalize(url)
      assert.equal(parts == nil, normal == nil, url)
      if normal then
        good = good + 1
        assert.equal(normal, normalize(normal), url)
        assert.equal(normal, cleaned(normal), url)
        assert.equal(join(parts), cleaned(join(parts)), url)
        assert.equal(normal, normalize(join(parts)), url)
        assert.is_nil(normal:find "[^!-~]", url)
        assert.is_nil(parse(normal).fragment)
      end
    end
    assert.is_true(good > 5000, "only " .. good .. " of the corpus are URLs")
  end)
end)

describe("rill.url.same_site", function()
  local same_site = require("rill.url").same_site

  it("compares registrable domains", function()
    for _, pair in ipairs {
      { "https://example.com/", "http://www.example.com:8080/x" }, { "https://a.b.co.uk", "https://c.b.co.uk" },
      { "https://127.0.0.1/", "https://127.0.0.1:1/" }, { "https://[::1]/", "https://[::1]/a" },
      { "https://localhost/", "https://LOCALHOST/" }, { "https://b\195\188cher.de/", "https://x.xn--bcher-kva.de/" },
    } do
      assert.is_true(same_site(pair[1], pair[2]), pair[1])
    end
    for _, pair in ipairs {
      { "https://a.co.uk/", "https://b.co.uk/" }, { "https://a.github.io", "https://b.github.io" },
      { "https://1.0.0.127/", "https://2.0.0.127/" }, { "mailto:a@example.com", "mailto:a@example.com" },
      { "https://example.com/", "nonsense" },
    } do
      assert.is_false(same_site(pair[1], pair[2]), pair[1])
    end
    assert.is_false((pcall(same_site, 1, "https://example.com/")))
  end)
end)
