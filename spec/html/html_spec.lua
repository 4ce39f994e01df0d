local html = require "rill.html"

local BASE = "https://example.com/dir/page.html"

local function links(body, content_type)
  return html.links(body, BASE, content_type)
end

-- CPU seconds of one call: the least of three, others use the caches too.
local function cost(body)
  local least = math.huge
  for _ = 1, 3 do
    local began = os.clock()
    links(body)
    least = math.min(least, os.clock() - began)
  end
  return least
end

local function resident()
  local file = assert(io.open "/proc/self/statm")
  local pages = file:read("*a"):match "^%d+ (%d+)"
  file:close()
  return pages * 4096
end

describe("rill.html", function()
  it("is a field of rill, and a module that loads alone", function()
    assert.equal(html, require("rill").html)
  end)
end)

describe("the links of a page", function()
  it("are href of <a> and <area>, absolute, in document order, each once", function()
    assert.same({ "https://example.com/dir/b", "https://example.com/a?x=1&y=2", "https://other.org/" },
      links [[<p><a class=x href=b>b</a><map><AREA HREF='/a?x=1&amp;y=2'></map><a href="//other.org/">o</a>
              <a name=top>no link</a><link href=style.css><img src=i.png><a href=b>again</a>]])
  end)

  it("are not what looks like one in a comment, a script, a style or an attribute", function()
    assert.same({ "https://example.com/yes" }, links [[<!-- <a href=/no> --><script>"<a href=/no>"</script>
      <style><a href=/no></style><p title="<a href=/no>"><textarea></textarea><a href=/yes>]])
  end)

  it("start from the first <base href>, wherever that stands", function()
    assert.same({ "https://example.com/x/one", "https://example.com/x/two" },
      links "<a href=one></a><head><base target=t><base href=/x/y><base href=/z/></head><a href=two></a>")
  end)

  it("are stripped of blanks and line ends; an empty one is the page", function()
    assert.same({ "https://example.com/dir/long", BASE, "https://example.com/dir/page.html?q" },
      links "<a href=' lo\nng '><a href=''><a href='?q'>")
  end)

  it("leave out what is no http or https URL", function()
    assert.same({ "https://example.com/" },
      links [[<a href="mailto:x@y"><a href="javascript:void(0)"><a href="data:,x"><a href="http://[bad"><a href="/">]])
  end)

  it("come after the end of a document too, and after an end tag that opens it", function()
    assert.same({ "https://example.com/a", "https://example.com/b" },
      links "</div></p><a href=/a></a></body></html>\n</div><a href=/b>")
  end)

  it("are read in the encoding that the server, the page or a byte order mark names, else in UTF-8", function()
    local umlaut = { "https://example.com/%C3%A4" }
    assert.same(umlaut, links "<a href='/\195\164'>")
    assert.same(umlaut, links("<meta charset=utf-8><a href='/\228'>", "text/html; charset=ISO-8859-1"))
    assert.same(umlaut, links "<meta http-equiv=content-type content='text/html; charset=iso-8859-1'><a href='/\228'>")
    assert.same({ "https://example.com/%D0%B4" }, links "<meta charset='windows-1251'><a href='/\228'>")
    assert.same(umlaut, links("\255\254" .. ("<a href='/\228'>"):gsub(".", "%0\0")))
  end)

  it("survive bytes that mean nothing and an encoding nobody knows", function()
    assert.same({ "https://example.com/b" }, links "<meta charset=shift_jis>\253\254\255\130<a href=/b>")
    assert.same({ "https://example.com/b" }, links("<p>\255\254\0\1<a href=/b>", "text/html; charset=no-such-thing"))
    assert.equal(1, #links "\0<a href=/b\0>")
    assert.same({}, links "")
    assert.same({}, links(("\0\255<"):rep(1000)))
  end)

  it("raise when body or base_url is no string", function()
    assert.has_error(function() html.links(nil, BASE) end, "rill.html.links: body must be a string, not nil")
    assert.has_error(function() html.links("", 5) end, "rill.html.links: base_url must be a string, not number")
  end)
end)

describe("a page made to hurt", function()
  it("gives the links below 100,000 open elements, and after their end tags", function()
    local deep = ("<div>"):rep(1e5) .. "<a href=/in></a>" .. ("</div>"):rep(1e5) .. "<a href=/after>"
    assert.same({ "https://example.com/in", "https://example.com/after" }, links(deep))
  end)

  it("gives the link behind something very long", function()
    for _, before in ipairs {
      "<img src='data:" .. ("abcd"):rep(1e6) .. "'>", "<!-- " .. ("<a href=/no> "):rep(1e5) .. "-->",
      "<script>" .. ("'<a href=/no>' "):rep(1e5) .. "</script>", ("text "):rep(1e6),
      "<p x='" .. ("words "):rep(1e5) .. "'>",
    } do
      assert.same({ "https://example.com/z" }, links(before .. "<a href=/z>"))
    end
  end)

  local names = {}
  for i = 1, 4e5 do names[i] = "a" .. i end
  local HOSTILE = {
    ["open elements and end tags that match none"] = function(n)
      return ("<b>"):rep(n / 8) .. ("</i>"):rep(n / 8) .. "<a href=/z>"
    end,
    ["one tag of many attributes"] = function(n)
      return "<p " .. table.concat(names, " ", 1, n / 8) .. "><a href=/z>"
    end,
    ["an element name never used before, again and again"] = function(n)
      return "<" .. table.concat(names, "><", 1, n / 9) .. "><a href=/z>"
    end,
    ["instructions that do not end"] = function(n) return ("<?"):rep(n / 2) .. "><a href=/z>" end,
    ["end tags that do not end"] = function(n) return ("</"):rep(n / 2) .. "><a href=/z>" end,
    ["paragraphs"] = function(n) return ("<p>"):rep(n / 3) .. "<a href=/z>" end,
    ["the end of the document, again and again"] = function(n) return ("</html>"):rep(n / 7) .. "<a href=/z>" end,
  }
  for what, make in pairs(HOSTILE) do
    it("takes time in proportion to its length: " .. what, function()
      local small, large = make(2 ^ 18), make(2 ^ 21)
      assert.equal("https://example.com/z", links(large)[1])
      -- eight times the length: 64 times the time if that grew with the square
      local base = math.max(cost(small), 0.002)
      local taken = cost(large)
      assert.is_true(taken < 24 * base, ("%.4f s, then %.4f s"):format(base, taken))
    end)
  end

  it("of 32 MB that are wrong for its charset takes no copy of itself", function()
    for _, name in ipairs { "utf-8", "shift_jis", "gb18030", "utf-16le", "windows-1252" } do
      local page = ("\129"):rep(2 ^ 25) .. "<a href=/z>"
      collectgarbage()
      local before = resident()
      links(page, "text/html; charset=" .. name)
      if not os.getenv "RILL_SANITIZED" then
        assert.is_true(resident() - before < 16 * 2 ^ 20, name)
      end
    end
  end)

  it("of 10 MB takes little memory beside itself", function()
    local page = ("<p>text<b><i>more</i></b>"):rep(4e5) .. "<a href=/z>"
    collectgarbage()
    local before = resident()
    assert.same({ "https://example.com/z" }, links(page))
    if not os.getenv "RILL_SANITIZED" then
      assert.is_true(resident() - before < 64 * 2 ^ 20) -- a tree of it takes four times as much
    end
  end)
end)
