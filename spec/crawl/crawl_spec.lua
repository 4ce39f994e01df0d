local deadline = require "support.deadline"
local disk = require "support.disk"
local dkjson = require "dkjson"
local process = require "support.process"
local support = require "support"

-- A small site: path -> answer. `PORT` in a body is the server's port.
local SITE = [[
const pages = {
  '/': { body: `<a href="a/">a</a> <a href="./b/../a/#part">again</a> <a href="HTTPS://LOCALHOST:PORT/%61/">again</a>
    <a href="/old">moved</a><a href="/image">no page</a><a href="/gone">404</a><a href="/short">breaks off</a>
    <a href="/reset">reset</a><a href="/based">base</a><a href="/round">loop</a><a href="/untyped">no type</a>
    <a href="/data">small</a><a href="/flaky">breaks off twice</a><a href="/worse">500</a>
    <a href="https://elsewhere.invalid/">other host</a><a href="http://localhost:PORT/plain">other scheme</a>
    <a href="mailto:x@y">mail</a><a href="javascript:go()">script</a><a href="https://[bad/">bad</a>
    <map><area href="map"></map><!-- <a href="/comment"> --><script>'<a href="/script">'</script>` },
  '/a/': { body: '<a href="../">up</a>' },
  '/old': { status: 301, location: '/new', body: '' },
  '/new': { body: '<a href="/old">back</a>' },
  '/image': { type: 'image/png', endless: true },
  '/gone': { status: 404, type: 'text/html; charset="\xe4"', body: 'gone' },
  '/short': { body: 'half', length: 1000 },
  '/reset': { body: 'half', reset: true },
  '/based': { body: '<base href="/deep/er/"><a href="page">below</a>' },
  '/deep/er/page': { body: 'deep', type: 'application/xhtml+xml' },
  '/round': { status: 302, location: '/round', body: '' },
  '/untyped': { type: null, endless: true },
  '/map': { body: 'map' },
  '/flaky': { body: 'whole', breaks: 2 },
  '/worse': { status: 500, body: '<a href="/map">' },
  '/data': { type: 'application/json', body: '{}' },
};
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  const page = pages[path] || { status: 404, body: 'no such page' };
  log({ event: 'request', path });
  stream.on('error', () => {});
  stream.on('close', () => log({ event: 'close', path }));
  const head = { ':status': page.status || 200 };
  if (page.type !== null) head['content-type'] = page.type || 'text/html';
  if (page.location) head.location = page.location;
  if (page.length) head['content-length'] = page.length;
  stream.respond(head);
  if (page.endless) return stream.write('data');
  if (page.breaks-- > 0) return stream.write('half', () => stream.destroy(new Error('broken')));
  if (page.reset) return stream.write(page.body, () => stream.destroy(new Error('reset')));
  stream.end(page.body.replace(/PORT/g, server.address().port));
});
]]

-- Every page leads to two more, for ever.
local ENDLESS = [[
server.on('stream', (stream, headers) => {
  const n = Number(headers[':path'].slice(1)) || 1;
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': 'text/html' });
  stream.end(`<a href="/${2 * n}"><a href="/${2 * n + 1}">`);
});
]]

