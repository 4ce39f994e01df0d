local html = require "rill.html"

local PAGE = [[<title>T</title><div class="a b"><p>one<p class=x>two</div><a href="http://h/1">1</a><a href="/2">2</a>]]

local doc

local function refused(expression, reason, what)
  local found, err = doc:xpath(expression)
  assert.is_nil(found, expression)
  assert.equal(reason, err.reason)
  assert.is_truthy(err.message:find(what, 1, true), err.message)
  return err
end

describe("an XPath expression", function()
  setup(function() doc = html.document(PAGE) end)
  teardown(function() doc:close() end)

  it("gives nodes, strings of attributes and texts, or one value in a list", function()
    assert.equal("p", doc:xpath("//p")[2].name)
    assert.same({ "http://h/1", "/2" }, doc:xpath "//a/@href")
    assert.same({ "one", "two" }, doc:xpath "//p/text()")
    assert.same({ "T" }, doc:xpath "string(//title)")
    assert.same({ 2 }, doc:xpath "count(//p)")
    assert.same({ true }, doc:xpath "count(//p) = 2")
    assert.same({}, doc:xpath "//nothing")
    assert.equal("#document", doc:xpath("/")[1].name)
  end)

  it("may call has-class, re:test and re:match", function()
    assert.equal(1, #doc:xpath "//*[has-class('b', 'a')]")
    assert.equal(0, #doc:xpath "//*[has-class('c')]")
    assert.same({ "http://h/1" }, doc:xpath "//a[re:test(@href, '^HTTPS?:', 'i')]/@href")
    assert.same({ "/2" }, doc:xpath "//a[re:test(@href, '^/\\d$')]/@href")
    assert.same({ "h/1" }, doc:xpath "re:match(//a/@href, '[a-z]/\\d')")
    assert.same({ "" }, doc:xpath "re:match(//a/@href, 'q+')")
  end)

  it("may call translate", function()
    assert.same({ "BAr" }, doc:xpath "translate('bar', 'abc', 'AB')")
    assert.same({ "-x\195\188" }, doc:xpath "translate('e\195\164\195\182\195\188', 'e\195\164\195\182\195\164', '-x')")
    assert.same({ "" }, doc:xpath "translate('', 'a', 'b')")
    assert.same({ "aab" }, doc:xpath "translate('aab', '', 'b')")
    refused("translate('a', 'b')", "invalid_selector", "three strings")
  end)

  it("that is wrong is data, and says where", function()
    assert.equal(5, refused("//p[", "invalid_selector", 'xpath "//p[" at 5').at)
    refused("", "invalid_selector", "")
    refused("//p[foo()]", "invalid_selector", "there is no function foo()")
    refused("//p[re:foo()]", "invalid_selector", "there is no function foo()")
    refused("//p[x:foo()]", "invalid_selector", "prefix x")
    refused("//x:p", "invalid_selector", "prefix")
    refused("$x", "invalid_selector", "variable")
    refused("//p[re:test(., '(a')]", "invalid_selector", "missing closing parenthesis")
    refused("//p[re:test(.)]", "invalid_selector", "takes a text")
    refused("//p[contains(.)]", "invalid_selector", "arguments")
    refused("//p[has-class()]", "invalid_selector", "needs a class")
    refused("//p\0", "invalid_selector", "NUL")
    refused("//p[. = '\255']", "invalid_selector", "UTF-8")
    assert.equal(2, doc:xpath("count(//p)")[1]) -- and nothing is left of it
  end)

  it("writes nothing to stderr, and is as good in the next document", function()
    local other = html.document "<p>x"
    for _ = 1, 3 do
      refused("//p[foo()]", "invalid_selector", "foo")
      assert.is_nil((other:xpath "//p[foo()]"))
      assert.equal(1, #other:xpath "//p[re:test(., 'x')]")
      assert.equal(2, #doc:xpath "//p[re:test(., 'o')]")
    end
  end)
end)

describe("the bounds of an expression", function()
  it("are 4 KiB, and how deep it is nested", function()
    doc = html.document(PAGE)
    refused("//p[" .. ("1 or "):rep(1000) .. "1]", "invalid_selector", "longer than 4096 bytes")
    local err = select(2, doc:xpath(("("):rep(4000)))
    assert.is_truthy(err.reason == "limit" or err.reason == "invalid_selector", tostring(err))
    refused(("("):rep(201) .. "1" .. (")"):rep(201), "limit", "nested too deep")
    assert.same({ 1 }, doc:xpath(("("):rep(200) .. "1" .. (")"):rep(200)))
    assert.same({ 2040 }, doc:xpath("1" .. ("+1"):rep(2039)))
    assert.equal(2, #doc:xpath("//p" .. ("|//p"):rep(1000)))
  end)

  local TOO_MANY = {
    "//p[count(preceding::p) = count(following::p)]", "//*[count(//p//b) > 1]", "//p[. = //b]",
    "//p[contains(/, 'q')]", "//p[string-length(string(/)) = 1]", "id(//p)",
  }
  for _, expression in ipairs(TOO_MANY) do
    it("are operations, nodes that are looked at and texts that are read: " .. expression, function()
      doc = html.document(("<p>some text <b>here</b></p>"):rep(5000))
      refused(expression, "limit", "too ") -- operations, or too long under sanitizers
    end)
  end

  it("are enough for sets that are merged", function()
    doc = html.document(("<div><div><p>x</p></div></div>"):rep(10000))
    assert.equal(10000, #doc:xpath "//div//p")
    assert.equal(10000, #doc:xpath "//p/..")
    assert.equal(20000, #doc:xpath "//p/ancestor::div")
    assert.equal(10000, #doc:xpath "//p[ancestor::div[ancestor::div]] | //p")
  end)

  it("are 4 MiB of a text, 1 MiB of one that is searched by a regular expression", function()
    doc = html.document("<p>" .. ("text "):rep(1000000) .. "<b>" .. ("text "):rep(300000))
    refused("string(//p)", "limit", "a text that is too long")
    refused("concat(//b, //b, //b)", "limit", "a text that is too long")
    refused("re:test(//b, 'q')", "limit", "a text that is too long")
    refused("translate('x', //b, '')", "limit", "too many")
    assert.same({ 1500000 }, doc:xpath "string-length(//b)")
  end)

  it("are steps of a regular expression", function()
    doc = html.document("<p>" .. ("a"):rep(5000) .. "!b")
    refused("//p[re:test(., '^(a+)+$')]", "limit", "match limit")
    refused("//p[re:test(., '^((a?)*)*b')]", "limit", "limit")
  end)

  it("are 8 MiB that a match of a regular expression takes: 100 groups need some 3 KiB for each repeat", function()
    local match = ("re:test(//p, '^%s(?:x|z)*[yw]')"):format(("()"):rep(100))
    doc = html.document("<p>" .. ("x"):rep(2000))
    assert.same({ false }, doc:xpath(match))
    doc = html.document("<p>" .. ("x"):rep(4000))
    refused(match, "limit", "heap limit exceeded")
  end)

  it("leave the document as good as it was", function()
    doc = html.document("<p>" .. ("a"):rep(5000) .. "!b")
    refused("//p[re:test(., '^(a+)+$')]", "limit", "match limit")
    assert.equal(1, #doc:css "p")
  end)
end)
