local html = require "rill.html"

--- Fails unless the page links to /1, /2, ... in order, and to nothing else.
local function finds(count, page)
  local expected = {}
  for i = 1, count do expected[i] = "http://h/" .. i end
  assert.same(expected, html.links(page, "http://h/"), page)
end

--- The path of the only link of a page.
local function href(page)
  local links = html.links(page, "http://h/")
  assert.equal(1, #links, page)
  return links[1]:gsub("^http://h", "")
end

describe("a tag", function()
  it("begins with a letter right behind its <, and its name ends at a blank, / or >", function()
    finds(4, "< a href=/no><a\thref=/1><a\nhref=/2><a\fhref=/3><a/href=/4><ab href=/no><a\vhref=/no><3><a<b href=/no>")
    finds(1, "<a\0 href=/no><A HREF=/1>")
  end)

  it("that the page ends in is none", function()
    finds(1, "<a href=/1><a href=/no")
    finds(1, "<a href=/1><a href='/no'")
    finds(1, "<a href=/1><a href='/no>")
    finds(1, "<a href=/1><")
    finds(1, "<a href=/1></")
    finds(1, "<a href=/1></a")
  end)

  it("takes attributes as an end tag does, whose > may stand in a value", function()
    finds(2, "</p title='><a href=/no>'><a href=/1><p title=\"><a href=/no>\"><a href=/2>")
    finds(2, "<p title = '><a href=/no>'><a href=/1><p title=x'><a href=/2>")
  end)
end)

describe("an attribute", function()
  it("has a name up to a blank, /, > or =, which may begin with =", function()
    finds(1, "<a =href=/no><a href=/1>")
    finds(1, "<p =\"a><a href=/1>")
    finds(2, "<p ==\"><a href=/no>\"><a href=/1><p a=b =\"x><a href=/2>")
    finds(1, "<a hre\0f=/no><a 'href=/no><a \"x\"href=/no><a x href=/1>")
    finds(1, "<p a/=\"><a href=/1>")
  end)

  it("has a value in either quotes or none, with blanks around =", function()
    finds(5, "<a href='/1'><a href=\"/2\"><a href=/3><a href = /4><a href\n=\t'/5'>")
  end)

  it("keeps what ends a value of the other kind", function()
    assert.equal("/a%22b", href "<a href='/a\"b'>")
    assert.equal("/a'b", href "<a href=\"/a'b\">")
    assert.equal("/a/b=c", href "<a href=/a/b=c>")
    assert.equal("/a/", href "<a href=/a/>")
  end)

  it("counts the first time, also without a value", function()
    finds(1, "<a href=/1 href=/no>")
    assert.equal("/", href "<a href href=/no>")
    assert.equal("/", href "<a href= >")
    finds(1, "<a x=y/href=/no><a x/href=/1>")
    finds(1, "<a x='y'href=/1>")
  end)
end)

describe("a character reference", function()
  it("is one of 2,231 names, the longest that fits", function()
    assert.equal("/&", href "<a href=/&amp;>")
    assert.equal("/&", href "<a href=/&amp>")
    assert.equal("/%C2%AC", href "<a href=/&not>")
    assert.equal("/%E2%88%89", href "<a href=/&notin;>")
    assert.equal("/%E2%88%B3", href "<a href=/&CounterClockwiseContourIntegral;>")
    assert.equal("/%E2%89%AB%E2%83%92", href "<a href=/&nGt;>")
    assert.equal("/&nosuch;", href "<a href=/&nosuch;>")
  end)

  it("is text without its semicolon before =, a letter or a digit, in values only", function()
    assert.equal("/?a=1&copy=2", href "<a href=/?a=1&copy=2>")
    assert.equal("/?&notx", href "<a href=/?&notx>")
    assert.equal("/?&not1", href "<a href=/?&not1>")
    assert.equal("/?%C2%AC-", href "<a href=/?&not->")
    assert.equal("&x", html.scan("<title>&ampx</title>", "http://h/").title)
  end)

  it("is a number, decimal or not", function()
    assert.equal("/AB", href "<a href=/&#65;&#x42>")
    assert.equal("/%E2%82%AC%C2%81", href "<a href=/&#128;&#x81;>")
    local bad = "%EF%BF%BD"
    assert.equal("/" .. bad .. bad .. bad .. bad, href "<a href=/&#0;&#xD800;&#x110000;&#99999999999999999999;>")
    assert.equal("/&", href "<a href=/&#>")
    assert.equal("/&", href "<a href=/&#x>")
  end)

  it("makes no markup, but the # that ends an address", function()
    assert.equal("/%22%3E", href "<a href=\"/&quot;&gt;\">")
    assert.equal("/a", href "<a href=/a&#35;b>")
    assert.equal("/a", href "<a href=/a&num;b>")
  end)

  it("stands beside NUL, which is U+FFFD", function()
    assert.equal("/%EF%BF%BD", href "<a href=/\0>")
  end)
end)

describe("a comment", function()
  it("ends at -->, --!>, or at once", function()
    finds(5, "<!-- <a href=/no> --><a href=/1><!----><a href=/2><!--><a href=/3><!---><a href=/4>" ..
      "<!-- --!><a href=/5>")
    finds(1, "<!-- -- > -> <a href=/no> ---><a href=/1>")
    finds(2, "<!--!><a href=/no>--><a href=/1><!---!><a href=/no>--><a href=/2>")
    finds(1, "<!-- <!-- --><a href=/1>")
    finds(0, "<!-- <a href=/no>")
  end)

  it("is also what begins like a declaration, an instruction or a strange end tag: up to >", function()
    finds(7, "<!DOCTYPE html '><a href=/1><!x--><a href=/2><?php '><a href=/3></ x><a href=/4></><a href=/5>" ..
      "<![CDATA[><a href=/6><!><a href=/7>")
    finds(0, "<? <a href=/no")
  end)
end)

describe("raw text", function()
  it("is in title, textarea, style, xmp, iframe, noembed and noframes, up to their own end tag", function()
    for _, name in ipairs { "title", "textarea", "style", "xmp", "iframe", "noembed", "noframes" } do
      finds(2, ("<%s><a href=/no><!-- </x></%sx> </ %s></%s ><a href=/1><%s/></%s/><a href=/2>")
        :format(name, name, name, name:upper(), name, name))
      finds(0, ("<%s><a href=/no></%s"):format(name, name))
    end
  end)

  it("is not in noscript, and has no end in plaintext", function()
    finds(1, "<noscript><a href=/1></noscript>")
    finds(1, "<a href=/1><plaintext></plaintext><a href=/no>")
  end)
end)

describe("a script", function()
  it("ends at its end tag", function()
    finds(1, "<script>'<a href=/no>' </scripts> </script\n><a href=/1>")
    finds(0, "<script></script x='><a href=/no>")
  end)

  it("hides an end tag where <!-- and <script have come before", function()
    finds(1, "<script><!-- <script> </script> <a href=/no> --></script><a href=/1>")
    finds(1, "<script><!-- <script> </script> </script><a href=/1>")
    finds(1, "<script><!-- <script> --> </script><a href=/1>")
    finds(1, "<script><!--> <script></script><a href=/1>")
    finds(1, "<script><!---> <script></script><a href=/1>")
    finds(1, "<script><!-- </script><a href=/1>")
    finds(1, "<script><!-- <scripts> </script><a href=/1>")
    finds(1, "<script><!-- - -> <script/ </script> </scripts> </script><a href=/1>")
    finds(0, "<script><!-- <script> </script> <a href=/no>")
  end)
end)

describe("svg and math", function()
  it("hold CDATA sections, which HTML does not", function()
    finds(3, "<svg><![CDATA[<a href=/no>]] ]>]]><a href=/1></svg><math><![CDATA[<a href=/no>]]></math>" ..
      "<a href=/2><![CDATA[<a href=/no><a href=/3>")
    finds(0, "<svg><![CDATA[<a href=/no>")
  end)

  it("hold no raw text", function()
    finds(5, "<svg><style><a href=/1></style><title><a href=/2></title><script><a href=/3></script></svg>" ..
      "<math><textarea><a href=/4></textarea></math><style><a href=/no></style><a href=/5>")
  end)

  it("hold HTML again in foreignObject, desc, title, and the text of formulas", function()
    for _, name in ipairs { "foreignObject", "desc", "title" } do
      finds(1, ("<svg><%s><style><a href=/no></style></%s><style><a href=/1></style>"):format(name, name))
    end
    for _, name in ipairs { "mi", "mo", "mn", "ms", "mtext" } do
      finds(1, ("<math><%s><style><a href=/no></style></%s><style><a href=/1></style>"):format(name, name))
    end
    finds(1, "<math><annotation-xml encoding=TEXT/html><style><a href=/no></style></annotation-xml><a href=/1>")
    finds(1, "<math><annotation-xml><style><a href=/1></style>")
    finds(1, "<math><annotation-xml><svg><desc><style><a href=/no></style></desc><style><a href=/1></style>")
    finds(1, "<math><mi><mglyph><style><a href=/1></style>")
  end)

  it("end at elements that they cannot hold", function()
    for _, tag in ipairs { "<p>", "<div>", "<table>", "</p>", "</br>", "<font color=x>" } do
      finds(1, "<svg>" .. tag .. "<style><a href=/no></style><a href=/1>")
    end
    finds(1, "<svg><font><style><a href=/1></style>")
    finds(1, "<svg/><style><a href=/no></style><a href=/1>")
    finds(1, "<svg a=b/><style><a href=/1></style>")
  end)

  it("have links of their own: xlink:href, where there is no href", function()
    finds(2, "<svg><a xlink:href=/1></a><a xlink:href=/no href=/2></a></svg><a xlink:href=/no>")
  end)
end)