-- Starts the crawl; its lines go to `crawl.lines` unless the arguments say otherwise.
local function start(server, ...)
  local directory = support.directory "crawl"
  local argv = { "env" }
  for _, word in ipairs(process.sanitizers()) do argv[#argv + 1] = word end
  for _, word in ipairs { "luajit", "examples/crawl.lua", server.url .. "/", "--out", directory .. "/lines",
                          "--ca", server.ca, ... } do
    argv[#argv + 1] = word
  end
  local crawl = process.start(argv, directory .. "/output")
  crawl.lines = directory .. "/lines"
  return crawl
end

-- The pages by path, and in order; every line must be whole.
local function read(crawl)
  local text = support.read(crawl.lines)
  assert.is_true(text == "" or text:sub(-1) == "\n")
  local by_path, list = {}, {}
  for line in text:gmatch "[^\n]+" do
    local page = assert(dkjson.decode(line), line)
    page.path = page.url:match "^https://localhost:%d+(/.*)"
    assert.is_nil(by_path[page.path], "twice: " .. page.url)
    by_path[page.path] = page
    list[#list + 1] = page
  end
  return by_path, list
end

local function paths(list)
  local names = {}
  for i, page in ipairs(list) do names[i] = page.path end
  return names
end

describe("examples/crawl.lua", function()
  after_each(function()
    process.stop_all()
    disk.unmount()
  end)

  it("visits every page of the host once, and tells what became of it", function()
    local server = support.node { source = SITE }
    local crawl = start(server)
    assert.equal(0, crawl:wait(10), crawl:output())
    local pages, list = read(crawl)

    local seen = {}
    for path, page in pairs(pages) do
      seen[path] = ("%s %s"):format(page.status or "-", page.close_reason)
    end
    assert.same({
      ["/"] = "200 ended", ["/a/"] = "200 ended", ["/old"] = "301 ended", ["/new"] = "200 ended",
      ["/image"] = "200 stopped", ["/gone"] = "404 ended", ["/short"] = "200 protocol_error",
      ["/reset"] = "200 reset", ["/based"] = "200 ended", ["/deep/er/page"] = "200 ended",
      ["/round"] = "302 ended", ["/untyped"] = "200 stopped", ["/map"] = "200 ended",
      ["/data"] = "200 stopped", ["/flaky"] = "200 ended", ["/worse"] = "500 ended",
    }, seen)
    assert.equal("image/png", pages["/image"].content_type)
    assert.is_nil(pages["/untyped"].content_type)
    assert.equal(3, pages["/map"].bytes)
    assert.is_nil(pages["/map"].error)
    assert.is_true(pages["/map"].seconds > 0)
    assert.matches("reset", pages["/reset"].error)

    local output = crawl:output()
    assert.matches(("pages: +%d %%(2 errors%%)"):format(#list), output)
    assert.matches("connections: +1\n", output)
    assert.matches("close reasons: ended 11, protocol_error 1, reset 1, stopped 3\n", output)
    assert.matches("statuses: +200 12, 301 1, 302 1, 404 1, 500 1\n", output)
    for kind, line in pairs { protocol_error = "/short: ", reset = "/reset: ", ["404"] = "/gone: status 404\n",
                              ["500"] = "/worse: status 500\n" } do
      assert.matches("crawl.lua: [^\n]*" .. line, output, 1, false, kind)
    end
    local requests = {}
    for _, event in ipairs(server:events()) do
      if event.event == "request" then requests[event.path] = (requests[event.path] or 0) + 1 end
    end
    local again = { ["/short"] = 3, ["/reset"] = 3, ["/flaky"] = 3 } -- tries of what breaks
    for path in pairs(pages) do assert.equal(again[path] or 1, requests[path], path) end
  end)

  it("goes breadth first", function()
    local server = support.node { source = ENDLESS }
    local crawl = start(server, "--concurrency", "1", "--max-pages", "7")
    assert.equal(0, crawl:wait(10), crawl:output())
    assert.same({ "/", "/2", "/3", "/4", "/5", "/6", "/7" }, paths(select(2, read(crawl))))
  end)

  it("loses no page to a server that closes its connections again and again", function()
    local files = {}
    for i = 1, 60 do files[i .. ".html"] = ("<a href=%d.html><a href=%d.html>"):format(2 * i % 61, (2 * i + 1) % 61) end
    files["index.html"] = "<a href=1.html>"
    files["0.html"] = "zero"
    local server = support.nginx { files = files, keepalive_requests = 10 }
    local crawl = start(server)
    assert.equal(0, crawl:wait(10), crawl:output())
    local _, list = read(crawl)
    assert.equal(62, #list)
    for _, page in ipairs(list) do assert.equal(200, page.status, page.url) end
    assert.is_true(tonumber(crawl:output():match "connections: +(%d+)") >= 6)
  end)

  it("finds every page that one large page leads to", function()
    local lines = {}
    for i = 1, 2000 do lines[i] = ('<p><a href="/%d">x</a></p>\n'):format(i) end
    local server = support.nginx {
      files = { ["index.html"] = table.concat(lines) },
      config = [[location ~ "^/[0-9]+$" { default_type text/html; return 200 "page\n"; }]],
    }
    local crawl = start(server)
    assert.equal(0, crawl:wait(30), crawl:output())
    local pages, list = read(crawl)
    assert.equal(2001, #list)
    for i = 1, 2000 do assert.equal(200, pages["/" .. i] and pages["/" .. i].status, i) end
  end)

  it("ends cleanly at Ctrl-C: whole lines, the summary", function()
    local server = support.node { source = ENDLESS }
    local crawl = start(server)
    deadline.wait(function()
      local file = io.open(crawl.lines)
      local size = file and file:seek "end" or 0
      if file then file:close() end
      return size > 5000
    end, 10, "some pages")
    crawl:signal "INT"
    assert.equal(130, crawl:wait(5))
    local _, list = read(crawl)
    assert.matches("stopped by SIGINT\n", crawl:output())
    assert.matches(("pages: +%d "):format(#list), crawl:output())
  end)

  it("tells that the disk is full, and ends", function()
    local server = support.node { source = ENDLESS }
    local crawl = start(server, "--out", "/dev/full")
    assert.equal(1, crawl:wait(10))
    assert.matches("cannot write /dev/full: No space left on device\n", crawl:output())
    assert.matches("pages: +1 ", crawl:output())
  end)

  it("tells that a small disk is full while it crawls, and ends", function()
    local directory = disk.small()
    if not directory then return pending "mounting is not permitted" end
    local crawl = start(support.node { source = ENDLESS }, "--out", directory .. "/lines")
    assert.equal(1, crawl:wait(20))
    assert.matches("cannot write " .. directory .. "/lines: No space left on device\n", crawl:output(), 1, true)
    local lines = support.read(directory .. "/lines")
    assert.is_true(#lines > 60000, #lines .. " bytes")
    assert.is_true(tonumber(crawl:output():match "pages: +(%d+)") >= select(2, lines:gsub("\n", "")))
  end)

  local START = [[
  const moved = (where) => ({ ':status': 302, location: where, 'content-type': 'text/html' });
  const html = (status) => ({ ':status': status, 'content-type': 'text/html' });
  const heads = { missing: html(404), broken: html(500), text: { ':status': 200, 'content-type': 'text/plain' },
    untyped: { ':status': 200 }, away: moved('https://elsewhere.invalid/'), circle: moved('/'),
    plain: moved('http://localhost/'), nowhere: html(302), around: moved('/gone'), around2: moved('/page') };
  server.on('stream', (stream, headers) => {
    const path = headers[':path'];
    stream.on('error', () => {});
    stream.respond(path === '/gone' ? html(410) : path === '/page' ? html(200) : heads['CASE']);
    stream.end('text <a href="/page">');
  });
  ]]

  for case, why in pairs {
    missing = "status 404", broken = "status 500", text = "it is text/plain, no HTML",
    untyped = "it is of no type, no HTML",
    away = "it redirects to https://elsewhere.invalid/, which is not visited: start there",
    plain = "it redirects to http://localhost/, which is not visited: start there",
    circle = "which is not visited again", nowhere = "status 302", around = "/gone gave no page: status 410",
  } do
    it("says why the start page gave no page, and fails: " .. case, function()
      local crawl = start(support.node { source = (START:gsub("CASE", case)) }, "--concurrency", "1")
      assert.equal(1, crawl:wait(10))
      local output = crawl:output()
      assert.matches("^crawl.lua: https://localhost:%d+/[a-z]* gave no page: ", output)
      assert.matches(why .. "\n", output, 1, true)
      assert.matches("pages: +%d %(1 errors%)", output)
      assert.is_true(#support.read(crawl.lines) > 0)
    end)
  end

  it("succeeds where the start page leads to a page of its host", function()
    local crawl = start(support.node { source = (START:gsub("CASE", "around2")) })
    assert.equal(0, crawl:wait(10), crawl:output())
    assert.matches("statuses: +200 1, 302 1\n", crawl:output())
    assert.is_nil(crawl:output():find("gave no page", 1, true))
  end)

  it("has a line for a start page that cannot be got, and fails", function()
    local crawl = start { url = require("support.tcp").refused(), ca = support.ca().file }
    assert.equal(1, crawl:wait(10))
    local page = read(crawl)["/"]
    assert.equal("connect_failed", page.close_reason)
    assert.is_nil(page.status)
    assert.matches("refused", page.error)
    local output = crawl:output()
    assert.matches("gave no page: connect_failed [^\n]*refused\n", output)
    assert.equal(1, select(2, output:gsub("Connection refused\n", "")), "told once")
    assert.matches("statuses: +none\n", output)
  end)

  it("takes --option=value as well", function()
    local server = support.node { source = ENDLESS }
    local crawl = start(server, "--concurrency=1", "--max-pages=3")
    assert.equal(0, crawl:wait(10), crawl:output())
    assert.equal(3, #select(2, read(crawl)))
  end)

  it("prints the usage for --help, and succeeds", function()
    local pipe = io.popen "luajit examples/crawl.lua --help 2>/dev/null; echo $?"
    local output = pipe:read "*a"
    pipe:close()
    assert.matches("^usage: crawl.lua START_URL.*\n0\n$", output)
  end)

  for what, words in pairs {
    ["an unknown option"] = { "--fast" }, ["a second address"] = { "https://localhost/" },
    ["a number that is none"] = { "--concurrency", "many" }, ["no pages"] = { "--max-pages", "0" },
    ["an option without its value"] = { "--out" },
  } do
    it("refuses " .. what .. " with the usage", function()
      local crawl = start({ url = "https://localhost", ca = "x" }, unpack(words))
      assert.equal(2, crawl:wait(5))
      assert.matches("usage: crawl.lua START_URL", crawl:output())
    end)
  end
end)
