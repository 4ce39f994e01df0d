-- rill get, run as a user runs it.
local command = require "support.command"
local deadline = require "support.deadline"
local process = require "support.process"
local support = require "support"

local SITE = {
  ["a.html"] = "<title>A</title><a href=/>back</a> <a href=b.html?sid=1>b</a>",
  ["b.html"] = "<title>B</title>",
  ["private/x.html"] = "x",
}

local server, directory

local function rill(...)
  return command.run({ ... }, server and { "--ca", server.ca })
end

setup(function()
  directory = support.directory "get"
  server = support.nginx { files = SITE }
end)
teardown(function() process.stop_all() end)

describe("rill get", function()
  it("writes bodies, and heads where they are asked for", function()
    local said = rill("get", server.url .. "/b.html", server.url .. "/private/x.html")
    assert.same({ "<title>B</title>x", "", 0 }, { said.out, said.err, said.status })
    assert.matches("^HTTP/2 200\n.*content%-type: text/html\n.*\n\n<title>B</title>$", rill("get", "-i", server.url ..
      "/b.html").out)
    local head = rill("get", "-I", server.url .. "/b.html").out
    assert.matches("^HTTP/2 200\n.*\n\n$", head)
    assert.is_nil(head:find("<title>", 1, true))
  end)

  it("names the flags for a certificate that nobody known has signed, as rill crawl and rill robots do", function()
    local advice = " (--ca FILE trusts who has signed it, --insecure believes any certificate)"
    for _, words in ipairs { { "get" }, { "crawl", "-q", "--no-robots", "--retries", "0" }, { "robots" } } do
      words[#words + 1] = server.url .. "/b.html"
      local said = command.run(words)
      assert.equal(1, said.status)
      local text = said.out .. said.err
      assert.matches("certificate not trusted: unable to get local issuer certificate", text)
      assert.is_truthy(text:find(advice, 1, true), text)
    end
  end)

  it("names no flags for a certificate that is for another name", function()
    local said = rill("get", "--resolve", ("elsewhere.example:%d:127.0.0.1"):format(server.port),
      ("https://elsewhere.example:%d/b.html"):format(server.port))
    assert.equal(1, said.status)
    assert.matches("certificate is for .*, not for elsewhere%.example", said.err)
    assert.is_nil(said.err:find("--ca", 1, true), said.err)
  end)

  it("takes as many URLs as the shell hands over", function()
    local function of(more)
      return command.shell(("luajit bin/rill get --ca %s %s $(seq -f '%s/b.html?%%.0f' 9000)"):format(server.ca, more,
        server.url))
    end
    local refused = of "--nothing"
    assert.equal(2, refused.status)
    assert.matches("unknown option %-%-nothing", refused.err)
    local said = of ""
    assert.same({ "", 0, 9000 * #SITE["b.html"] }, { said.err, said.status, #said.out })
  end)

  it("takes short flags in one word, the last of them with its value", function()
    local said = rill("get", "-qi", server.url .. "/b.html")
    assert.matches("^HTTP/2 200\n.*\n\n<title>B</title>$", said.out)
    assert.matches("200", rill("get", "-vq", server.url .. "/b.html").err)
    local path = directory .. "/short"
    for _, words in ipairs { { "-qo" .. path }, { "-qo", path }, { "-o" .. path } } do
      os.remove(path)
      assert.equal("", rill("get", server.url .. "/b.html", unpack(words)).out)
      assert.equal(SITE["b.html"], support.read(path))
    end
    assert.matches("^HTTP/2 405", rill("get", "-iXPUT", server.url .. "/b.html").out)
  end)

  it("writes to standard output where the file is -", function()
    local said = rill("get", "-o", "-", server.url .. "/b.html", server.url .. "/a.html")
    assert.same({ SITE["b.html"] .. SITE["a.html"], "", 0 }, { said.out, said.err, said.status })
    assert.is_nil(io.open("-"))
  end)

  it("writes a file, when the body has come whole", function()
    local path = directory .. "/body"
    local said = rill("get", "-o", path, server.url .. "/b.html")
    assert.same({ "", 0 }, { said.out, said.status })
    assert.equal(SITE["b.html"], support.read(path))
    said = rill("get", "-o", "/nonexistent/body", server.url .. "/b.html")
    assert.equal(1, said.status)
    assert.is_truthy(said.err:find("/nonexistent/body", 1, true))
  end)

  it("ends with 4 where its output cannot be written, as other commands do", function()
    for _, words in ipairs { "get -i %s/b.html", "get %s/b.html", "robots %s/b.html" } do
      local said = command.shell(("bin/rill %s --ca %s > /dev/full"):format(words:format(server.url), server.ca))
      assert.equal(4, said.status, words .. ": " .. said.err)
      assert.matches("rill: cannot write %-: No space left on device\n", said.err)
    end
    local said = command.shell(("bin/rill get %s/b.html --ca %s | true"):format(server.url, server.ca))
    assert.equal("", said.err)
  end)

  it("sends the host that -H gives, and standard input for @-", function()
    local node = support.node { source = [[
      server.on("stream", (stream, fields) => {
        let body = "";
        stream.on("data", (piece) => { body += piece; });
        stream.on("end", () => stream.end((fields[":authority"] || fields.host) + "|" + body));
      });
    ]] }
    local said = command.shell(("echo piped | bin/rill get -H 'Host: other.example' -d @- %s/ --ca %s"):format(
      node.url, node.ca))
    assert.same({ "other.example|piped\n", "", 0 }, { said.out, said.err, said.status })
    node:stop()
  end)

  it("ends with 1 where one failed or answered 400 and above, and goes on with the others", function()
    local said = rill("get", server.url .. "/nope", "http://127.0.0.1:1/", server.url .. "/b.html", "-v")
    assert.equal(1, said.status)
    assert.matches("<title>B</title>$", said.out)
    assert.matches("/nope: status 404\n", said.err)
    assert.matches("connect_failed", said.err)
    assert.matches("\n200 https://[^\n]*b.html", said.err)
  end)

  it("sends what it is given: fields, data, a file, credentials", function()
    local node = support.node { source = [[
server.on('stream', (stream, headers) => {
  let body = '';
  stream.on('data', (data) => { body += data; });
  stream.on('end', () => {
    stream.respond({ ':status': 200 });
    stream.end([headers[':method'], headers['x-a'], headers.authorization, headers['user-agent'], body].join('|'));
  });
});]] }
    local file = support.write(directory .. "/data", "from a file")
    local function get(...) return command.run({ "get", node.url .. "/", "--ca", node.ca, ... }).out end
    assert.equal("POST|1||me|a=b", get("-H", "X-A: 1", "-d", "a=b", "--user-agent", "me"))
    assert.equal("PUT||Basic dTpw|me|from a file", get("-X", "PUT", "-d", "@" .. file, "--auth", "u:p",
      "--user-agent=me"))
    node:stop()
  end)

  it("names the type of its data, unless -H does", function()
    local node = support.node { source = [[
server.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200 });
  stream.end([headers[':method'], headers['content-type'], headers.accept].join('|'));
});]] }
    local function get(...) return command.run({ "get", node.url .. "/", "--ca", node.ca, ... }).out end
    assert.equal("POST|application/x-www-form-urlencoded|", get("-d", "a=b"))
    assert.equal("POST|application/json|application/json", get("--json", '{"a":1}'))
    assert.equal("PUT|text/plain|", get("-X", "PUT", "-d", "a", "-H", "Content-Type: text/plain"))
    assert.equal("POST|a/json|b/c", get("--json", "{}", "-H", "Accept: b/c", "-H", "content-type: a/json"))
    assert.equal("POST||", get("-X", "POST"))
    node:stop()
  end)

  it("writes a body to its file as it comes, of any length where it is told so", function()
    local node = support.node { source = [[
server.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200, 'content-length': 2 ** 31 });
  stream.write('the beginning');
  stream.on('error', () => {});
});]] }
    local folder = support.directory "out"
    local words = { "get", node.url .. "/", "--ca", node.ca, "-o", folder .. "/body" }
    local said = command.run(words)
    assert.matches("maxsize_exceeded .*more than maxsize %(1073741824%)", said.err)
    local function is_written()
      local list = assert(io.popen("grep -rl 'the beginning' " .. folder))
      local found = list:read "*l"
      list:close()
      return found
    end
    for name, status in pairs { HUP = 129, INT = 130, QUIT = 131, PIPE = 141, TERM = 143 } do
      local more = name == "HUP" and { "-d", "a" } or name == "QUIT" and { "-X", "PUT" } or {}
      local running = command.start(words, { "--maxsize", "0", unpack(more) })
      assert.is_true(deadline.holds_within(is_written, 60))
      running:signal(name)
      local ended = running:finish()
      assert.equal(status, ended.status)
      assert.same({ "", "" }, { ended.out, ended.err })
      assert.equal("", command.shell("ls -A " .. folder).out)
    end
    local nohup = command.start_shell('trap "" HUP; exec luajit bin/rill "$@" >"$0/out" 2>"$0/err"',
      "get", "--maxsize=0", unpack(words, 2))
    assert.is_true(deadline.holds_within(is_written, 60))
    nohup:signal "HUP"
    nohup:signal "TERM"
    assert.equal(143, nohup:finish().status)
    node:stop()
  end)

  it("asks another address where it is told so", function()
    local said = rill("get", ("https://example.com:%d/b.html"):format(server.port), "--insecure", "--resolve",
      ("example.com:%d:127.0.0.1"):format(server.port))
    assert.same({ SITE["b.html"], 0 }, { said.out, said.status })
  end)
end)
