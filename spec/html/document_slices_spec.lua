local C = require("rill.html.clib")
local collected = require("rill.html.collected")
local ffi = require("rill.core.ffi")
local html = require("rill.html")
local rill = require("rill")
local script = require("support.script")
local support = require("support")

local MIB = 2 ^ 20
local SLICE = tonumber(C.RILL_DOC_SLICE)
local FREED = tonumber(C.RILL_DOC_FREED)

-- A signal that does nothing where nobody asks for it.
local SIGURG, SIG_BLOCK, SIG_UNBLOCK = 23, 0, 1
ffi.cdef "int sigpending(uint64_t *); int raise(int); int pthread_sigmask(int, const uint64_t *, uint64_t *);"

local problem = ffi.new("rill_doc_problem")
local items, count = ffi.new("const rill_doc_item *[1]"), ffi.new("uint32_t[1]")

-- A document of the core, read to its end.
local function read(page)
  local doc = ffi.gc(C.rill_doc_new(page, #page), C.rill_doc_free)
  while C.rill_doc_read(doc) > 0 do end
  return doc
end

-- Pieces that an answer is made in.
local function pieces(doc, begun)
  assert.equal(0, begun)
  local more, code = 0, C.rill_doc_answer(doc, items, count, problem)
  while code > 0 do
    more, code = more + 1, C.rill_doc_answer(doc, items, count, problem)
  end
  return more + 1, code
end

local function pieces_of(page, expression)
  local doc = read(page)
  local compiled = ffi.gc(C.rill_doc_compile(expression, #expression, problem), C.rill_doc_expression_free)
  return pieces(doc, C.rill_doc_ask(doc, C.rill_doc_root(doc), compiled))
end

local function at_least(least, number)
  assert.is_true(number >= least, ("%d pieces, not %d"):format(number, least))
end

describe("a text of 8 MiB in one node", function()
  local doc
  setup(function() doc = read("<p>" .. ("<"):rep(8 * MIB)) end)
  teardown(function() C.rill_doc_free(ffi.gc(doc, nil)) end)

  it("becomes markup in pieces of some bytes", function()
    at_least(8 * MIB / SLICE / 8, (pieces(doc, C.rill_doc_text(doc, C.rill_doc_root(doc), C.RILL_DOC_MARKUP))))
  end)

  it("is written in pieces, too, where it is wanted as it stands, and as a reader sees it", function()
    for _, form in ipairs { C.RILL_DOC_RAW, C.RILL_DOC_SHOWN } do
      at_least(2, (pieces(doc, C.rill_doc_text(doc, C.rill_doc_root(doc), form))))
    end
  end)
end)

describe("the markup of a node", function()
  it("takes a time in proportion to its values, whatever they begin and do not end", function()
    for _, part in ipairs { "&{", "<!--" } do
      local value = part:rep(MIB / #part / 2)
      local markup = html.document("<p title='" .. value .. "'>x"):css("p")[1]:html()
      assert.equal("<p title=\"" .. value:gsub("[&<]", { ["&"] = "&amp;", ["<"] = "&lt;" }) .. "\">x</p>", markup)
    end
  end)

  it("is that of libxml2: addresses, quotes, templates, servers' comments", function()
    local page = [[<p title="a&amp;{b} &{x}y" alt='<!-- a > --> <' id="q'&quot;r" class='"'><a href=" x y/]] ..
      "\195\182?a=1&amp;b=<2>{\" name=n>x<br>y</a><script>a<b&&c</script><input checked></p>"
    assert.equal([[<p title="a&{b} &{x}y" alt="<!-- a > --> &lt;" id="q'&quot;r" class='"'>]] ..
      [[<a href="x%20y/%C3%B6?a=1&amp;b=&lt;2&gt;%7B" name="n">x<br>y</a><script>a<b&&c</script><input checked></p>]],
      html.document(page):css("p")[1]:html())
  end)
end)

describe("what an expression costs", function()
  it("counts each value in it, those that are written there as well", function()
    local expression = "//p[" .. ("'' or "):rep(50) .. "'']"
    at_least(10, (pieces_of(("<p>x"):rep(20000), expression)))
  end)

  it("counts the table of translate()", function()
    local from = {}
    for i = 0, 1300 do from[i + 1] = string.char(0xe4, 0x80 + math.floor(i / 64), 0x80 + i % 64) end
    at_least(2, (pieces_of("<p>x", ("translate(//p, '%s', '')"):format(table.concat(from)))))
  end)

  it("is shared out where sets are merged, put in order, added up and compared", function()
    local page = ("<p>1<b>2</b>"):rep(50000)
    for _, expression in ipairs {
      "//p|//*", "sum(//b)", "count(//b/ancestor::p)", "//b = //i", "//p != //p", "//b < 1",
    } do
      at_least(3, (pieces_of(page, expression)))
    end
  end)

  it("is in proportion to the texts where one is looked for in the other", function()
    local doc = html.document("<p>" .. ("a"):rep(MIB) .. "</p><b>" .. ("a"):rep(MIB / 2) .. "b</b>")
    assert.same({ false }, doc:xpath "contains(//p, //b)")
    assert.same({ "" }, doc:xpath "substring-after(//p, //b)")
    doc:close()
  end)

  it("counts what a regular expression reads", function()
    local doc = html.document("<p>" .. ("x"):rep(MIB / 2) .. "</p><i>xy</i>")
    local found, err = doc:xpath "re:test(//p, 'x[^y]*[yz]')"
    assert.is_true(found == nil and err.reason == "limit", tostring(err))
    assert.same({ true }, doc:xpath "re:test(//i, 'x[^y]*[yz]')")
    doc:close()
  end)
end)

describe("the classes of an element", function()
  it("are read in proportion to their bytes, and counted, whatever is looked for", function()
    local class = ("a"):rep(2000)
    local page = ("<p class='" .. ("a"):rep(MIB - 100) .. "'>"):rep(12)
    local doc = html.document(page)
    assert.same({}, doc:css("p." .. class))
    assert.same({}, doc:xpath("//p[has-class('" .. class .. "')]"))
    doc:close()
    at_least(3, (pieces_of(page, "//p[has-class('b')]")))
  end)

  it("are words, or several that stand together", function()
    local doc = html.document "<p class=' b  a c\t'>"
    for name, found in pairs { a = 1, b = 1, c = 1, ["a c"] = 1, ab = 0, ["b a"] = 0, [""] = 0 } do
      assert.equal(found, #doc:xpath("//p[has-class('" .. name .. "')]"), name)
    end
    doc:close()
  end)
end)

describe("the links of a node", function()
  it("let other tasks run, and end at 64 MiB of addresses and texts: their list is cut", function()
    local base, turns, done = "http://h.example/" .. ("x"):rep(60000) .. "/", 0, false
    local parts = {}
    for i = 1, 1500 do parts[i] = "<a href=" .. i .. ">x</a>" end
    local doc = html.document(table.concat(parts), base)
    local links
    rill.run(function()
      local ticker = rill.spawn(function()
        while not done do
          turns = turns + 1
          rill.sleep(0)
        end
      end)
      links = doc:links()
      done = true
      ticker:join()
    end)
    assert.is_true(links.cut)
    assert.is_true(#links > 1000 and #links < 1200, tostring(#links))
    assert.is_true(turns >= 20, turns .. " turns")
    assert.is_nil(html.document("<a href=/x>"):links().cut)
    doc:close()
  end)
end)

describe("two Lua states of one process", function()
  it("have documents of their own", function()
    assert.same({ "1 ended", "2 ended", "ended" }, script.run [[
      local uv = require "luv"
      local function work(path, number)
        package.path = path
        local rill = require "rill"
        local collected = require "rill.html.collected"
        local page = ("<p class=x>" .. number .. "<b>c</b>"):rep(2000)
        rill.run(function()
          for _ = 1, 5 do
            local doc = rill.html.document(page)
            assert(#doc:css "p.x > b" == 2000 and doc:xpath("//p[last()]/text()")[1] == tostring(number))
          end
          collectgarbage()
          collectgarbage()
          while collected.waiting() > 0 do rill.sleep(0) end
        end)
      end
      local threads = { uv.new_thread(work, package.path, 1), uv.new_thread(work, package.path, 2) }
      for _ = 1, 100 do assert(#rill.html.document("<p>x"):css "p" == 1) end
      for number, thread in ipairs(threads) do
        thread:join()
        tell(number, "ended")
      end
      tell "ended"]])
  end)
end)

describe("comparisons of sets", function()
  it("are those of XPath", function()
    local doc = html.document "<p>1</p><p>2</p><b>2</b><b>3</b><i>x</i><i>x</i>"
    local function is(expected, expression) assert.same({ expected }, doc:xpath(expression), expression) end
    is(true, "//p = //b")
    is(false, "//p = //i")
    is(true, "//p != //b")
    is(false, "//i != //i")
    is(true, "//p < //b")
    is(false, "//b < //p")
    is(true, "//b <= //p")
    is(false, "//p > //b")
    is(true, "3 > //p")
    is(false, "//p > 2")
    is(true, "//p = '2'")
    is(true, "'1' != //p")
    is(false, "//i = 1")
    is(true, "//i != 1")
    is(true, "//p = true()")
    is(false, "//u = //u")
    is(true, "//u = false()")
    is(false, "//u < 1")
    is(3, "//b + 1")
    is(-2, "-//b")
  end)
end)

describe("stacks of questions", function()
  -- Pages that fault below a stack.
  local function stacks()
    local guards = 0
    for line in io.lines "/proc/self/maps" do
      local from, to = line:match "^(%x+)-(%x+) %-%-%-p 0+ 00:00 0"
      if from and tonumber(to, 16) - tonumber(from, 16) == 4096 then guards = guards + 1 end
    end
    return guards
  end

  it("are kept, two of them at most, for the next ones", function()
    collectgarbage()
    collectgarbage() -- documents of others have stacks, too
    local docs = ffi.gc(C.rill_docs_new(), C.rill_docs_free)
    local before, open, page = stacks(), {}, ("<p>x"):rep(100000)
    for i = 1, 6 do
      open[i] = C.rill_docs_open(docs, page, #page)
      assert.equal(1, C.rill_doc_read(open[i]))
    end
    assert.equal(before + 6, stacks())
    for _, doc in ipairs(open) do
      while C.rill_doc_read(doc) > 0 do end
    end
    assert.equal(before + 2, stacks())
    for _, doc in ipairs(open) do C.rill_doc_drop(doc) end
    while C.rill_docs_tidy(docs) > 0 do end
    C.rill_docs_free(ffi.gc(docs, nil))
    assert.equal(before, stacks())
  end)

  it("leave the signals blocked that were blocked when a question began", function()
    local doc, set = read(("<p>x"):rep(100000)), ffi.new "uint64_t[16]"
    local function has(signal)
      ffi.C.sigpending(set)
      return set[0] / 2ULL ^ (signal - 1) % 2ULL == 1
    end
    local function ask() at_least(2, (pieces(doc, C.rill_doc_text(doc, C.rill_doc_root(doc), C.RILL_DOC_MARKUP)))) end
    ask() -- on a stack that the next question has, too
    local urgent = ffi.new("uint64_t[16]", { 2ULL ^ (SIGURG - 1) })
    assert.equal(0, ffi.C.pthread_sigmask(SIG_BLOCK, urgent, nil))
    ffi.C.raise(SIGURG)
    local waits = has(SIGURG)
    ask()
    local waits_still = has(SIGURG)
    ffi.C.pthread_sigmask(SIG_UNBLOCK, urgent, nil)
    assert.same({ true, true, false }, { waits, waits_still, has(SIGURG) })
  end)
end)

describe("documents that are collected", function()
  local function drop(documents, page)
    for _ = 1, documents do html.document(page) end
    collectgarbage()
    collectgarbage()
  end

  local CASES = { ["one large"] = { 1, ("<p>x"):rep(100000) }, ["many small"] = { 300, ("<p>x"):rep(500) } }
  for what, case in pairs(CASES) do
    it("wait, and are freed in pieces, one in a turn: " .. what, function()
      rill.run(function()
        drop(case[1], case[2])
        local before = collected.waiting()
        assert.is_true(before > 0)
        support.wait(function()
          rill.sleep(0)
          return collected.waiting() == 0
        end, 60)
      end)
    end)
  end

  it("wait up to a bound: a task that makes another one lets them go first", function()
    local most, page = tonumber(C.RILL_DOC_WAITING), (" "):rep(32 * MIB)
    rill.run(function()
      do
        local held = {}
        for i = 1, 12 do held[i] = collected.open(page) end
        assert.equal(12, #held)
      end
      collectgarbage()
      collectgarbage()
      assert.is_true(collected.waiting() > most)
      html.document "<p>x"
      assert.is_true(collected.waiting() <= most)
    end)
  end)

  it("are freed at most 20,000 nodes at a time", function()
    local docs = ffi.gc(C.rill_docs_new(), C.rill_docs_free)
    local waiting, page = C.rill_docs_waiting(docs), ("<p>x"):rep(1000)
    for _ = 1, 50 do
      local doc = C.rill_docs_open(docs, page, #page)
      while C.rill_doc_read(doc) > 0 do end
      C.rill_doc_drop(doc)
    end
    local left, steps = waiting[0], 0
    assert.is_true(left >= 100000)
    while C.rill_docs_tidy(docs) > 0 do
      assert.is_true(left - waiting[0] < FREED + 3000)
      left, steps = waiting[0], steps + 1
    end
    assert.is_true(steps >= 4)
    assert.equal(0, waiting[0])
  end)

  it("may be so in the middle of reading, when their page is gone", function()
    local docs = ffi.gc(C.rill_docs_new(), C.rill_docs_free)
    local text = ("<p a=1>x"):rep(MIB) .. "\0"
    for reads = 0, 8 do
      local page = ffi.new("char[?]", #text)
      ffi.copy(page, text, #text)
      local doc = C.rill_docs_open(docs, ffi.cast("const char *", page), #text)
      for _ = 1, reads do C.rill_doc_read(doc) end
      ffi.fill(page, #text, 60)
      C.rill_doc_drop(doc)
    end
    while C.rill_docs_tidy(docs) > 0 do end
    assert.equal(0, C.rill_docs_waiting(docs)[0])
  end)
end)
