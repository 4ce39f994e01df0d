-- rill links: what is broken, and where it stands.
local command = require "support.command"
local dkjson = require "dkjson"
local process = require "support.process"
local support = require "support"

local function found_of(said)
  local list = {}
  for line in said.out:gmatch "[^\n]+" do
    local found = assert(dkjson.decode(line))
    local pages = {}
    for i, page in ipairs(found.pages) do pages[i] = page:gsub("^%a+://[^/]+", "") end
    list[found.url:gsub("^https://localhost:%d+", "")] = { found.reason, found.status, table.concat(pages, " ") }
  end
  return list
end

describe("rill links", function()
  after_each(function() process.stop_all() end)

  it("names broken links, assets and fragments with the pages that hold them", function()
    local other = support.nginx { files = { ["here.html"] = "x" } }
    local server = support.nginx { files = {
      ["index.html"] = [[<a href=a.html>a</a><a href="missing.html?a&amp;b">m</a><img src=no.png><img src=yes.png>
        <a href="a.html#there">f</a><a href="a.html#not&amp;there">f</a><a href="#top">t</a><a href=/private/>p</a>
        <!-- <a href=comment.html> --><a href="mailto:x@y">m</a><a href=loop>l</a>
        <a href=']] .. other.url .. [[/here.html'>o</a><a href=']] .. other.url .. [[/gone.html'>o</a>]],
      ["a.html"] = [[<h1 id=there>a</h1><!-- <p id=ghost> --><a href=#ghost>g</a><a href="missing.html?a&b">m</a>
        <a name='n a'>n</a><a href="#n%20a">n</a>]],
      ["yes.png"] = "png", ["robots.txt"] = "User-agent: *\nDisallow: /private\n",
    }, config = "location = /loop { return 302 /loop; }" }
    local expected = {
      ["/missing.html?a&b"] = { "status", 404, "/ /a.html" },
      ["/no.png"] = { "status", 404, "/" },
      ["/a.html#not&there"] = { "fragment", 200, "/" },
      ["/a.html#ghost"] = { "fragment", 200, "/a.html" },
      ["/loop"] = { "redirect", nil, "/" },
    }
    local said = command.run { "links", server.url .. "/", "--format", "jsonl", "--ca", server.ca }
    assert.equal(1, said.status)
    assert.same(expected, found_of(said))
    assert.matches("rill: 6 links, 5 broken\n", said.err)
    assert.equal(0, #other:events())

    expected[other.url:gsub("^https://localhost:%d+", "") .. "/gone.html"] = { "status", 404, "/" }
    said = command.run { "links", server.url .. "/", "--format", "jsonl", "--external", "--ca", server.ca }
    assert.same(expected, found_of(said))
    assert.equal(2, #other:wait_log(2))

    said = command.run { "links", server.url .. "/", "--ca", server.ca }
    local block = ("404 %s/missing.html?a&b\n  on %s/\n  on %s/a.html\n"):format(server.url, server.url, server.url)
    assert.is_truthy(said.out:find(block, 1, true))

    said = command.run { "links", server.url .. "/private/", "--ca", server.ca }
    local why = "rill: %s/private/ was not asked for: robots.txt forbids it (--no-robots)\nrill: 0 links, 0 broken\n"
    assert.same({ "", why:format(server.url), 0 }, { said.out, said.err, said.status })
  end)

  it("asks once for each, by HEAD for assets, by GET where HEAD is not known", function()
    local server = support.node { source = [==[
server.on('stream', (stream, headers) => {
  const [path, method] = [headers[':path'], headers[':method']];
  log({ path, method });
  stream.on('error', () => {});
  const page = path.endsWith('.html') || path === '/';
  stream.respond({ ':status': method === 'HEAD' && path === '/odd.css' ? 405 : 200,
    'content-type': page ? 'text/html' : 'text/css' });
  stream.end(method === 'HEAD' || !page ? '' :
    '<a href=/a.html><a href="/a.html#">a</a><img src=/i.png><link rel=stylesheet href=/odd.css><img src="/i.png">');
});]==] }
    local said = command.run { "links", server.url .. "/", "--ca", server.ca, "-q" }
    assert.same({ "", "", 0 }, { said.out, said.err, said.status })
    local asked = {}
    for _, event in ipairs(server:events()) do
      if event.path then table.insert(asked, event.method .. " " .. event.path) end
    end
    table.sort(asked)
    assert.same({ "GET /", "GET /a.html", "GET /odd.css", "GET /robots.txt", "HEAD /i.png", "HEAD /odd.css" }, asked)
  end)

  it("finds ids as browsers do, and the fragments that lead nowhere", function()
    local server = support.nginx { files = {
      ["index.html"] = [[<base href="/sub/"><p ID=plain>x</p><a name=old>y</a><p id='a"b'>z</p><p id="x&amp;y">w</p>
        <script>"<p id=ghost>"</script><p name=no>n</p><p id=K>k</p>
        <a href="/#plain">1</a><a href=/#old>2</a><a href='/#a"b'>3</a><a href="/#x&amp;y">4</a><a href="/#%4b">5</a>
        <a href="/#ghost">6</a><a href="/#no">8</a><a href="/#k">9</a><a href="/#">10</a>
        <a href="/#TOP">11</a><a href="other.html#here">12</a><area href="other.html#gone"><a href="/#:~:text=x">13</a>
        <a href="/data.txt#L5">14</a>]],
      ["sub/other.html"] = "<svg><g id=here></g></svg>", ["data.txt"] = "text",
    } }
    local said = command.run { "links", server.url .. "/", "--format", "jsonl", "--ca", server.ca }
    local found = {}
    for name in pairs(found_of(said)) do found[#found + 1] = name end
    table.sort(found)
    assert.same({ "/#ghost", "/#k", "/#no", "/sub/other.html#gone" }, found)
  end)

  it("keeps a delay, and is patient where it is asked to be", function()
    local server = support.node { source = [==[
const times = {};
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  times[path] = (times[path] || 0) + 1;
  log({ path, ua: headers['user-agent'] });
  stream.on('error', () => {});
  if (path === '/robots.txt') {
    stream.respond({ ':status': 200 });
    return stream.end('User-agent: mine\nCrawl-delay: 0.3\nDisallow: /no\n');
  }
  const busy = path === '/busy' && times[path] < 3 || path === '/full';
  stream.respond(busy ? { ':status': 503, 'retry-after': '0' } : { ':status': 200, 'content-type': 'text/html' });
  stream.end(path === '/' ? '<a href=/busy><a href=/no><a href=/b><a href=/full>' : '');
});]==] }
    local clock = require("rill").now
    local began = clock()
    local said = command.run { "links", server.url .. "/", "--ca", server.ca, "--user-agent", "mine/1" }
    assert.same({ 1, "rill: 4 links, 1 broken\n" }, { said.status, said.err })
    assert.is_true(clock() - began >= 7 * 0.3)
    local paths = {}
    for _, event in ipairs(server:events()) do paths[#paths + 1] = event.path end
    table.sort(paths)
    assert.same({ "/", "/b", "/busy", "/busy", "/busy", "/full", "/full", "/full", "/robots.txt" }, paths)
    assert.equal(2, command.run({ "links", server.url, "--per-origin", "0" }).status)
  end)

  it("heeds a Crawl-delay and a Retry-After of 60 s at most", function()
    local rill, site = require "rill", require "rill.cli.site"
    local server = support.node { source = [==[
const asked = {};
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  const times = asked[path] = (asked[path] || 0) + 1;
  if (path === '/robots.txt') {
    stream.respond({ ':status': 200, 'content-type': 'text/plain' });
    stream.end('User-agent: *\nCrawl-delay: 61\n');
  } else if (path === '/busy?60' && times === 1 || path === '/busy?61') {
    stream.respond({ ':status': 503, 'retry-after': path.slice(6) });
    stream.end();
  } else {
    stream.respond({ ':status': 200, 'content-type': 'text/html' });
    stream.end(path === '/' ? '<a href="/busy?60">a</a><a href="/busy?61">b</a>' : '');
  }
});
]==] }
    local pauses, sleep, now = {}, rill.sleep, rill.now
    rill.sleep = function(seconds) pauses[#pauses + 1] = seconds end
    rill.now = function() return 1000 end
    local ok, broken, count = pcall(rill.run, function()
      local client = rill.client { tls = { ca_file = server.ca } }
      local function none() end
      local broken, count = site.check({ server.url .. "/" }, { client = client, robots = true, concurrency = 1,
        per_origin = 1, delay = 0, agent = "rill", show = none, exchange = none })
      client:close()
      return broken, count
    end)
    rill.sleep, rill.now = sleep, now
    assert.is_true(ok, broken)
    assert.same({ 3, 1, server.url .. "/busy?61" }, { count, #broken, broken[1].url })
    assert.same({ 60, 60, 120, 180 }, pauses)
  end)

  it("takes for there what is longer than a page that it reads", function()
    local server = support.node { source = [==[
server.on('stream', (stream, headers) => {
  const kind = { '/a.zip': 'application/zip', '/a.html': 'text/html' }[headers[':path']];
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': kind || 'text/html', ...(kind && { 'content-length': 2 ** 25 }) });
  if (kind) return stream.write(Buffer.alloc(1000));
  stream.end('<a href=/a.zip>a</a><a href="/a.html#x">b</a>');
});]==] }
    local said = command.run { "links", server.url .. "/", "--no-robots", "--ca", server.ca }
    assert.same({ "", 0 }, { said.out, said.status })
    assert.matches("^rill: not read: maxsize_exceeded [^\n]*/a%.html: [^\n]*\nrill: 3 links, 0 broken\n$", said.err)
  end)

  it("looks at 10,000 links of a page that have a fragment", function()
    local server = support.nginx { files = { ["index.html"] = ("<a href=#x>"):rep(10000) .. "<a href=#y>" } }
    local said = command.run { "links", server.url .. "/", "--format", "jsonl", "--ca", server.ca }
    local found = {}
    for name in pairs(found_of(said)) do found[#found + 1] = name end
    assert.same({ "/#x" }, found)
  end)

  it("names addresses that are no URLs, and none of other schemes", function()
    local bad = [[<a href="http://[bad">x</a><img src="//:1/"><a href="foo://x/"><a href="mailto:a">
      <img src="data:,x">]]
    local server = support.nginx { files = { ["index.html"] = bad .. "<a href=a.html>", ["a.html"] = bad } }
    local said = command.run { "links", server.url .. "/", "--format", "jsonl", "--ca", server.ca }
    local found = { "invalid_url", nil, "/ /a.html" }
    assert.same({ ["http://[bad"] = found, ["//:1/"] = found }, found_of(said))
    assert.equal(1, said.status)
    said = command.run { "links", server.url .. "/", "--ca", server.ca }
    local block = ("invalid_url http://[bad\n  on %s/\n  on %s/a.html\n"):format(server.url, server.url)
    assert.is_truthy(said.out:find(block, 1, true))
  end)

  it("says so where the site is not there", function()
    local said = command.run { "links", "http://127.0.0.1:1/" }
    assert.equal(1, said.status)
    assert.matches("^connect_failed http://127.0.0.1:1/\n$", said.out)
  end)

  it("names a hundred pages at most", function()
    local files = {}
    local index = {}
    for i = 1, 120 do
      files[i .. ".html"] = "<a href=broken>"
      index[i] = "<a href=" .. i .. ".html>"
    end
    files["index.html"] = table.concat(index)
    local server = support.nginx { files = files }
    local said = command.run { "links", server.url .. "/", "--format", "jsonl", "--ca", server.ca }
    assert.equal(100, #dkjson.decode(said.out).pages)
  end)
end)
