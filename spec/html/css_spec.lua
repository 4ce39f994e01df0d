local html = require "rill.html"

local PAGE = [[
<div id=d class="a b"><h2>t</h2><p class="x">one<p>two<p lang=en-GB>three</div>
<ul><li>1<li class="sel">2<li>3<li>4<li>5</ul>
<form><input type=checkbox checked><input type=text disabled><select><option selected>o</select>
<fieldset disabled><button>b</button></fieldset><a href="/x'y">q</a></form>
<section><div><a name=n>z</a></div><em></em></section>]]

local doc

local function found(selector)
  local list, err = doc:css(selector)
  assert.is_nil(err, tostring(err))
  for i, node in ipairs(list) do
    if type(node) ~= "string" then list[i] = node:attr "id" or node:text():gsub("\n.*", "") end
  end
  return table.concat(list, ",")
end

describe("a CSS selector", function()
  setup(function() doc = html.document(PAGE) end)

  local EXPECTED = {
    { "p.x", "one" }, { "P.x", "one" }, { "div#d", "d" }, { ".a.b", "d" }, { ".b.a > p.x", "one" },
    { "li:nth-child(2n+1)", "1,3,5" }, { "li:nth-child(even)", "2,4" }, { "li:nth-child(-n+2)", "1,2" },
    { "li:nth-last-child(2)", "4" }, { "li:nth-child(n)", "1,2,3,4,5" }, { "li:nth-child(+3n - 2)", "1,4" },
    { "li:nth-child(0)", "" }, { "p:nth-of-type(2)", "two" }, { "p:first-of-type", "one" },
    { "p:last-of-type", "three" },
    { "li:not(:first-child):not(.sel)", "3,4,5" }, { "li:not(.sel, :last-child)", "1,3,4" },
    { "li.sel + li", "3" }, { "li.sel ~ li", "3,4,5" }, { "h2 + p", "one" }, { "h2 ~ p", "one,two,three" },
    { "div:has(h2)", "d" }, { "section:has(a)", "z" }, { "section:has(> a)", "" }, { "section > div:has(> a)", "z" },
    { "li:has(+ .sel)", "1" }, { "li:has(~ .sel)", "1" }, { "div:has(h2 + p.x)", "d" },
    { "ul:has(li.sel ~ li + li)", "1" },
    { ":is(h2, em) + p", "one" }, { ":where(h2)", "t" }, { "p:lang(en)", "three" }, { "p:contains('w')", "two" },
    { "p:contains(thr)", "three" }, { "[lang|=en]", "three" }, { "[class~=a]", "d" }, { "[class^='a ']", "d" },
    { "[class$=b]", "d" }, { "[class*=' ']", "d" }, { "[id=D]", "" }, { "[id=D i]", "d" },
    { "p[class!=x]", "two,three" },
    { "p[class!='']", "one" },
    { "input:checked::attr(type)", "checkbox" }, { "option:checked", "o" }, { "input:disabled::attr(type)", "text" },
    { "button:disabled", "b" }, { "input:enabled::attr(type)", "checkbox" }, { "a:link", "q" }, { "a:hover", "" },
    { "em:empty::attr(id), h2::text", "t" }, { "[href=\"/x'y\"]", "q" }, { "[href='/x\\'y']", "q" },
    { "#\\64", "d" }, { "h2, .sel, h2", "t,2" }, { "p.x::text, li.sel::text", "one,2" },
    { "li.sel::attr(class), h2::text", "t,sel" }, { "div ::text", "t,one,two,three,z" }, { "/* c */ h2/**/", "t" },
    { "section a[name]:only-child", "z" }, { "section *::attr(name)", "n" }, { "li:only-of-type", "" },
    { "*|h2", "t" }, { "h2\\,em", "" }, { "h2, em::text", "t" }, { "body>div>h2", "t" }, { "div\n>\th2", "t" },
  }
  for _, case in ipairs(EXPECTED) do
    it(("finds %q"):format(case[1]), function() assert.equal(case[2], (found(case[1]):gsub("[\n]", ""))) end)
  end

  it("that is wrong is data: nil and an error that says where", function()
    local WRONG = {
      { "", 1 }, { "p[", 3 }, { "p[a", 4 }, { "p[a=", 5 }, { "p[a=b", 6 }, { "p:foo", 2 }, { "p:foo(1)", 2 },
      { "p::foo", 2 },
      { "p >", 4 }, { "> p", 1 }, { "p,", 3 }, { ",p", 1 }, { "p:not(", 7 }, { "p:not()", 7 }, { "p:nth-child(x)", 13 },
      { "p:nth-child(2", 14 }, { "p::text b", 9 }, { "p:not(a::text)", 8 }, { "p..x", 3 }, { "p#", 3 }, { "a b)", 4 },
      { "p:contains('x)", 12 }, { "ns|p", 1 }, { "p /* x", 3 }, { "p\\", 3 }, { "$", 1 }, { "p & a", 3 }, { "p\0", 2 },
    }
    for _, case in ipairs(WRONG) do
      local list, err = doc:css(case[1])
      assert.is_nil(list, case[1])
      assert.equal("invalid_selector", err.reason)
      assert.equal(case[2], err.at, case[1] .. ": " .. err.message)
      assert.is_truthy(err.message:find(("at %d: "):format(case[2]), 1, true), err.message)
    end
  end)

  it("is bounded: its length, its parts, how deep it is nested", function()
    for selector, what in pairs {
      [("a, "):rep(2000) .. "a"] = "longer than 4096 bytes",
      [("."):rep(1) .. ("a."):rep(400) .. "a"] = "too many parts",
      [(":not("):rep(20) .. "a" .. (")"):rep(20)] = "nested too deep",
    } do
      local list, err = doc:css(selector)
      assert.is_nil(list)
      assert.is_truthy(err.message:find(what, 1, true), err.message)
    end
  end)

  it("is compiled once, and forgotten where there are many", function()
    for i = 1, 1200 do assert.equal(0, #doc:css(".none" .. i)) end
    assert.equal("one", found "p.x")
  end)

  it("costs no more than its operations, however it is nested", function()
    local deep = html.document(("<div>"):rep(90) .. ("<div><p>x</p></div>"):rep(20000))
    for _, selector in ipairs {
      "div:has(div:has(div:has(p + a)))", "div:not(:has(div:has(p:not(:has(a)) a))) b:has(c)", "div div div div div a",
    } do
      local list, err = deep:css(selector)
      assert.is_truthy(list or err.reason == "limit", tostring(err))
    end
    assert.equal(20000, #deep:css "div p:nth-last-child(1)")
    assert.equal(20000, #deep:css "div > div:nth-child(n+1) > p")
  end)
end)
