local html = require "rill.html"

local BASE = "https://example.com/dir/page.html"
local KIB, MIB = 2 ^ 10, 2 ^ 20

describe("the bounds of a page's links", function()
  it("are 1,048,576 links: the rest is left out, and the scan says so", function()
    local parts = {}
    for i = 1, 2 ^ 20 + 1 do parts[i] = "<a href=" .. i .. ">" end
    local found = html.scan(table.concat(parts), "http://h/")
    assert.equal(2 ^ 20, #found)
    assert.is_true(found.cut)
  end)

  it("are bytes read and written, which a long base would multiply", function()
    local base = "<base href='/" .. ("x"):rep(60 * KIB) .. "/'>"
    local parts = { base }
    for i = 1, 1e5 do parts[#parts + 1] = "<a href=" .. i .. ">" end
    local page = table.concat(parts)
    local found = html.scan(page, BASE)
    assert.is_true(found.cut)
    local written = 0
    for _, link in ipairs(found) do written = written + #link.url end
    assert.is_true(#found > 100 and written < 16 * MIB + 32 * #page)
  end)

  it("are 65,536 bytes of an address, however it is written", function()
    local fits = ("x"):rep(60000)
    assert.same({ "https://example.com/" .. fits, "https://example.com/z" }, html.links(
      "<a href=/" .. fits .. "><a href=/" .. ("x"):rep(65536) .. "><a href='" .. ("x"):rep(MIB) .. "'>" ..
      "<a href=/z>", BASE))
    assert.same({ "https://example.com/z" }, html.links("<a href='" .. ("&#122;"):rep(30000) .. "'><a href=/z>", BASE))
  end)

  it("are 65,536 bytes of a title, and of what robots are told", function()
    local found = html.scan("<title>" .. ("t"):rep(MIB) .. "</title>" ..
      ("<meta name=robots content='" .. ("r"):rep(1000) .. "'>"):rep(100), BASE)
    assert.equal(64 * KIB, #found.title)
    assert.equal(64 * KIB, #found.robots)
  end)

  it("are whole characters", function()
    local odd = "xx" .. ("\228\184\173"):rep(30000)
    local found = html.scan("<title>" .. odd .. "</title><meta name=robots content='" .. odd .. "'>", BASE)
    assert.equal(odd:sub(1, 65534), found.robots)
    assert.equal(odd:sub(1, 65534), (found.title:gsub("\239\191\189$", "")))
  end)

  it("are 2 KiB of an address that is no link, whole characters, and 1,048,576 of these", function()
    local odd = "x://h/" .. ("\228\184\173"):rep(1000)
    assert.equal(odd:sub(1, 2046), html.scan("<a href='" .. odd .. "'>", BASE).refused[1].url)
    local parts = {}
    for i = 1, 2 ^ 20 + 1 do parts[i] = "<a href=x:" .. i .. ">" end
    local found = html.scan(table.concat(parts), "http://h/")
    assert.equal(2 ^ 20, #found.refused)
    assert.is_true(found.cut)
  end)

  it("are 16 elements that a base is looked for in, and an address that fits", function()
    local function base(before)
      return html.scan(("<base href=javascript:x>"):rep(before) .. "<base href=/y/>", BASE).base
    end
    assert.equal("https://example.com/y/", base(15))
    assert.equal(BASE, base(16))
    assert.is_nil(html.scan("<link rel=canonical href='https://h/" .. ("x"):rep(70000) .. "'>", BASE).canonical)
  end)

  it("are 64 open elements of svg and math: deeper ones are not counted", function()
    local function links(depth)
      return html.links("<svg>" .. ("<g>"):rep(depth) .. "<title><a href=/a></title>" .. ("</g>"):rep(depth)
        .. "<style><a href=/b></style></svg><style><a href=/no></style><a href=/z>", BASE)
    end
    local expected = { "https://example.com/a", "https://example.com/b", "https://example.com/z" }
    assert.same(expected, links(60))
    assert.equal("https://example.com/z", links(1e5)[#links(1e5)])
  end)
end)
