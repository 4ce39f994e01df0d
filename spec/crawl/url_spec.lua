-- From a URL to a verdict, without I/O: scope, key, traps.
local address = require "rill.crawl.address"
local key = require "rill.crawl.key"
local options = require "rill.crawl.options"
local scope = require "rill.crawl.scope"
local traps = require "rill.crawl.traps"

local function origin_of(url)
  return assert(address.origin(url))
end

describe("the scope of a crawl", function()
  local function holds(entries, url)
    return scope.new(entries):holds(url, origin_of(url))
  end

  local CASES = { -- entry, what it holds, what it does not hold
    ["example.com"] = { { "http://example.com/", "https://example.com:99/a" },
      { "http://www.example.com/", "http://xexample.com/", "http://example.com.evil.test/" } },
    ["EXAMPLE.com"] = { { "http://example.com/" }, { "http://example.org/" } },
    ["example.com:8443"] = { { "https://example.com:8443/", "http://example.com:8443/x" }, { "https://example.com/" } },
    ["example.com:443"] = { { "https://example.com/" }, { "http://example.com/" } },
    [".example.com"] = { { "http://example.com/", "http://a.example.com/", "http://a.b.example.com:81/" },
      { "http://aexample.com/", "http://example.com.evil.test/", "http://com/" } },
    [".Bücher.example"] = { { "http://xn--bcher-kva.example/", "http://www.xn--bcher-kva.example/" },
      { "http://bcher.example/" } },
    [".example.com:81"] = { { "http://a.example.com:81/" }, { "http://a.example.com/" } },
    ["[::1]"] = { { "http://[::1]/", "http://[::1]:81/" }, { "http://[::2]/" } },
    ["https://example.com/docs/"] = { { "https://example.com/docs/", "https://example.com/docs/a?b" },
      { "https://example.com/docs", "http://example.com/docs/", "https://example.com/a/docs/" } },
    ["https://example.com"] = { { "https://example.com/", "https://example.com/x" }, { "https://example.com.x/" } },
    ["HTTPS://Example.com:443/d"] = { { "https://example.com/docs" }, { "https://example.com:444/docs" } },
    ["https://example.com/*.pdf$"] = { { "https://example.com/a/b.pdf" },
      { "https://example.com/a.pdf?x", "https://example.com/pdf" } },
    ["https://example.com/a$"] = { { "https://example.com/a" }, { "https://example.com/ab" } },
    ["https://EXAMPLE.com:443/*/x"] = { { "https://example.com/a/x", "https://example.com/a/b/xy" },
      { "https://example.com/x" } },
    ["https://*.example.com/"] = { { "https://a.example.com/x" }, { "https://example.com/", "http://a.example.com/" } },
    ["https://example.com/a*a$"] = { { "https://example.com/aa", "https://example.com/abca" },
      { "https://example.com/a", "https://example.com/aab" } },
    ["https://example.com/a.c+(1)%2B"] = { { "https://example.com/a.c+(1)%2B" }, { "https://example.com/abc" } },
    ["https://example.com/%7ejoe/"] = { { "https://example.com/~joe/" }, {} },
  }
  for entry, urls in pairs(CASES) do
    it("reads " .. entry, function()
      for _, url in ipairs(urls[1]) do assert.is_true(holds({ entry }, url), url) end
      for _, url in ipairs(urls[2]) do assert.is_false(holds({ entry }, url), url) end
    end)
  end

  it("is not slowed down by stars", function()
    local entry = "https://example.com/" .. ("*a"):rep(30) .. "*b$"
    assert.is_false(holds({ entry }, "https://example.com/" .. ("a"):rep(2000)))
  end)

  it("asks functions with the URL and its parts", function()
    local got
    assert.is_true(holds({ function(url, parts)
      got = { url, parts.host, parts.path }
      return true
    end }, "http://example.com/x"))
    assert.same({ "http://example.com/x", "example.com", "/x" }, got)
  end)

  it("is the start URLs' hosts and ports by default; deny wins", function()
    local own = scope.new(nil, { "https://example.com/no" })
    own:start "http://example.com"
    own:start "https://odd.example:8443"
    local function in_it(url) return own:holds(url, origin_of(url)) end
    assert.is_true(in_it "http://example.com/" and in_it "https://example.com/" and in_it "https://odd.example:8443/")
    assert.is_false(in_it "https://example.com/no" or in_it "http://example.com:8080/" or in_it "https://odd.example/"
      or in_it "http://www.example.com/")
  end)

  it("refuses what is no entry", function()
    for _, entry in ipairs { "", "a b", "http://[", "example.com/docs", "ftp://example.com/", 5, "a@b", "*" } do
      assert.error_matches(function() scope.new { entry } end, "an entry must be a host")
    end
  end)
end)

describe("the lists of a crawl", function()
  it("hold what they are lists of", function()
    for message, given in pairs {
      ["crawl: retry_status must be a list of statuses, from 100 to 599"] = { retry_status = { 500, "503" } },
      ["crawl: retry_status must be a list"] = { retry_status = { 600 } },
      ['crawl: types must be "all" or a list of media types'] = { types = { "html", 5 } },
      ["crawl: worker must be letters, digits and _ . -, got"] = { worker = "a/b" },
    } do
      given.start = "http://h/"
      assert.error_matches(function() options.check(given) end, message, 1, true)
    end
    assert.is_true(options.check({ start = "http://h/", retry_status = { 418 } }).retry_status[418])
  end)
end)

