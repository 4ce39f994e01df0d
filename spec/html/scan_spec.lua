local html = require "rill.html"
local rill = require "rill"

local BASE = "https://example.com/dir/page.html"

local function scan(page, tags)
  return html.scan(page, BASE, { tags = tags })
end

--- "tag path" of each link of a scan.
local function found(page, tags)
  local list = {}
  for i, link in ipairs(scan(page, tags)) do
    list[i] = link.tag .. " " .. link.url:gsub("^https://example.com", "")
  end
  return list
end

describe("a scan", function()
  it("gives url, tag, rel and nofollow of each link", function()
    local links = scan "<a href=b rel=' Next\nEXTERNAL '>x</a><area href=/c><a href=/d rel='x ugc'>"
    assert.same({ url = "https://example.com/dir/b", tag = "a", rel = "next external", nofollow = false }, links[1])
    assert.same({ url = "https://example.com/c", tag = "area", nofollow = false }, links[2])
    assert.same({ url = "https://example.com/d", tag = "a", rel = "x ugc", nofollow = true }, links[3])
    assert.equal(3, #links)
  end)

  it("gives a link once for each tag, nofollow only if that is said each time", function()
    local links = scan("<a href=/b rel=nofollow></a><a href=/b#x><a href=/./b rel=nofollow><img src=/b>" ..
      "<a href=/c rel=nofollow></a><a href=/c rel=sponsored>", { "img" })
    assert.equal(3, #links)
    assert.equal("img", links[2].tag)
    assert.is_false(links[1].nofollow)
    assert.is_true(links[3].nofollow)
  end)

  it("reads other tags where it is asked to", function()
    local page = [[<iframe src=1></iframe><frame src=2><link rel=next href=3><img src=4 srcset="5 1x, 6,, 7 2x">
      <image src=8>
      <picture><source srcset=9></picture><script src=10></script><video src=11 poster=12></video><audio src=13></audio>
      <embed src=14><object data=15></object><form action=16></form><meta http-equiv=REFRESH content="3;URL='17'">]]
    assert.same({}, found(page))
    local expected = {}
    for i, tag in ipairs { "iframe", "frame", "link", "img", "img", "img", "img", "img", "source", "script", "video",
                           "video", "audio", "embed", "object", "form", "meta" } do
      expected[i] = tag .. " /dir/" .. i
    end
    assert.same(expected, found(page, "all"))
    for _, tag in ipairs { "iframe", "script", "meta" } do
      for _, link in ipairs(found(page, { tag })) do assert.matches("^" .. tag, link) end
      assert.equal(1, #found(page, { tag }))
    end
  end)

  it("passes over addresses that are empty, but those of the page itself", function()
    assert.same({ "a /dir/page.html", "form /dir/page.html" },
      found("<a href><img src='' srcset=' , '><script src></script><link rel=x href=''><form action=''>", "all"))
  end)

  it("tells a link's rels apart, as they say what it is", function()
    assert.same({ "link /s", "link /s" }, found("<link rel=a href=/s><link rel=b href=/s><link rel=a href=/s>", "all"))
  end)

  it("counts the meta of a named robot as one for all", function()
    local body = "<meta name=robots content=noarchive><meta name=Rill content=NoFollow><meta name=rill2 content=x>"
    assert.equal("noarchive, nofollow", html.scan(body, "https://e.com/", { agent = "RILL" }).robots)
    assert.equal("noarchive", html.scan(body, "https://e.com/").robots)
    assert.error_matches(function() html.scan(body, "https://e.com/", { agent = 1 }) end, "agent must be a string")
  end)

  it("gives base, canonical, robots, refresh and title", function()
    local page = scan [[<title> A &amp;
      B </title><title>no</title><base target=x><base href=/x/><link rel="Canonical" href=c><link rel=canonical href=no>
      <meta name=ROBOTS content="NoIndex,  follow"><meta name=robots content=noarchive><meta name=other content=x>
      <meta http-equiv=refresh content=5><meta http-equiv=refresh content="5;url=r#top">]]
    assert.equal("A & B", page.title)
    assert.equal("https://example.com/x/", page.base)
    assert.equal("https://example.com/x/c", page.canonical)
    assert.equal("noindex, follow, noarchive", page.robots)
    assert.equal("https://example.com/x/r", page.refresh)
  end)

  it("has none of these where the page has none; the base is then the page's URL", function()
    local page = scan "<svg><title>t</title><base href=/no></svg>"
    assert.equal(BASE, page.base)
    for _, name in ipairs { "canonical", "robots", "refresh", "title", "cut" } do assert.is_nil(page[name]) end
  end)

  it("takes the first base whose URL is one of http or https", function()
    assert.equal("https://example.com/x/", scan("<base href=/x/><base href=/y/>").base)
    for _, href in ipairs { "javascript:x", "data:,x", "http://[", "ftp://h/", "/" .. ("x"):rep(2e5) } do
      local base = "<base href='" .. href .. "'>"
      assert.equal("https://example.com/y/", scan(base .. "<base href=/y/><base href=/no/>").base)
      assert.equal(BASE, scan(base).base)
    end
    assert.equal(BASE, scan("<base href><base href=/no/>").base) -- the page's own, by an address
    assert.equal("https://example.com/y/", scan("<svg><base href=/x/></svg><base href=/y/>").base)
    assert.same({ "a /y/1", "a /y/2" }, found "<a href=1><base href=javascript:x><base href=/y/><a href=2>")
    assert.same({ "a /x/1", "a /x/2" }, found "<a href=1><base href=/x/><a href=2>")
  end)

  it("lists addresses that are no links, as they are written, and why they are none", function()
    local long = ("x"):rep(70000)
    local page = scan("<a href='http://[bad#x' rel='NoFollow x'>1</a><area href=foo://x/y><a href=/fine>" ..
      "<a href=mailto:a@b><a href='http://[bad'>" ..
      "<a href='/" .. long .. "'><img src='http://:0:0/'><link rel=next href='//['>", { "link" })
    local list = {}
    for i, link in ipairs(page.refused) do
      list[i] = { link.reason, link.tag, link.url:sub(1, 20), link.nofollow }
    end
    assert.same({ { "long", "a", "/" .. ("x"):rep(19), false }, { "invalid", "a", "http://[bad", false },
      { "scheme", "area", "foo://x/y", false }, { "scheme", "a", "mailto:a@b", false },
      { "invalid", "link", "//[", false } }, list)
    assert.equal("nofollow x", page.refused[2].rel)
    assert.equal("next", page.refused[5].rel)
    assert.same({ 1, "https://example.com/fine" }, { #page, page[1].url })
    assert.is_nil(scan("<a href=/fine>").refused)
    assert.is_nil(html.scan("<a href='http://[bad'>", "no base").refused)
  end)

  it("reads a refresh as browsers do", function()
    for content, path in pairs {
      ["0;url=/a"] = "/a", ["0; URL = '/a'b"] = "/a", ["0,/a"] = "/a", ["0 /a"] = "/a", [".5;\"/a"] = "/a",
      ["0;uri"] = "/dir/uri",
    } do
      assert.equal("https://example.com" .. path, scan("<meta http-equiv=refresh content=\"" ..
        content:gsub('"', "&quot;") .. "\">").refresh)
    end
    for _, content in ipairs { "", "x;url=/a", "0", "0;", "0x/a" } do
      assert.is_nil(scan("<meta http-equiv=refresh content=\"" .. content .. "\">").refresh)
    end
  end)

  it("reads texts and queries in the page's encoding", function()
    local page = html.scan("<title>\228&#228;</title><a href='/\228?\228#\228'>", BASE,
      { content_type = "text/html; charset=latin1" })
    assert.equal("\195\164\195\164", page.title)
    assert.equal("https://example.com/%C3%A4?%E4", page[1].url)
    page = html.scan("<title>\131\92</title><a href='/\131\92?\131\92'>", BASE,
      { content_type = "text/html; charset=shift_jis" })
    assert.equal("\227\130\189", page.title)
    assert.equal("https://example.com/%E3%82%BD?%83%5C", page[1].url)
  end)

  it("raises for what it does not know", function()
    assert.error_matches(function() scan("", { "p" }) end, 'rill.html.scan: no links are read from the tag "p"')
    assert.error_matches(function() scan("", { img = true }) end,
      'tags must be a list of names without holes, got a table with the field "img"')
    assert.error_matches(function() scan("", 5) end, "rill.html.scan: tags must be a list of names or \"all\", got 5")
    assert.error_matches(function() html.scan("", BASE, { tag = {} }) end, 'rill.html.scan: unknown option "tag"')
    assert.error_matches(function() html.scan("", BASE, 5) end, "rill.html.scan: options must be a table, got 5")
    assert.error_matches(function() html.scan("", BASE, { content_type = 5 }) end, "content_type must be a string")
  end)
end)

describe("a page above 1 MiB", function()
  local LARGE = ("<p title='" .. ("x"):rep(1000) .. "'>"):rep(4000) .. "<a href=/z>"

  -- How often another task has its turn while this works.
  local function turns_beside(work)
    local turns = 0
    rill.run(function()
      local other = rill.spawn(function()
        while true do
          turns = turns + 1
          rill.sleep(0)
        end
      end)
      work()
      other:cancel()
    end)
    return turns
  end

  it("gives way in a task", function()
    local turns = turns_beside(function() assert.same({ "https://example.com/z" }, html.links(LARGE, BASE)) end)
    assert.is_true(turns >= 4, turns .. " turns")
  end)

  it("gives way more often where its links are put into another encoding, or into Punycode", function()
    local function turns_for(link)
      local parts = { "<meta charset=gbk>", ("x"):rep(2 ^ 20) }
      for i = 1, 4000 do parts[i + 2] = "<a href='" .. link:gsub("N", i) .. "'>" end
      return turns_beside(function() assert.equal(4000, #html.links(table.concat(parts), BASE)) end)
    end
    local plain = turns_for("//hN/?" .. ("xx"):rep(100))
    assert.is_true(turns_for("//hN/?" .. ("\176\161"):rep(100)) > plain + 4)
    assert.is_true(turns_for("//N" .. ("\176\161"):rep(15) .. "/" .. ("x"):rep(170)) > plain + 4)
  end)

  it("does not, where a call cannot wait", function()
    local expected = { "https://example.com/z" }
    assert.same(expected, html.links(LARGE, BASE))
    rill.run(function()
      local links
      ("x"):gsub("x", function() links = html.links(LARGE, BASE) end)
      assert.same(expected, links)
      assert.same(expected, coroutine.wrap(function() return html.links(LARGE, BASE) end)())
    end)
  end)

  it("is left when its task is cancelled, and many are read at a time", function()
    rill.run(function()
      local finished = false
      local task = rill.spawn(function()
        html.links(LARGE, BASE)
        finished = true
      end)
      rill.sleep(0)
      task:cancel()
      local _, err = task:join()
      assert.equal("cancelled", err.reason)
      assert.is_false(finished)
      local works = {}
      for i = 1, 5 do
        works[i] = function() return html.links(LARGE .. "<a href=/" .. i .. ">", BASE) end
      end
      for i, results in ipairs(rill.all(works)) do
        assert.same({ "https://example.com/z", "https://example.com/" .. i }, results[1])
      end
    end)
  end)

  it("finds a value or a comment that slices cut", function()
    for shift = 0, 40 do
      local page = ("x"):rep(2 ^ 20 - shift) .. "<a href='/1'><!-- <a href=/no> --><a href=/2>" ..
        "<script>'<a>'</script><a href=/3>"
      assert.same({ "https://example.com/1", "https://example.com/2", "https://example.com/3" }, html.links(page, BASE))
    end
  end)
end)
