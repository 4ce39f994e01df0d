local ffi = require "ffi"
local rill = require "rill"
local sitemap = require "rill.sitemap"
local support = require "support"

local BASE = "https://example.com/dir/sitemap.xml"

local function urls_of(list)
  local urls = {}
  for i, entry in ipairs(list) do urls[i] = entry.url end
  return urls
end

local function parse(body, base)
  local urls, sitemaps = sitemap.parse(body, base)
  return urls_of(urls), urls_of(sitemaps)
end

local function warned(fn)
  local said, hook = {}, rill.on_warning
  rill.on_warning = function(message) said[#said + 1] = message end
  local ok, why = pcall(fn)
  rill.on_warning = hook
  assert(ok, why)
  return said
end

local function gzip(text)
  local directory = support.directory()
  support.write(directory .. "/plain", text)
  assert(os.execute(("gzip -n -c '%s/plain' >'%s/packed'"):format(directory, directory)) == 0)
  return support.read(directory .. "/packed")
end

local SMALL = [==[<?xml version="1.0" encoding="UTF-8"?>
<!-- <url><loc>https://example.com/no</loc></url> -->
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="i" xmlns:xhtml="x">
  <url><loc> https://example.com/a?x=1&amp;y=2 </loc><lastmod>2024-05-01</lastmod><priority>0.8</priority></url>
  <url><loc><![CDATA[https://example.com/b?x&y]]></loc><image:image><image:loc>https://example.com/i.png</image:loc>
    </image:image><priority>7</priority><lastmod>2024-05-01T10:00:00+02:00</lastmod></url>
  <url><loc>/c&#x2f;&#228;#top</loc><xhtml:link rel="alternate" href="https://example.com/de"/></url>
  <url><loc>mailto:me@example.com</loc></url><url><loc></loc></url><url/>
</urlset>]==]

local EXPECTED = {
  { url = "https://example.com/a?x=1&y=2", lastmod = "2024-05-01", priority = 0.8 },
  { url = "https://example.com/b?x&y", lastmod = "2024-05-01T10:00:00+02:00" },
  { url = "https://example.com/c/%C3%A4" },
}

describe("rill.sitemap.parse", function()
  it("reads a sitemap's URLs, with lastmod and priority", function()
    local urls, sitemaps = sitemap.parse(SMALL, BASE)
    assert.same(EXPECTED, urls)
    assert.same({}, sitemaps)
  end)

  it("reads an index", function()
    local urls, sitemaps = sitemap.parse([[<sm:sitemapindex xmlns:sm="x"><sm:sitemap><sm:loc>1.xml.gz</sm:loc>
      <sm:lastmod>2024</sm:lastmod></sm:sitemap><sm:sitemap><sm:loc>https://other.example/2.xml</sm:loc>
      </sm:sitemap>]], BASE)
    assert.same({}, urls)
    assert.same({ { url = "https://example.com/dir/1.xml.gz", lastmod = "2024" },
      { url = "https://other.example/2.xml" } }, sitemaps)
  end)

  it("reads text files", function()
    assert.same({ "https://example.com/1", "https://example.com/2?a=b&c", "https://example.com/4" },
      (parse("\239\187\191https://example.com/1\r\n\r\n HTTPS://example.com/2?a=b&c \nnot a URL\nmailto:x\r/4", BASE)))
    assert.same({ "https://example.com/1" }, (parse "https://example.com/1\n/4\nNot Found"))
  end)

  it("reads RSS and Atom", function()
    local rss = [[<rss><channel><title>t</title><link>https://example.com/</link><image>
      <url>https://example.com/l.png</url></image><item><title>&lt;loc&gt;</title><link>https://example.com/1</link>
      <pubDate>Mon, 06 Sep 2021 00:01:00 GMT</pubDate><source url="x">
      <link>https://example.com/no</link></source></item><item><link>/2</link></item></channel></rss>]]
    assert.same({ { url = "https://example.com/1", lastmod = "Mon, 06 Sep 2021 00:01:00 GMT" },
      { url = "https://example.com/2" } }, (sitemap.parse(rss, BASE)))
    local atom = [[<feed xmlns="a"><link href="https://example.com/"/><entry><link rel='self' href='/self'/>
      <link rel="alternate" title="a>b" href="https://example.com/1?a&amp;b"/>
      <updated>2024-01-02T03:04:05Z</updated></entry>
      <entry><link href='/2'></link></entry></feed>]]
    assert.same({ { url = "https://example.com/1?a&b", lastmod = "2024-01-02T03:04:05Z" },
      { url = "https://example.com/2" } }, (sitemap.parse(atom, BASE)))
  end)

  it("sees gzip by its first bytes, several members too", function()
    assert.same(EXPECTED, (sitemap.parse(gzip(SMALL), BASE)))
    local half = #SMALL / 2
    assert.same(EXPECTED, (sitemap.parse(gzip(SMALL:sub(1, half)) .. gzip(SMALL:sub(half + 1)), BASE)))
    assert.same({ "https://example.com/1" }, (parse(gzip "https://example.com/1")))
  end)

  it("gives what can be read of a bad one, and says why the rest is missing", function()
    local packed = gzip(SMALL .. SMALL:gsub("%w", function(c) return c:upper() end):rep(50))
    local said = warned(function()
      local urls = sitemap.parse(packed:sub(1, -10), BASE)
      assert.same(EXPECTED[1], urls[1])
    end)
    assert.equal(1, #said)
    assert.is_truthy(said[1]:find("sitemap " .. BASE .. ": gzip: the data end before", 1, true))
    said = warned(function() assert.same({}, (parse("\31\139garbage", BASE))) end)
    assert.is_truthy(said[1]:find("gzip: the data are broken", 1, true))
    for body, expected in pairs {
      ["<urlset><url><loc>/1<url><loc>/2</loc></urlset><url><loc>/3"] = { "/1", "/2", "/3" },
      ["<urlset><url><loc>/1</loc><lastmod></url></bad></url><foo bar='<url><loc>/2</loc></url>"] = { "/1", "/2" },
      ["<html><body><a href=/1>1</a></body></html>"] = {},
      ["<url><loc>/1</loc><loc>/2</loc></url><!-- <url>"] = { "/1" },
      ["<!DOCTYPE x [<!ENTITY a '/1'>]><url><loc>&a;</loc></url><url><loc>/2</loc></url>"] = { "/dir/&a;", "/2" },
      ["\255\254" .. ("<url><loc>/1</loc></url>"):gsub(".", "%0\0")] = { "/1" },
      [""] = {}, ["\0"] = {}, ["<"] = {}, ["\31"] = {}, ["   "] = {},
    } do
      for i, path in ipairs(expected) do expected[i] = "https://example.com" .. path end
      assert.same(expected, (parse(body, BASE)), body)
    end
  end)

  it("leaves out an address in which it is cut off", function()
    local long = "<url><loc>/1</loc><lastmod>2026</lastmod></url><url><loc>/"
    local room = "<urlset>" .. (" "):rep(50 * 2 ^ 20 - #long - 9)
    for body, expected in pairs {
      [room .. long .. "23</loc></url>"] = { "https://example.com/1" },
      ["/0\n" .. room:sub(9) .. "\n/" .. ("x"):rep(2 * #long)] = { "https://example.com/0" },
      ["<url><loc>/1</loc></url><url><loc>/2</loc><lastmod>2026-11-30" .. (" "):rep(50 * 2 ^ 20)] =
        { "https://example.com/1", "https://example.com/2" },
      [gzip("https://example.com/1\nhttps://example.com/22"):sub(1, -9)] = { "https://example.com/1" },
    } do
      warned(function() assert.same(expected, (parse(body, BASE))) end)
    end
    for body, count in pairs { ["<url><loc>/1</loc></url><url><loc>/2"] = 1, ["/1\n/2\n/3"] = 2 } do
      local reader = sitemap.reader(BASE)
      reader:write(body)
      assert.equal(count, #reader:finish(true))
    end
  end)

  it("leaves out relative addresses where it does not know what they are relative to", function()
    assert.same({ "https://example.com/2" },
      (parse "<url><loc>/1</loc></url><url><loc>https://example.com/2</loc></url>"))
  end)

  it("refuses what is no string", function()
    assert.has_error(function() sitemap.parse() end, "rill.sitemap.parse: body must be a string, got nil")
    assert.has_error(function() sitemap.parse("", 1) end, "rill.sitemap.parse: base must be a string, got 1")
    assert.has_error(function() sitemap.reader():write(nil) end, "reader:write: bytes must be a string, got nil")
  end)
end)

describe("the bounds of a sitemap", function()
  it("are 50,000 URLs", function()
    local lines = {}
    for i = 1, 50001 do lines[i] = "https://example.com/" .. i end
    local urls
    local said = warned(function() urls = sitemap.parse(table.concat(lines, "\n")) end)
    assert.equal(50000, #urls)
    assert.same({ "sitemap: it has more than 50000 URLs: the rest is left out" }, said)
  end)

  it("are 50 MiB, decoded", function()
    local bomb = gzip("https://example.com/1\n" .. (" "):rep(50 * 2 ^ 20) .. "\nhttps://example.com/2")
    assert.is_true(#bomb < 100000)
    local said = warned(function() assert.same({ "https://example.com/1" }, (parse(bomb))) end)
    assert.same({ "sitemap: it is longer than 52428800 bytes: the rest is left out" }, said)
  end)

  it("are 16 KiB of a tag and 64 KiB of an address: longer ones are passed over", function()
    local long = ("x"):rep(70000)
    assert.same({ "https://example.com/1" }, (parse("<url><loc>/" .. long .. "</loc></url><url a='" .. long ..
      "'><loc>/0</loc></url><url><loc>/1</loc></url>", BASE)))
    assert.same({ "https://example.com/1" }, (parse("https://example.com/" .. long .. "\n/1", BASE)))
    local dated = "<url><loc>/1</loc><lastmod>%s</lastmod></url>"
    assert.equal(64, #sitemap.parse(dated:format(("2"):rep(64)), BASE)[1].lastmod)
    assert.is_nil(sitemap.parse(dated:format(("2"):rep(65)), BASE)[1].lastmod)
  end)

  it("are no more time than its length", function()
    for _, unit in ipairs { "<", "<a '", "<a '>'", "<!--", "<!", "<![CDATA[", "&", "<url>", "<url><loc>", "\r" } do
      local began = os.clock()
      warned(function() parse("<x>" .. unit:rep(4 * 2 ^ 20 / #unit), BASE) end)
      assert.is_true(os.clock() - began < 10, unit)
    end
  end)

  it("let other tasks run", function()
    local turns = 0
    support.run(function()
      local other = rill.spawn(function()
        while true do
          rill.sleep(0)
          turns = turns + 1
        end
      end)
      parse("<x>" .. ("<url><loc>/1</loc></url>"):rep(49999) .. (" "):rep(2 ^ 20), BASE)
      other:cancel()
    end)
    assert.is_true(turns >= 5)
  end)
end)

describe("a sitemap that comes in pieces", function()
  local function in_pieces(body, next_size)
    local reader, at = sitemap.reader(BASE), 1
    while at <= #body do
      local size = next_size()
      reader:write(body:sub(at, at + size - 1))
      at = at + size
    end
    return (reader:finish())
  end

  it("is read as one that is whole", function()
    for _, body in ipairs { SMALL, gzip(SMALL), "https://example.com/1\n\nhttps://example.com/2" } do
      assert.same(sitemap.parse(body, BASE), in_pieces(body, function() return 1 end))
    end
  end)

  it("is read so wherever it is cut, and whatever it holds", function()
    local seed = tonumber(os.getenv "RILL_SEED") or os.time()
    math.randomseed(seed)
    local words = { "<", ">", "url", "<url>", "</url>", "<loc>", "</loc>", "/1", "&amp;", "&", ";", "'", '"', "<!--",
      "-->", "<![CDATA[", "]]>", "<?", "?>", "<!DOCTYPE ", "[", "]", "\n", "\255\254", "\0", "<sitemap>", "</sitemap>",
      "<lastmod>",
      "https://example.com/", "<a:", "/>", "<item>", "<link>", "</link>", "<entry>", "<link href='/x'/>" }
    for _ = 1, 3000 do
      local parts = {}
      for i = 1, math.random(40) do parts[i] = words[math.random(#words)] end
      local body = table.concat(parts)
      local whole = in_pieces(body, function() return #body end)
      assert.same(whole, in_pieces(body, function() return math.random(7) end), ("seed %d: %q"):format(seed, body))
      assert.same(whole, (sitemap.parse(body, BASE)))
    end
  end)
end)

describe("the C interface of gzip files", function()
  it("refuses pointers that are NULL", function()
    local C = require "rill.clib"
    local step = ffi.new("rill_gunzip_step", { length = 1 })
    local handle = ffi.gc(C.rill_gunzip_new(), C.rill_gunzip_free)
    assert.equal(-C.RILL_ARGUMENT, C.rill_gunzip_write(nil, step, nil))
    assert.equal(-C.RILL_ARGUMENT, C.rill_gunzip_write(handle, nil, nil))
    assert.equal(-C.RILL_ARGUMENT, C.rill_gunzip_write(handle, step, nil))
    assert.equal(-C.RILL_ARGUMENT, C.rill_gunzip_finish(nil, nil))
    C.rill_gunzip_free(nil)
  end)
end)