describe("the key of a URL", function()
  local SAME = {
    { nil, "http://h/?b=2&a=1", "http://h/?a=1&b=2" },
    { nil, "http://h/?utm_source=x&a=1&gclid=2", "http://h/?a=1" },
    { nil, "http://h/p;jsessionid=AF", "http://h/p" },
    { nil, "http://h/p;JSESSIONID=AF/q?PHPSESSID=1", "http://h/p/q" },
    { nil, "http://h/?sid=1&sessionid=2&fbclid=3", "http://h/" },
    { nil, "http://a:b@h/p?q", "http://h/p?q" }, { nil, "http://a@h/", "http://h/" },
    { { slash = true }, "http://h/a/", "http://h/a" },
    { { www = true }, "http://www.h/", "http://h/" },
    { { drop = { "x*" } }, "http://h/?xyz=1", "http://h/" },
  }
  local OTHER = {
    { nil, "http://h/a/", "http://h/a" }, { nil, "http://www.h/", "http://h/" }, { nil, "http://h/", "https://h/" },
    { nil, "http://h/?a=1", "http://h/?a=2" }, { nil, "http://h/?site=1", "http://h/" },
    { nil, "http://h/?a", "http://h/" }, { nil, "http://h/@a", "http://h/@b" },
    { { sort_query = false }, "http://h/?b=2&a=1", "http://h/?a=1&b=2" },
    { { drop = {} }, "http://h/?sid=1", "http://h/" }, { { slash = true }, "http://h/", "http://h/a" },
  }
  it("is one for what differs in nothing that counts", function()
    for _, case in ipairs(SAME) do
      local of = key.new(case[1])
      assert.equal(of(case[3]), of(case[2]))
    end
  end)

  it("is another for what differs", function()
    for _, case in ipairs(OTHER) do
      local of = key.new(case[1])
      assert.are_not.equal(of(case[3]), of(case[2]))
    end
  end)

  it("counts fragments where it is told to, and is what a function says", function()
    local of = key.new { fragment = true }
    assert.equal("http://h/#a", (of("http://h/", "http://h/#a")))
    assert.equal("http://h/", (of("http://h/", "http://h/#")))
    assert.equal("x", (key.new(function() return "x" end)("http://h/")))
    assert.error_matches(function() key.new(function() end)("http://h/") end, "key must return a string")
  end)
end)

describe("a trap", function()
  local function judge(url, limits)
    return traps.judge(url, origin_of(url), traps.limits(limits))
  end

  it("is seen in one URL by itself", function()
    local h = "http://h/"
    assert.equal("url_length", judge(h .. ("a"):rep(2000)))
    assert.is_nil(judge(h .. ("a"):rep(2000 - #h)))
    local path = {}
    for i = 1, 24 do path[i] = "s" .. i end
    assert.is_nil(judge(h .. table.concat(path, "/")))
    assert.equal("segments", judge(h .. table.concat(path, "/") .. "/x"))
    assert.is_nil(judge(h .. "a/b/a/c/a"))
    assert.equal("repeats", judge(h .. "a/b/a/c/a/d/a"))
    assert.equal("repeats", judge(h .. ("x/y/"):rep(4)))
    assert.is_nil(judge(h .. "?" .. ("a=1&"):rep(24)))
    assert.equal("params", judge(h .. "?" .. ("a=1&"):rep(25)))
  end)

  it("is off where it is false or 0", function()
    for _, off in ipairs { false, 0 } do
      local limits = { url_length = off, segments = off, repeats = off, params = off }
      assert.is_nil(judge("http://h/" .. ("a/"):rep(3000) .. "?" .. ("a&"):rep(30), limits))
    end
    assert.is_nil(judge("http://h/" .. ("a/"):rep(3000), false))
    assert.error_matches(function() traps.limits { repeats = -1 } end, "traps.repeats must be a whole number")
    assert.error_matches(function() traps.limits { repeat_s = 1 } end, "repeat_s")
  end)

  it("counts URLs as one shape that are alike but for digits, hex and query values", function()
    local function shape(path) return traps.shape("http://h" .. path, "http://h") end
    local ALIKE = {
      { "/2024/01/02", "/1999/12/31" }, { "/item-12", "/item-9" }, { "/x?a=1&b=2", "/x?a=9&b=" },
      { "/c/3fa9c1", "/c/0001e2" }, { "/c/deadbeef", "/c/cafebabe" }, { "/x?b=1&a=2", "/x?a=1&b=2" },
      { "/4a3b12cd-1234-4a3b-9abc-123456789abc", "/ffffffff-ffff-4fff-bfff-fffffffffff1" },
      { "/p/page12.html", "/p/page7.html" }, { "/x?a=1&a=2", "/x?a=3" }, { "/%32%33", "/14" },
    }
    local UNLIKE = {
      { "/a", "/b" }, { "/x?a=1", "/x?b=1" }, { "/x", "/x?a" }, { "/%E4%BD%A0", "/%E5%BD%A1" }, { "/face", "/dead" },
      { "/chapter-1", "/section-1" },
    }
    for _, pair in ipairs(ALIKE) do assert.equal(shape(pair[1]), shape(pair[2])) end
    for _, pair in ipairs(UNLIKE) do assert.are_not.equal(shape(pair[1]), shape(pair[2])) end
  end)
end)
