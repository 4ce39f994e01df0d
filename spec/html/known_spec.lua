-- rill_known: texts that were seen before, and what a page is without them.
local C = require "rill.clib"
local ffi = require "ffi"
local html_reader = require "rill.core.html_reader"
local rill = require "rill"
local scope = require "rill.crawl.scope"
local written = require "rill.crawl.written"

describe("what is known", function()
  local function new(most)
    return ffi.gc(C.rill_known_new(most), C.rill_known_free)
  end

  local function has(known, text)
    return C.rill_known_has(known, text, #text)
  end

  local function add(known, ...)
    for _, text in ipairs { ... } do C.rill_known_add(known, text, #text) end
  end

  it("is what was added, to the last byte", function()
    local known = new(1000)
    assert.is_false(has(known, "https://a/"))
    for i = 1, 999 do add(known, "https://a/" .. i) end
    add(known, "", "https://a/7", "https://a/7")
    for i = 1, 999 do assert.is_true(has(known, "https://a/" .. i)) end
    for i = 1000, 3000 do assert.is_false(has(known, "https://a/" .. i)) end
    assert.same({ true, false }, { has(known, ""), has(known, "https://a/7\0") })
  end)

  it("is forgotten where one more would be too many", function()
    local known = new(3)
    add(known, "a", "b", "c", "a", "b")
    assert.same({ true, true, true, false }, { has(known, "a"), has(known, "b"), has(known, "c"), has(known, "d") })
    add(known, "d")
    assert.same({ false, false, false, true }, { has(known, "a"), has(known, "b"), has(known, "c"), has(known, "d") })
    C.rill_known_clear(known)
    assert.is_false(has(known, "d"))
    C.rill_known_add(known, nil, 4)
    assert.is_false(C.rill_known_has(known, nil, 4))
  end)

  local PAGE = "<a href=/1>1</a><a href=/2>2</a><a href='mailto:x'>m</a><a href='foo:y'>f</a><area href=/3>"

  -- Links and refused addresses of PAGE without what is known.
  local function without(known)
    local reader = html_reader.read(PAGE, #PAGE, "https://a/", nil, html_reader.mask())
    html_reader.leave_out(reader, known)
    local links, refused = html_reader.links(reader, html_reader.url), html_reader.refused(reader, html_reader.url)
    html_reader.give_back(reader, #PAGE)
    return { table.concat(links, " "), table.concat(refused, " ") }
  end

  it("is left out of a page's links and of what it has refused", function()
    local known = new(100)
    assert.same({ "https://a/1 https://a/2 https://a/3", "mailto:x foo:y" }, without(known))
    assert.same({ "https://a/1 https://a/2 https://a/3", "mailto:x foo:y" }, without(nil))
    add(known, "https://a/2", "mailto:x", "/1")
    assert.same({ "https://a/1 https://a/3", "foo:y" }, without(known))
    add(known, "https://a/1", "https://a/3", "foo:y")
    assert.same({ "", "" }, without(known))
  end)

  it("is left out in pieces, and other tasks run meanwhile", function()
    local parts, known = {}, new(10)
    for i = 1, 100000 do parts[i] = ("<a href=/%d><a href=foo:%d>"):format(i, i) end
    add(known, "https://a/5", "https://a/100000", "foo:6")
    local page = table.concat(parts)
    local function read() return html_reader.read(page, #page, "https://a/", nil, html_reader.mask()) end
    local function count(reader) return #html_reader.links(reader, html_reader.url),
      #html_reader.refused(reader, html_reader.url) end
    local reader, pieces = read(), 1
    while C.rill_html_leave_out(reader, known) > 0 do pieces = pieces + 1 end
    assert.is_true(pieces >= 10, pieces .. " pieces")
    assert.same({ 99998, 99999 }, { count(reader) })
    add(known, "https://a/7")
    html_reader.leave_out(reader, known)
    assert.same({ 99997, 99999 }, { count(reader) })
    html_reader.give_back(reader, #page)
    local turns = 0
    rill.run(function()
      local large, ended = read(), false
      local ticker = rill.spawn(function()
        while not ended do
          turns = turns + 1
          rill.sleep(0)
        end
      end)
      html_reader.leave_out(large, known)
      ended = true
      ticker:join()
      html_reader.give_back(large, #page)
    end)
    assert.is_true(turns >= 10, turns .. " turns")
  end)

  it("is forgotten by a crawl whose scope grows", function()
    local of = scope.new()
    local urls = written.new { frontier = {}, options = { scope = of } }
    of:start "https://a.example"
    urls:add "https://b.example/"
    assert.is_true(urls:has "https://b.example/")
    of:start "https://a.example"
    assert.is_true(urls:has "https://b.example/")
    of:start "https://b.example"
    assert.is_false(urls:has "https://b.example/")
    urls:add "https://c.example/"
    of:restore { "a.example:443", "b.example:443" }
    assert.is_true(urls:has "https://c.example/")
    of:restore { "a.example:443", "c.example:443" } -- another worker of the crawl began with it
    assert.is_false(urls:has "https://c.example/")
  end)
end)
