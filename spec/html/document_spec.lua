local elf = require "support.elf"
local html = require "rill.html"
local process = require "support.process"
local rill = require "rill"
local support = require "support"

local PAGE = [[
<html lang=en><head><title>Tea &amp; cake</title><base href="/shop/"></head><body>
<div class="list wide"><p id=first>one   <b>two</b>
three</p><p>four<br>five</p><a href="tea?a=1#top" rel="Me  NOFOLLOW">tea</a> <a href="http://o.example/">other</a></div>
<table><tr><td>a<td>b<tr><td>c<td>d</table><pre> x
  y</pre><script>var hidden</script><!-- note --><input checked></body></html>]]

local function document(page, ...)
  return html.document(page or PAGE, "http://h.example/p/q", ...)
end

local function first(list)
  return assert(list)[1]
end

local function names(list)
  local out = {}
  for i, node in ipairs(assert(list)) do out[i] = type(node) == "string" and node or node.name end
  return table.concat(out, " ")
end

describe("a document", function()
  it("is libxml2's tree: no tbody is added, misplaced table content stays", function()
    local doc = document "<table><tr><td>x<div>y</div></table><table><p>z</p><tr><td>q</table>"
    assert.equal("", names(doc:css "tbody"))
    assert.equal("table", first(doc:css "table > p"):xpath("..")[1].name)
  end)

  it("always has an outermost element, whatever the page is", function()
    for _, page in ipairs { "", " ", "\0", "<", "<!-- x", "</p>", "<!DOCTYPE html>", "\255\254" } do
      local doc = document(page)
      assert.equal("html", doc:root().name, page)
      assert.equal("html", names(doc:css ":root"), page)
    end
  end)

  it("reads a page in its encoding", function()
    assert.equal("\195\182", document "<meta charset=latin1><p>\246":css("p::text")[1])
    assert.equal("\209\142", document("<p>\254", "text/html; charset=windows-1251"):css("p::text")[1])
    assert.equal("x", document "\255\254<\0p\0>\0x\0":css("p::text")[1])
  end)

  it("gives texts as a reader sees them, and as they stand", function()
    local doc = document()
    assert.equal("one two three", first(doc:css "#first"):text())
    assert.equal("one   two\nthree", first(doc:css "#first"):text { raw = true })
    assert.equal("one two three\nfour\nfive\ntea other\na\tb\nc\td\n x\n  y", doc:text())
    assert.equal("var hidden", first(doc:css "script"):text())
    assert.equal(" note ", first(doc:xpath "//comment()"):text())
  end)

  it("gives attributes; one without a value is there", function()
    local doc = document()
    assert.equal("list wide", first(doc:css "div"):attr "class")
    assert.is_nil(first(doc:css "div"):attr "id")
    assert.equal("checked", first(doc:css "input"):attr "checked")
    assert.equal("", document "<p data-x>":css("p")[1]:attr "data-x")
  end)

  it("gives markup, of a node or of what is in it", function()
    local doc = document()
    assert.equal("<b>two</b>", first(doc:css "b"):html())
    assert.equal("two", first(doc:css "b"):html { inner = true })
    assert.equal("<!-- note -->", first(doc:xpath "//comment()"):html())
    assert.equal("<p>&lt;\195\182&gt;</p>", document "<p>&lt;&ouml;&gt;":css("p")[1]:html())
  end)

  it("gives the links of a node, resolved, each once, with text and rel", function()
    assert.same({
      { url = "http://h.example/shop/tea?a=1", text = "tea", rel = "me nofollow", tag = "a", nofollow = true },
      { url = "http://o.example/", text = "other", tag = "a", nofollow = false },
    }, document():links())
    assert.equal(0, #first(document():css "p"):links())
  end)

  it("is asked from any node: only what is in it counts", function()
    local doc = document()
    local div = first(doc:css "div")
    assert.equal("div", names(div:css "div"))
    assert.equal("p p", names(div:css "div > p"))
    assert.equal("", names(div:css "body p"))
    assert.equal("p p", names(div:css ":scope > p"))
    assert.equal("b", names(div:xpath "p/b"))
    assert.equal("one   | three", (table.concat(first(doc:css "#first"):css "p::text", "|"):gsub("\n", " ")))
  end)

  it("has nodes that are equal when they are the same", function()
    local doc = document()
    assert.is_true(first(doc:css "div") == first(doc:xpath "//div"))
    assert.is_false(first(doc:css "div") == first(doc:css "p"))
    assert.equal("node <div>", tostring(first(doc:css "div")))
  end)

  it("raises when it is used wrongly", function()
    local doc = document()
    assert.error_matches(function() html.document(12) end, "body must be a string, not number")
    assert.error_matches(function() doc:css(nil) end, "selector must be a string, not nil")
    assert.error_matches(function() doc:xpath {} end, "expression must be a string, not table")
    assert.error_matches(function() doc:root():attr(1) end, "name must be a string")
    assert.error_matches(function() doc:root():text { row = true } end, 'unknown option "row"')
    assert.error_matches(function() doc:root():html(true) end, "options must be a table")
  end)
end)

describe("the life of a node", function()
  it("ends with close: methods raise, also a second time", function()
    local doc = document()
    local node = first(doc:css "p")
    doc:close()
    doc:close()
    assert.is_true(doc.closed)
    for _, method in ipairs { "text", "html", "links" } do
      assert.error_matches(function() node[method](node) end, "it is closed, and so are its nodes")
    end
    assert.error_matches(function() node:css "a" end, "closed")
    assert.error_matches(function() doc:xpath "//a" end, "closed")
    assert.error_matches(function() node:attr "id" end, "closed")
  end)

  it("keeps its document, whatever the collector does", function()
    local nodes = {}
    for i = 1, 50 do
      nodes[i] = first(document("<p><b>" .. i .. "</b>"):css "b")
      collectgarbage()
    end
    collectgarbage()
    for i, node in ipairs(nodes) do
      assert.equal(tostring(i), node:text())
      assert.equal("p", first(node:xpath ".."):css("p")[1].name)
    end
  end)

  it("goes on in another task than the one that made it", function()
    rill.run(function()
      local node = rill.spawn(function() return first(document():css "#first") end):join()
      collectgarbage()
      assert.equal("one two three", node:text())
    end)
  end)

  it("does not leak: documents that are dropped give their memory back", function()
    if os.getenv "RILL_SANITIZED" then return pending "what is freed is kept for a while there" end
    local page = "<ul>" .. ("<li class=x><a href=/y>text</a>"):rep(20000)
    local function resident()
      return tonumber(support.read("/proc/self/statm"):match "^%d+ (%d+)") * 4096
    end
    for _ = 1, 5 do assert.equal(20000, #document(page):css "li > a") end
    local before = resident()
    for _ = 1, 40 do document(page) end
    collectgarbage()
    collectgarbage()
    assert.is_true(resident() - before < 150e6, resident() - before .. " bytes more")
  end)
end)

describe("the library of documents", function()
  -- A copy of it for which a library is missing, beside the core's.
  local function broken(name)
    local directory = support.directory "broken"
    local content = support.read "build/librilldoc.so"
    local patched, count = content:gsub(name .. "%.so", name:sub(1, -2) .. "0.so")
    assert.is_true(count > 0, name)
    support.write(directory .. "/librilldoc.so", patched)
    support.write(directory .. "/librill.so", support.read "build/librill.so")
    return directory .. "/librill.so"
  end

  for _, name in ipairs { "libxml2", "libpcre2%-8" } do
    it(("is named with the packages it needs where one is missing: %s"):format(name), function()
      local script = [[
        local rill = require "rill"
        print(#rill.html.links("<a href=/x>", "http://h/"))
        print(select(2, pcall(rill.html.document, "<p>")))
        print(select(2, pcall(rill.html.document, "<p>")))
      ]]
      local out = support.directory "broken" .. "/output"
      local child = process.start({ "env", "RILL_LIBRARY=" .. broken(name), "LUA_PATH=lua/?.lua;lua/?/init.lua;;",
        "luajit", "-e", script }, out)
      assert.equal(0, child:wait(10), child:output())
      local lines = child:output()
      assert.is_truthy(lines:find("^1\n"), lines) -- links need none of it
      local _, count = lines:gsub("needs libxml2 and PCRE2 %(Debian: apt%-get install libxml2 libpcre2%-8%-0%)", "")
      assert.equal(2, count, lines)
    end)
  end

  it("is needed by nothing else: the core does not link with libxml2", function()
    assert.is_nil(elf.output_of("readelf", "-d", "build/librill.so"):find "libxml2")
    assert.is_truthy(elf.output_of("readelf", "-d", "build/librilldoc.so"):find "libxml2")
    elf.assert_hardened "build/librilldoc.so"
    assert.is_nil(elf.output_of("readelf", "-d", "build/librilldoc.so"):find "librill%.so")
  end)
end)
