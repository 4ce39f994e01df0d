-- The command rill, run as a user runs it.
local command = require "support.command"
local dkjson = require "dkjson"
local process = require "support.process"
local support = require "support"

local SITE = {
  ["index.html"] = "<title>Start</title><a href=a.html>a</a> <a href=missing.html>m</a> <a href=/private/x.html>p</a>",
  ["a.html"] = "<title>A</title><a href=/>back</a> <a href=b.html?sid=1>b</a>",
  ["b.html"] = "<title>B</title>",
  ["private/x.html"] = "x",
  ["robots.txt"] = "# rules\nUser-agent: *\nDisallow: /private\nCrawl-delay: 0.01\n\nUser-agent: other\nDisallow:\n",
}

local server, directory

local function rill(...)
  return command.run({ ... }, server and { "--ca", server.ca })
end

local function lines_of(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = assert(dkjson.decode(line)) end
  return list
end

local function urls_of(text)
  local urls = {}
  for i, item in ipairs(lines_of(text)) do urls[i] = item.url:match "^https://[^/]+(.*)" end
  table.sort(urls)
  return urls
end

setup(function()
  directory = support.directory "command"
  server = support.nginx { files = SITE }
end)
teardown(function() process.stop_all() end)

describe("rill", function()
  it("shows what it can do, and its version", function()
    for _, words in ipairs { { "--help" }, { "get", "--help" }, { "crawl", "--help" }, { "links", "--help" },
      { "robots", "--help" }, { "status", "--help" }, { "crawl", "x", "--depth", "z", "--help" } } do
      local said = command.run(words)
      assert.matches("^usage: rill ", said.out)
      assert.equal("", said.err)
      assert.equal(0, said.status)
      for line in said.out:gmatch "[^\n]+" do assert.is_true(#line <= 120, line) end
    end
    for _, words in ipairs { "--help", "--version", "crawl --help" } do
      local said = command.shell("bin/rill " .. words .. " > /dev/full")
      assert.equal(4, said.status, words)
      assert.equal("rill: cannot write -: No space left on device\n", said.err)
    end
    assert.matches("^rill %d+%.%d+%.%d+\n$", command.run({ "--version" }).out)
    assert.matches("^rill %d+%.%d+%.%d+\n$", command.run({ "crawl", "--version" }).out)
  end)

  it("names the word that is wrong in a command line", function()
    for words, message in pairs {
      [{}] = "which command?",
      [{ "gett" }] = 'unknown command "gett"',
      [{ "get" }] = "URL is missing",
      [{ "get", "--outptu", "x" }] = "unknown option --outptu: did you mean --output?",
      [{ "get", "a", "b", "-o", "x" }] = "-o takes one URL, there are several",
      [{ "get", "a", "-d", "x", "--json", "{}" }] = "-d and --json exclude each other",
      [{ "crawl", "a", "--har", "-" }] = '--har takes a path, got "-"',
      [{ "get", "a", "-I", "-o", "x" }] = "-I has no body that -o could write",
      [{ "get", "a", "--maxsize", "much" }] = '--maxsize takes bytes, as 1000, 64k, 16M or 1G, got "much"',
      [{ "get", "ftp://example.com/" }] = '"ftp://example.com/" is no http or https URL',
      [{ "get", "mailto:a@example.com" }] = '"mailto:a@example.com" is no http or https URL',
      [{ "get", "https://[x" }] = '"https://[x" is no URL',
      [{ "get", "a", "-H", "nothing" }] = "-H takes 'NAME: VALUE', got \"nothing\"",
      [{ "get", "a", "-H", "bad name: x" }] = "bad name",
      [{ "get", "a", "--resolve", "b" }] = '--resolve takes HOST:PORT:ADDRESS, got "b"',
      [{ "get", "a", "--timeout" }] = "--timeout takes a number, 0 or more: nothing follows it",
      [{ "get", "a", "--timeout", "-1" }] = '--timeout takes a number, 0 or more, got "-1"',
      [{ "get", "a", "--timeout", "." }] = '--timeout takes a number, 0 or more, got "."',
      [{ "get", "a", "-q=1" }] = "unknown option -q=1",
      [{ "get", "a", "-qz" }] = "unknown option -qz",
      [{ "get", "a", "-output=x" }] = "unknown option -output=x",
      [{ "get", "a", "-output", "x" }] = "unknown option -output: did you mean --output?",
      [{ "get", "a", "-qH" }] = "-H takes a value: nothing follows it",
      [{ "get", "a", "-qo", "" }] = '-o takes a path, got ""',
      [{ "get", "a", "--quiet=1" }] = '--quiet takes no value, got "1"',
      [{ "get", "a", "--ca", "/nonexistent.pem" }] = "/nonexistent.pem",
      [{ "crawl" }] = "URL is missing",
      [{ "crawl", "--state", "is/not/there" }] = "start is missing, and no state brings it: is/not/there",
      [{ "crawl", "a", "--depth", "1.5" }] = '--depth takes a whole number, 0 or more, got "1.5"',
      [{ "crawl", "a", "--maxsize", "16x" }] = '--maxsize takes bytes, as 1000, 64k, 16M or 1G, got "16x"',
      [{ "crawl", "a", "--canonical", "no" }] = '--canonical takes follow or skip or ignore, got "no"',
      [{ "crawl", "a", "--concurrency", "0" }] = "concurrency",
      [{ "crawl", "a", "--append" }] = "--out, which is missing",
      [{ "crawl", "a", "--out", "x.xml" }] = 'nothing is known of the ending .xml of "x.xml": there are .jsonl, .csv',
      [{ "crawl", "a", "--out", "x.sqlite" }] = 'a table is named as file#table, got "x.sqlite"',
      [{ "crawl", "@/" }] = "cannot read /: Is a directory",
      [{ "get", "@/" }] = "cannot read /: Is a directory",
      [{ "crawl", "a", "--out", "" }] = '--out takes a path, got ""',
      [{ "crawl", "a", "--stats", "" }] = '--stats takes a path, got ""',
      [{ "get", "a", "-o", "" }] = '-o takes a path, got ""',
      [{ "links", "a", "--cookies", "" }] = '--cookies takes a path, got ""',
      [{ "crawl", "a", "--links", "a,foo" }] =
        '--links takes pages, all or tags that have links, as a,area,img: got "foo"',
      [{ "crawl", "a", "--types", "," }] = "--types takes a list",
      [{ "crawl", "a", "--sitemaps", "x" }] = '--sitemaps takes robots, auto or URLs: got "x"',
      [{ "crawl", "a", "--types", "text" }] = '--types takes all, html, xhtml or types as text/plain: got "text"',
      [{ "crawl", "a", "--retry-status", "500,x" }] = '--retry-status takes statuses from 100 to 599: got "x"',
      [{ "crawl", "a", "--allow", "http://[" }] =
        '--allow takes a host, host:port, .host or a URL prefix: got "http://["',
      [{ "crawl", "a", "--deny", "a b" }] = '--deny takes a host, host:port, .host or a URL prefix: got "a b"',
      [{ "crawl", "a", "--fail-above", "101" }] = "--fail-above takes a percentage, 0 to 100, got 101",
      [{ "crawl", "a", "site.lua" }] = '"site.lua" is no URL: a file of options stands before all URLs',
      [{ "crawl", "a", "--key", "x" }] = "unknown option --key: did you mean --key.drop?",
      [{ "crawl", "a", "--traps", "3" }] = "unknown option --traps: did you mean --traps.params?",
      [{ "crawl", "a", "--state", "redis://h/?name=n", "--worker", "a/b" }] =
        'worker must be letters, digits and _ . -, got "a/b"',
      [{ "get", "a", "-I", "-d", "x" }] = "-I asks for a head alone, with no data: -d and --json exclude it",
      [{ "crawl", "a", "--ca", "/nonexistent.crt" }] = "rill crawl: file_error: /nonexistent.crt: No such file",
      [{ "crawl", "a", "--recrawl" }] = "--recrawl is of --state, which is missing",
      [{ "crawl", "a", "--unchanged", "deliver" }] = "--unchanged is of --state, which is missing",
      [{ "crawl", "a", "--durable", "power" }] = "--durable is of --state, which is missing",
      [{ "crawl", "a", "--state", "x", "--worker", "w" }] = "--worker is of a --state in Redis, which is missing",
      [{ "crawl", "a", "--out", "x", "--stats", "./x" }] = 'out and stats name one file: "./x"',
      [{ "crawl", "a", "--state", "redis://h/?name=n", "--lease", "0" }] =
        "lease must be a number of seconds of at least 1, got 0",
      [{ "join", "", "x" }] = 'a STATE or OUT is ""',
      [{ "join", "x", "" }] = 'a STATE or OUT is ""',
      [{ "status", "" }] = "STATE is missing",
      [{ "crawl", "@/nonexistent" }] = "cannot read /nonexistent",
      [{ "crawl", "/nonexistent.lua" }] = "/nonexistent.lua",
      [{ "robots", "a", "b", "c" }] = 'what is "c"?',
      [{ "links", "a", "--format", "xml" }] = '--format takes text or jsonl, got "xml"',
      [{ "status" }] = "STATE is missing",
    } do
      local said = command.run(words)
      assert.equal(2, said.status, message .. ": " .. said.err)
      assert.is_truthy(said.err:find(message, 1, true), message .. ": " .. said.err)
      assert.equal("", said.out)
    end
  end)
end)

describe("rill robots", function()
  it("says whether a URL may be asked for, by which line", function()
    local said = rill("robots", server.url .. "/private/x.html")
    assert.equal(1, said.status)
    assert.matches("^not allowed: .*/private/x.html %(robots.txt line 3: Disallow: /private; Crawl%-delay 0.01%)\n$",
      said.out)
    said = rill("robots", server.url .. "/private/x.html", "Other/2.0")
    assert.same({ 0, 1 }, { said.status, (said.out:find("^allowed: .*no rule matches")) })
  end)

  it("says no where robots.txt cannot be had, and yes where there is none", function()
    assert.equal(1, rill("robots", "http://127.0.0.1:1/").status)
    local empty = support.nginx { files = { ["index.html"] = "" } }
    local said = command.run { "robots", empty.url .. "/", "--ca", empty.ca }
    assert.same({ 0, 1 }, { said.status, (said.out:find("^allowed: .*status 404")) })
    local broken = support.nginx { config = "location = /robots.txt { return 503; }" }
    said = command.run { "robots", broken.url .. "/", "--ca", broken.ca }
    assert.same({ 1, 1 }, { said.status, (said.out:find("^not allowed: .*status 503")) })
    empty:stop()
    broken:stop()
  end)
end)

describe("rill crawl", function()
  it("writes a line of JSON for each URL, and the counters on stderr", function()
    local said = rill("crawl", server.url .. "/")
    assert.equal(0, said.status)
    assert.same({ "/", "/a.html", "/b.html?sid=1", "/missing.html" }, urls_of(said.out))
    assert.matches("^rill: finished\npages: +4 %(ok 3, redirects 0, errors 1, failed 0%)", said.err)
    assert.matches("\nskipped: +robots 1\n", said.err)
  end)

  it("has flags for its options", function()
    local skipped, stats = directory .. "/skipped.jsonl", directory .. "/stats.json"
    local said = rill("crawl", "-q", "--no-robots", "--depth=1", "--deny",
      server.url .. "/missing*", "--delay", ".001", "--no-adaptive", "--traps.per-path", "9", "--no-traps.params",
      "--types", "html", "--out", directory .. "/out.jsonl", "--skipped", skipped, "--stats", stats, server.url .. "/")
    assert.same({ "", 0 }, { said.out, said.status })
    assert.same({ "/", "/a.html", "/private/x.html" }, urls_of(support.read(directory .. "/out.jsonl")))
    assert.matches('"reason":"scope"', support.read(skipped))
    assert.equal(3, dkjson.decode(support.read(stats)).pages)
  end)

  it("takes options and handlers of a file, which flags override", function()
    local path = support.write(directory .. "/site.lua", ([[
return { start = %q, max_pages = 1, robots = false, client = { tls = { ca_file = %q } },
  page = function(page) page:emit { title = page.title } end }]]):format(server.url .. "/", server.ca))
    local said = command.run { "crawl", path }
    assert.matches('^{"title":"Start"', said.out)
    assert.equal(1, #lines_of(said.out))
    assert.matches("^rill: max_pages\n", said.err)
    said = command.run { "crawl", path, "--max-pages", "2", "--concurrency", "1" }
    assert.equal(2, #lines_of(said.out))
  end)

  it("makes a list of pages with the example", function()
    local said = rill("crawl", "-q", "examples/pages.lua", server.url .. "/")
    local links = {}
    for _, page in ipairs(lines_of(said.out)) do
      links[page.url:match "^https://[^/]+(.*)"] = page.links or page.status
    end
    assert.same({ ["/"] = 3, ["/a.html"] = 2, ["/b.html?sid=1"] = 0, ["/missing.html"] = 404 }, links)
  end)

  it("draws a crawl, and keeps it as HAR", function()
    local page, har = directory .. "/crawl.html", directory .. "/crawl.har"
    assert.equal(0, rill("crawl", "-q", server.url .. "/", "--waterfall", page, "--har", har).status)
    assert.is_truthy(support.read(page):find(server.url .. "/a.html", 1, true))
    assert.equal(200, dkjson.decode(support.read(har)).log.entries[1].response.status)
  end)

  it("says what is wrong with such a file", function()
    for text, message in pairs {
      ["return {"] = "broken.lua:1:", ["error 'no'"] = "broken.lua:1: no",
      ["return 1"] = "a table of options, not number", ["return { strat = 1 }"] = "strat",
    } do
      local said = command.run { "crawl", support.write(directory .. "/broken.lua", text) }
      assert.equal(2, said.status)
      assert.is_truthy(said.err:find(message, 1, true), said.err)
    end
  end)

  it("reads URLs of a file", function()
    local text = ("# two\n%s/a.html\n\n %s/b.html \n"):format(server.url, server.url)
    local path = support.write(directory .. "/urls", text .. ("x"):rep(70000) .. "\n")
    local said = rill("crawl", "--no-follow", "@" .. path)
    assert.same({ "/a.html", "/b.html" }, urls_of(said.out))
    assert.equal(0, said.status)
  end)

  it("reads URLs of a pipe, from its first byte on", function()
    local script = "echo %s | luajit bin/rill %s --ca %s @/dev/stdin"
    local said = command.shell(script:format(server.url .. "/a.html", "crawl --no-follow", server.ca))
    assert.same({ "/a.html" }, urls_of(said.out))
    said = command.shell(script:format(server.url .. "/b.html", "get", server.ca))
    assert.same({ SITE["b.html"], 0 }, { said.out, said.status })
  end)

  it("reads a file of URLs as the words of a command line, behind a byte order mark too", function()
    local host = server.url:gsub("^https://", "")
    local text = ("\239\187\191%s/a.html\r\n%s/b.html\r\nmailto:a@b.example\r\nno url\r\n"):format(server.url, host)
    local path = support.write(directory .. "/marked", text)
    local said = rill("crawl", "--no-follow", "@" .. path)
    assert.same({ "/a.html", "/b.html" }, urls_of(said.out))
    assert.matches('no start URL %(scheme%): "mailto:a@b.example"', said.err)
    assert.matches('no start URL %(invalid%): "https://no url"', said.err)
    said = rill("links", "@" .. path)
    assert.equal(2, said.status)
    assert.matches('^rill links: "mailto:a@b.example" is no http or https URL\n', said.err)
  end)

  it("takes numbers as names in a list of names", function()
    assert.equal(0, rill("crawl", "-q", "--no-follow", "--key.drop", "1,sid", server.url .. "/a.html").status)
    local path = directory .. "/inf.csv"
    assert.equal(0, rill("crawl", "-q", "--no-follow", "--fields", "inf,1,status", "--out", path,
      server.url .. "/a.html").status)
    assert.equal("inf,1,status\n,,200\n", (support.read(path):gsub("\r", "")))
  end)

  it("ends with 1 where no start URL answered, with 3 where too many pages failed", function()
    local said = rill("crawl", "-q", "--retries", "0", "http://127.0.0.1:1/")
    assert.equal(1, said.status)
    assert.matches("no start URL answered: connect_failed %(tcp%): http://127.0.0.1:1/[^\n]*refused", said.err)
    said = rill("crawl", "-q", "--retries", "0", "--fail-above", "40", "http://127.0.0.1:1/", server.url .. "/b.html")
    assert.equal(3, said.status)
    assert.equal(0, rill("crawl", "-q", "--retries", "0", "--fail-above", "60", "http://127.0.0.1:1/",
      server.url .. "/b.html").status)
  end)

  it("ends with 0 where no page was allowed, and with 1 where no start URL was", function()
    local said = rill("crawl", "--max-pages", "0", server.url .. "/")
    assert.same({ "", 0 }, { said.out, said.status })
    assert.matches("^rill: max_pages\n", said.err)
    assert.equal(1, rill("crawl", server.url .. "/private/x.html").status)
  end)

  it("says where the start leads, where that is out of scope", function()
    local other = support.nginx { files = { ["index.html"] = "x" } }
    local target = ("https://127.0.0.1:%d/"):format(other.port)
    local moved = support.nginx { config = ("location = /moved { return 301 %s; }"):format(target) }
    local words = { "crawl", moved.url .. "/moved", "--ca", moved.ca, "--no-robots" }
    local said = command.run(words)
    assert.is_truthy(said.err:find("rill: the start leads out of scope, to " .. target
      .. ": --allow 127.0.0.1 takes it in\n", 1, true), said.err)
    assert.equal("", command.run(words, { "-q" }).err)
    local said_then = command.run(words, { "--allow", "127.0.0.1", "--insecure", "--no-deny-private" })
    assert.is_nil(said_then.err:find("out of scope", 1, true))
    assert.equal(1, #other:wait_log(1))
    moved:stop()
    other:stop()
  end)

  it("names what to do about a file that is there", function()
    local prefix = directory .. "/kept"
    support.write(prefix .. ".jsonl", "")
    support.write(prefix .. "-00000.warc.gz", "")
    local said = rill("crawl", server.url .. "/", "--out", prefix .. ".jsonl")
    assert.same({ 4, 1 }, { said.status, (said.err:find "^rill: output %(exists%): [^\n]*%(%-%-append%) adds to") })
    said = rill("crawl", server.url .. "/", "--warc", prefix)
    assert.same({ 4, 1 }, { said.status, (said.err:find "^rill: output %(exists%): [^\n]*: name another prefix") })
  end)

  it("says nothing with -q of what a trap has passed over", function()
    local links = {}
    for i = 1, 110 do links[i] = "<a href=/" .. i .. ">" end
    local many = support.nginx { files = { ["index.html"] = table.concat(links) } }
    local words = { "crawl", many.url .. "/", "--ca", many.ca, "--traps.per-host", "1", "--out", "/dev/null" }
    assert.matches("110 URLs were skipped by per_host, such as .*: %-%-traps.per%-host N", command.run(words).err)
    assert.equal("", command.run(words, { "-q" }).err)
    many:stop()
  end)

  it("ends with 4 where an output is there already, or cannot be written", function()
    local path = support.write(directory .. "/there.jsonl", "mine\n")
    local said = rill("crawl", server.url .. "/", "--out", path)
    assert.equal(4, said.status)
    assert.is_truthy(said.err:find(path, 1, true))
    assert.equal("mine\n", support.read(path))
    assert.equal(0, rill("crawl", server.url .. "/b.html", "--append", "--out", path).status)
    assert.matches("^mine\n{", support.read(path))
    said = rill("crawl", server.url .. "/", "--out", "/nonexistent/out.jsonl")
    assert.equal(4, said.status)
    assert.is_truthy(said.err:find("/nonexistent/out.jsonl", 1, true))
  end)

  it("looks before it begins whether its counters can be written", function()
    local said = rill("crawl", "-q", server.url .. "/b.html", "--stats", "/nonexistent/stats")
    assert.same({ "", 4 }, { said.out, said.status })
    assert.is_truthy(said.err:find("cannot write /nonexistent/stats: No such file", 1, true), said.err)
    said = rill("crawl", "-q", server.url .. "/b.html", "--stats", "/dev/full")
    assert.equal(4, said.status)
    assert.equal(1, #lines_of(said.out))
    assert.matches("cannot write /dev/full: No space left on device\nrill: finished\npages: +1 ", said.err)
    assert.matches('^{.*"url".*\n{"bytes".*"pages":1.*}\n$', rill("crawl", "-q", server.url .. "/b.html", "--stats",
      "-").out)
  end)

  it("leaves no empty file of counters where there are none", function()
    local new, there = directory .. "/new.json", support.write(directory .. "/counters.json", "{}")
    for _, path in ipairs { new, there } do
      for _, more in ipairs { { "--state", directory }, { "--traps.params=1", "--out", "x.xml" } } do
        local said = rill("crawl", server.url .. "/b.html", "--stats", path, unpack(more))
        assert.equal(more[1] == "--state" and 4 or 2, said.status, said.err)
      end
    end
    assert.is_nil(io.open(new))
    assert.equal("{}", support.read(there))
  end)

  it("has no limit of time where --max-time is 0", function()
    local said = rill("crawl", server.url .. "/b.html", "--max-time", "0")
    assert.equal(0, said.status)
    assert.matches("^rill: finished\n", said.err)
  end)

  it("lets what is in flight end after INT and TERM, and says so by its status", function()
    local node = support.node { source = [[
let n = 0;
server.on('stream', (stream, headers) => {
  log({ path: headers[':path'] });
  stream.on('error', () => {});
  if (headers[':path'] === '/slow') return;
  stream.respond({ ':status': 200, 'content-type': 'text/html' });
  stream.end('<a href=/slow>');
});]] }
    for times, signal in ipairs { { "INT", 130 }, { "TERM", 143 } } do
      local name, status = unpack(signal)
      local running = command.start { "crawl", node.url .. "/", "--ca", node.ca, "--no-robots", "--drain", "0.1" }
      node:wait_events(function(event) return event.path == "/slow" end, times)
      running:signal "USR1"
      support.wait(function() return running:said():find "pages/s" end, 10, "the line that USR1 asks for")
      running:signal(name)
      local said = running:finish()
      assert.equal(status, said.status, said.err)
      assert.matches("\nrill: interrupted\n", said.err)
    end
    node:stop()
  end)

  it("leaves a HAR file of what was asked for where a second signal ends it", function()
    local node = support.node { source = [[
server.on('stream', (stream, headers) => {
  log({ path: headers[':path'] });
  stream.on('error', () => {});
  if (headers[':path'] === '/slow') return;
  stream.respond({ ':status': 200, 'content-type': 'text/html' });
  stream.end('<a href=/slow>');
});]] }
    local har, page = directory .. "/site.har", directory .. "/site.html"
    local running = command.start { "crawl", node.url .. "/", "--ca", node.ca, "--no-robots", "--har", har,
      "--waterfall", page }
    node:wait_events(function(event) return event.path == "/slow" end, 1)
    running:signal "INT"
    support.wait(function() return support.read(page):find(node.url, 1, true) end, 30, "the waterfall")
    running:signal "INT"
    running:finish()
    local entries = dkjson.decode(support.read(har)).log.entries
    assert.same({ node.url .. "/", 1 }, { entries[1].request.url, #entries })
    node:stop()
  end)

  it("asks nothing of a state that is not there", function()
    local said = command.run { "status", directory .. "/none.crawl" }
    assert.same({ "", 4 }, { said.out, said.status })
    assert.is_truthy(said.err:find(directory .. "/none.crawl", 1, true))
  end)

  it("ends quietly where nobody reads what it writes", function()
    local said = command.shell(("bin/rill crawl -q %s/ --ca %s | true"):format(server.url, server.ca))
    assert.same({ "", "" }, { said.out, said.err })
  end)
end)
