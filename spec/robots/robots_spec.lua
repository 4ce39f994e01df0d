local robots = require "rill.robots"

local KIB = 1024

local function file(...)
  return robots.parse(table.concat({ ... }, "\n"))
end

local function allowed(text, path, agent)
  return robots.parse(text):allowed("https://example.com" .. path, agent or "foobot")
end

describe("robots.txt", function()
  it("allows all that it does not mention, and never fails", function()
    for _, text in ipairs { "", "\0\1\2", "Disallow: /", "<html>", ("x"):rep(1e6), "User-agent: foobot" } do
      assert.is_true(allowed(text, "/a"))
    end
  end)

  it("is refused as an argument that is no string", function()
    assert.has_error(function() robots.parse() end, "rill.robots.parse: bytes must be a string, got nil")
    assert.has_error(function() robots.parse(""):allowed(nil) end, "robots:allowed: url must be a string, got nil")
    assert.has_error(function() robots.parse(""):matched("/", 1) end, "robots:matched: agent must be a string, got 1")
  end)

  it("has groups by product token, without case and version", function()
    local r = file("User-agent: FooBot/2.1", "Disallow: /foo", "", "User-agent: *", "Disallow: /any")
    for _, agent in ipairs { "foobot", "FOOBOT/1.0 (+https://example.com)", "FooBot" } do
      assert.is_false(r:allowed("/foo", agent))
      assert.is_true(r:allowed("/any", agent))
    end
    for _, agent in ipairs { "foo", "foobot-news", "bar", "*", "" } do
      assert.is_true(r:allowed("/foo", agent), agent)
      assert.is_false(r:allowed("/any", agent), agent)
    end
    assert.is_false(r:allowed("/any"))
  end)

  it("merges the groups of an agent", function()
    local r = file("User-agent: a", "Disallow: /1", "User-agent: b", "User-agent: a", "Disallow: /2", "User-agent: b",
      "Allow: /2/b")
    assert.is_false(r:allowed("/1", "a"))
    assert.is_false(r:allowed("/2/b", "a"))
    assert.is_true(r:allowed("/2/b", "b"))
    assert.is_true(r:allowed("/1", "b"))
  end)

  it("has groups that empty lines, sitemaps and unknown lines do not end", function()
    local r = file("User-agent: a", "", "Sitemap: https://example.com/s.xml", "Noindex: /x", "# User-agent: c",
      "User-agent: b", "", "Disallow: /")
    assert.is_false(r:allowed("/", "a"))
    assert.is_false(r:allowed("/", "b"))
    assert.is_true(r:allowed("/", "c"))
  end)

  it("lets the longest rule decide, and allow where two are as long", function()
    local text = "User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c$\nAllow: /same\nDisallow: /same"
    assert.is_false(allowed(text, "/a/x"))
    assert.is_true(allowed(text, "/a/b/x"))
    assert.is_false(allowed(text, "/a/b/c"))
    assert.is_true(allowed(text, "/a/b/c/"))
    assert.is_true(allowed(text, "/same"))
  end)

  it("has stars for any run, and a dollar for the end", function()
    local text = "User-agent: *\nDisallow: /*.php$\nDisallow: /a*b*c\nDisallow: /x*$y\nDisallow: *?sid="
    for path, expected in pairs {
      ["/a.php"] = false, ["/d/e.php"] = false, ["/a.php?x"] = true, ["/.phpa.php"] = false, ["/a.PHP"] = true,
      ["/abc"] = false, ["/a1b2c3"] = false, ["/acb"] = true, ["/x1$y2"] = false, ["/x1y"] = true,
      ["/q?sid=1"] = false, ["/q?a&sid="] = true,
    } do
      assert.equal(expected, allowed(text, path), path)
    end
  end)

  it("compares what is escaped with what is not", function()
    for rule, paths in pairs {
      ["/caf\195\169"] = { "/caf\195\169", "/caf%C3%A9", "/caf%c3%a9" },
      ["/%7euser/%41"] = { "/~user/A", "/%7Euser/%41" },
      ["/a b"] = { "/a%20b", "/a b" },
      ["/%2A$"] = { "/%2a", "/*" },
      ["/100%"] = { "/100%25", "/100%" },
    } do
      for _, path in ipairs(paths) do assert.is_false(allowed("User-agent: *\nDisallow: " .. rule, path), path) end
    end
    assert.is_true(allowed("User-agent: *\nDisallow: /a%2Fb", "/a/b"))
    assert.is_true(allowed("User-agent: *\nDisallow: /%2A", "/x"))
  end)

  it("is asked about paths as they are requested: no dot segments, no fragment", function()
    local text = "User-agent: *\nDisallow: /private"
    assert.is_false(allowed(text, "/public/../private"))
    assert.is_false(allowed(text, "/private#top"))
    assert.is_true(allowed(text, "/#/private"))
    assert.is_false(allowed("User-agent: *\nDisallow: /", "?q"))
  end)

  it("is always allowed itself", function()
    local r = file("User-agent: *", "Disallow: /")
    assert.is_true(r:allowed("https://example.com/robots.txt", "a"))
    assert.is_false(r:allowed("https://example.com/robots.txt?x", "a"))
    assert.is_nil(r:matched("https://example.com/robots.txt", "a"))
  end)

  it("has lines that end in any way, a byte order mark, comments and blanks", function()
    for _, stop in ipairs { "\n", "\r", "\r\n" } do
      local text = table.concat({ "\239\187\191 User-Agent :\tfoobot # me", "DISALLOW:/a#b ", "", " allow : /a/b" },
        stop)
      local r = robots.parse(text)
      assert.is_false(r:allowed("/a/c", "foobot"))
      assert.is_true(r:allowed("/a/b", "foobot"))
      assert.same({ "DISALLOW:/a", 2 }, { r:matched("/a/c", "foobot") })
      assert.same({ "allow : /a/b", 4 }, { r:matched("/a/b", "foobot") })
    end
  end)

  it("names the rule that decides and its line", function()
    local r = file("User-agent: *", "Disallow: /a", "Allow: /a/b")
    assert.same({ "Disallow: /a", 2 }, { r:matched("https://example.com/a?x", "foobot") })
    assert.same({ "Allow: /a/b", 3 }, { r:matched("/a/b", "foobot") })
    assert.is_nil(r:matched("/", "foobot"))
  end)

  it("passes over empty rules and those that begin with no slash", function()
    assert.is_true(allowed("User-agent: *\nDisallow:\nDisallow: a\nAllow:", "/a"))
  end)

  it("lists its sitemaps, wherever they stand", function()
    local r = file("sitemap: https://example.com/1.xml", "User-agent: a", "Sitemap:https://example.com/2.xml?a=b:c ",
      "Sitemap:", "Disallow: /", "Sitemap: /3.xml")
    assert.same({ "https://example.com/1.xml", "https://example.com/2.xml?a=b:c", "/3.xml" }, r.sitemaps)
  end)

  it("says how long to wait between requests", function()
    local r = file("User-agent: a", "Crawl-delay: 2.5", "User-agent: *", "Disallow: /x", "Crawl-delay: 1",
      "User-agent: b", "Crawl-delay: soon", "Crawl-delay: -3", "Crawl-delay: inf", "Disallow: /y",
      "User-agent: c", "User-agent: d", "Crawl-delay: 4 # s", "Crawl-delay: 3")
    assert.equal(2.5, r:crawl_delay "a")
    assert.equal(1, r:crawl_delay "unknown")
    assert.equal(1, r:crawl_delay())
    assert.is_nil(r:crawl_delay "b")
    assert.equal(4, r:crawl_delay "c")
    assert.equal(4, r:crawl_delay "D/1")
  end)

  it("is read up to 500 KiB, and a line that is cut there is none", function()
    local head = "User-agent: *\nDisallow: /a\n"
    local function padded(bytes, rest) return head .. ("#"):rep(bytes - #head - 1) .. "\n" .. rest end
    assert.is_false(allowed(padded(500 * KIB - 12, "Disallow: /b\nDisallow: /"), "/b"))
    assert.is_true(allowed(padded(500 * KIB - 10, "Disallow: /b\n"), "/b"))
    assert.is_true(allowed(padded(500 * KIB, "Disallow: /b\n"), "/b"))
    assert.is_false(allowed(padded(500 * KIB, "Disallow: /b\n"), "/a"))
  end)
end)

describe("a hostile robots.txt", function()
  local function within(seconds, fn)
    local began = os.clock()
    fn()
    assert.is_true(os.clock() - began < seconds)
  end

  it("costs no more than its length: blanks, agents by rules, delays", function()
    local agents, rules, delays = {}, {}, {}
    for i = 1, 12000 do
      agents[i] = "User-agent: " .. ("a"):rep(i % 20 + 1)
      rules[i] = "Disallow: /" .. i
      delays[i] = "Crawl-delay: " .. i
    end
    for _, text in ipairs {
      (" "):rep(500 * KIB), "User-agent: *\nDisallow: " .. (" "):rep(400 * KIB) .. "/",
      table.concat(agents, "\n") .. "\n" .. table.concat(rules, "\n"),
      table.concat(agents, "\n") .. "\n" .. table.concat(delays, "\n"),
    } do
      within(5, function()
        local r = robots.parse(text)
        r:allowed("/x", "a")
        r:crawl_delay "aaa"
      end)
    end
  end)

  it("has no rule that takes long", function()
    local text = "User-agent: *\nDisallow: /" .. ("a*"):rep(100 * KIB) .. "b"
    within(5, function() assert.is_true(allowed(text, "/" .. ("a"):rep(60000))) end)
  end)

  it("says no where its rules together take too long", function()
    local rules = { "User-agent: *" }
    for i = 1, 40000 do rules[i + 1] = "Allow: *" .. ("%05d"):format(i) end
    within(10, function() assert.is_false(allowed(table.concat(rules, "\n"), "/" .. ("a"):rep(60000))) end)
    assert.is_true(allowed(table.concat(rules, "\n"), "/" .. ("a"):rep(100)))
  end)
end)
