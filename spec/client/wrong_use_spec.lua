local ffi = require "ffi"
local rill = require "rill"
local support = require "support"

-- That fn raises at a line of this file, with a message that contains each of the words.
local function assert_raises(words, fn, ...)
  local ok, message = pcall(function(...) return (fn(...)) end, ...)
  assert.is_false(ok, "nothing was raised")
  message = tostring(message)
  assert.truthy(message:find("^[^\n]*wrong_use_spec%.lua:%d+: "), message)
  for _, word in ipairs(words) do
    assert.truthy(message:find(word, 1, true), ("%q lacks %q"):format(message, word))
  end
end

-- An option that is not there -> what the message must say.
local MEANT = {
  timout = 'did you mean "timeout"?', timoeut = 'did you mean "timeout"?', max_size = 'did you mean "maxsize"?',
  onChunk = 'did you mean "on_chunk"?', header = '"headers"',
  ["user-agent"] = 'did you mean "user_agent"?',
  verify = "tls = { verify = ", insecure = "tls = { verify = ", rejectUnauthorized = "tls = { verify = ",
  ca_bundle = "tls = { ca_file = ", cafile = "tls = { ca_file = ", cert = "tls = { cert_file = ",
  key_file = "tls = { key_file = ", sni = "tls = { server_name = ", ssl = '"tls"',
  json = '"body": rill.json(value)', data = '"body"', form = '"body": rill.form(pairs)', payload = '"body"',
  files = '"body": rill.multipart(parts)', multipart = "rill.multipart", form_data = "rill.form",
  params = '"query"', qs = '"query"', max_redirects = '"redirects"', allow_redirects = '"redirects"',
  follow_redirects = '"redirects"', followRedirect = '"redirects"', timeout_ms = '"timeout", in seconds',
  http_version = '"protocols"', proxies = '"proxy"', max_retries = '"retries"', keepalive = '"idle_timeout"',
  stream = "client:open", output = "client:download", cookie_jar = '"cookies"', username = '"auth"',
  local_address = '"bind_address"', ip_version = '"family"', pool_size = '"max_connections"',
  base_url = "rill.url.resolve",
}

describe("an unknown option", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is told what was meant", function()
    local client = support.client()
    support.run(function()
      for name, meant in pairs(MEANT) do
        local given = { [name] = true }
        assert_raises({ "rill.client", "unknown option", name, meant }, rill.client, given)
        assert_raises({ "rill.connect", "unknown option", name, meant }, rill.connect, "https://localhost/", given)
        assert_raises({ "client:get", "unknown option", name, meant }, client.get, client, "https://localhost/", given)
        given.url = "https://localhost/"
        assert_raises({ "client:open", "unknown option", name, meant }, client.open, client, given)
      end
    end)
  end)

  it("is told nothing where nothing is near", function()
    local _, message = pcall(rill.client, { zzzzzz = 1 })
    assert.truthy(message:find('unknown option "zzzzzz"$'), message)
    assert_raises({ "unknown option" }, rill.client, { [("x"):rep(100000)] = 1 })
    assert_raises({ "unknown option", "true" }, rill.client, { [true] = 1 })
  end)

  it("is told what was meant within tls, in a body, with tasks", function()
    local tls = { verfy = '"verify"', insecure = '"verify"', ca = '"ca_file"', key = '"key_file"',
      sni = '"server_name"', timeout = "beside tls", minVersion = '"min_version"', ALPN = "unknown option" }
    for name, meant in pairs(tls) do
      assert_raises({ "rill.client: tls", "unknown option", name, meant }, rill.client, { tls = { [name] = "x" } })
    end
    local client = support.client()
    support.run(function()
      assert_raises({ "unknown field", "path", '"file"' }, client.post, client, "https://localhost/", { path = "x" })
      assert_raises({ "unknown field", "headers", "options come after" }, client.post, client, "https://localhost/",
        { headers = {} })
      local function nothing() end
      assert_raises({ "rill.map", "concurency", '"concurrency"' }, rill.map, {}, nothing, { concurency = 1 })
      assert_raises({ "rill.map", "limit", '"concurrency"' }, rill.map, {}, nothing, { limit = 1 })
      assert_raises({ "rill.all", "workers", '"concurrency"' }, rill.all, {}, { workers = 1 })
    end)
  end)
end)

describe("a header field that is wrong", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local WRONG = {
    { "te", "gzip" }, { "Connection", "close" }, { "upgrade", "h2c" }, { "host", "" }, { "host", "a b" },
    { "x y", "1" }, { ":path", "/" }, { "a", {} }, { "a", "b\nc" }, { "a", true }, { "", "1" },
  }

  it("names the call and headers", function()
    local client = support.client()
    local url = "https://localhost/"
    support.run(function()
      for _, field in ipairs(WRONG) do
        local given = { headers = { field } }
        assert_raises({ "rill.client: headers: " }, rill.client, given)
        assert_raises({ "rill.connect: headers: " }, rill.connect, url, given)
        assert_raises({ "client:get: headers: " }, client.get, client, url, given)
        assert_raises({ "client:delete: headers: " }, client.delete, client, url, given)
        assert_raises({ "client:post: headers: " }, client.post, client, url, "x", given)
        assert_raises({ "client:download: headers: " }, client.download, client, url, "/nowhere/x", given)
        given.url = url
        assert_raises({ "client:request: headers: " }, client.request, client, given)
        given.on_chunk = function() end
        assert_raises({ "client:request: headers: " }, client.request, client, given)
        assert_raises({ "client:open: headers: " }, client.open, client, given)
      end
      assert_raises({ "client:get: headers", "5" }, client.get, client, url, { headers = 5 })
      assert_raises({ "client:request: method" }, client.request, client, { method = "a b", url = url })
    end)
  end)

  it("names the call and trailers", function()
    local server = support.node()
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      for _, field in ipairs { { "te", "gzip" }, { "connection", "x" }, { "x y", "1" } } do
        assert_raises({ "client:post: trailers: " }, client.post, client, server.url .. "/echo", "x",
          { trailers = { field } })
        local stream = assert(client:open { method = "POST", url = server.url .. "/echo", body = rill.streaming })
        assert_raises({ "stream:finish: trailers: " }, stream.finish, stream, { field })
        stream:cancel()
      end
    end)
    client:close()
  end)

  it("names the call after close", function()
    local client = support.client()
    client:close()
    support.run(function()
      assert_raises({ "client:get: ", "closed" }, client.get, client, "https://localhost/")
      assert_raises({ "client:open: ", "closed" }, client.open, client, { url = "https://localhost/" })
    end)
  end)
end)

it("a value whose own __tostring fails is shown as what it is", function()
  for _, own in ipairs { function() return nil end, function() error "no text" end } do
    assert_raises({ "rill.robots.parse", "got a table" }, rill.robots.parse, setmetatable({}, { __tostring = own }))
  end
end)

describe("a method that is called with a dot", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local METHODS = {
    client = { "get", "head", "delete", "options", "post", "put", "patch", "request", "open", "download", "stats",
      "close" },
    connection = { "open", "request", "ping", "drain", "close" },
    stream = { "headers", "read", "chunks", "body", "response", "trailers", "write", "finish", "reset", "cancel",
      "stop", "closed" },
    response = { "save", "pointer" },
    headers = { "get", "all", "each", "has", "count" },
    task = { "join", "cancel" },
    map = { "close" },
    queue = { "push", "pop", "close", "count" },
    semaphore = { "acquire", "release", "with" },
    jar = { "set", "get", "each", "clear", "save" },
    robots = { "allowed", "matched", "crawl_delay" },
    document = { "root", "text", "html", "css", "xpath", "links", "close" },
    node = { "text", "html", "attr", "css", "xpath", "links" },
  }

  -- One of each.
  local function objects(server)
    local client = support.client { tls = { ca_file = server.ca } }
    local response = assert(client:get(server.url .. "/size?n=1"))
    local function nothing() end
    local document = rill.html.document "<p>text"
    return {
      client = client, response = response, headers = response.headers,
      connection = assert(rill.connect(server.url, { tls = { ca_file = server.ca } })),
      stream = assert(client:open { url = server.url .. "/size?n=1" }),
      task = rill.spawn(nothing), map = rill.map({}, nothing), queue = rill.queue(), semaphore = rill.semaphore(1),
      jar = rill.cookies.jar(), robots = rill.robots.parse "", document = document, node = document:root(),
    }
  end

  it("says so", function()
    local server = support.node()
    support.run(function()
      local all = objects(server)
      for kind, names in pairs(METHODS) do
        for _, name in ipairs(names) do
          local method = all[kind][name]
          local said = ("%s.%s: call it with a colon, %s:%s("):format(kind, name, kind, name)
          for _, value in ipairs { "https://localhost/", 1, {}, ffi.new "int[1]", print } do
            assert_raises({ said }, method, value)
          end
          assert_raises({ said, "nil" }, method)
        end
      end
      assert.equal("ended", (all.stream:closed()))
      all.connection:close()
      all.client:close()
    end)
  end)

  it("takes an object that inherits from one", function()
    local own = setmetatable({}, { __index = rill.queue() })
    own:push(1)
    assert.equal(1, own:pop())
  end)

  it("has a counterpart: a function that is called with a colon", function()
    assert_raises({ "rill.client", "with a dot" }, rill.client, rill, {})
    assert_raises({ "rill.connect", "with a dot" }, rill.connect, rill, "https://localhost/")
    assert_raises({ "rill.run", "with a dot" }, rill.run, rill, print)
    assert_raises({ "rill.queue", "with a dot" }, rill.queue, rill, 1)
    assert_raises({ "rill.sleep", "with a dot" }, rill.sleep, rill, 1)
  end)
end)

describe("a table that should be a list", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is raised where it is a set, a map, or has a hole: what it holds would not count", function()
    local crawl = require "rill.crawl"
    local set, hole = { ["localhost"] = true }, { "a", nil, "b" }
    for _, wrong in ipairs { set, hole } do
      for _, name in ipairs { "no_proxy", "dns_servers", "protocols" } do
        assert_raises({ "rill.client: " .. name, "a list" }, rill.client, { [name] = wrong })
      end
      assert_raises({ "resolve", "a:1", "a list" }, rill.client, { resolve = { ["a:1"] = wrong } })
      assert_raises({ "pin_sha256", "a list" }, rill.client, { tls = { pin_sha256 = wrong } })
      assert_raises({ "rill.client: headers", "x-n", "a list" }, rill.client, { headers = { ["x-n"] = wrong } })
      assert_raises({ "rill.form", '"x-n"', "a list" }, rill.form, { ["x-n"] = wrong })
      for _, name in ipairs { "allow", "deny", "links", "sitemaps", "types", "retry_status", "state" } do
        assert_raises({ "crawl: " .. name .. " must be", "a list" }, crawl.new, { start = "http://a/", [name] = wrong })
      end
      assert_raises({ "crawl: key.drop must be a list" }, crawl.new, { start = "http://a/", key = { drop = wrong } })
    end
    for _, wrong in ipairs { { "redis://a?name=x", nil, "redis://b?name=x" }, { "redis://a?name=x", 5 }, {} } do
      assert_raises({ "crawl.status: state must be", "a list" }, crawl.status, wrong)
      assert_raises({ "crawl.join: state must be", "a list" }, crawl.join, wrong, "x.jsonl")
    end
    assert_raises({ "crawl: start must be a list" }, crawl.new, { start = set })
    assert_raises({ "crawl: start must be a list" }, crawl.new, { start = { "http://a/", nil, "http://b/" } })
    local pairs_with_hole = { { "a", "b" }, nil, { "c", "d" } }
    assert_raises({ "rill.form: [2] must be a pair" }, rill.form, pairs_with_hole)
    local part = { name = "a", value = "b" }
    assert_raises({ "rill.multipart: parts must be a list" }, rill.multipart, { part, nil, part })
    assert_raises({ "rill.multipart: parts must be a list" }, rill.multipart, { part, x = part })
    for _, tags in ipairs { { img = true }, { "a", nil, "img" }, { "a", x = "img" } } do
      assert_raises({ "tags must be a list of names" }, rill.html.scan, "", "http://a/", { tags = tags })
    end
    assert.is_table(crawl.new { start = { "http://a/", cut = true } }) -- as lists of links are
    local client = support.client()
    support.run(function()
      assert_raises({ "rill.all: fns must be a list" }, rill.all, { a = function() end })
      assert_raises({ "rill.map: items must be a list" }, rill.map, set, print)
      assert_raises({ "rill.map: items[2] is nil, and items stand behind it" }, rill.map, hole, print)
      assert_raises({ "query", '"a"', "a list" }, client.get, client, "https://localhost/", {
        query = { a = { b = 1 } } })
      assert_raises({ "trailers", "x-n", "a list" }, client.post, client, "https://localhost/", "", {
        trailers = { ["x-n"] = set } })
    end)
  end)

  it("is no map where it is empty and has the fields of table.pack, or of rill.html.scan", function()
    local links = require("rill.html").scan([[<title>t</title><base href=/b/><link rel=canonical href=/c>
<meta name=robots content=nofollow><meta http-equiv=refresh content="0;url=/r"><a href=mailto:a@example.com>a</a>]],
      "https://localhost/")
    assert.equal(0, #links)
    for _, name in ipairs { "title", "base", "canonical", "robots", "refresh", "refused" } do
      assert.is_truthy(links[name], name)
    end
    support.run(function()
      for _, empty in ipairs { links, { n = 0 } } do
        for _ in rill.map(empty, print) do error("there is nothing") end
        assert.same({}, rill.all(empty))
      end
    end)
  end)
end)

describe("NULL of the FFI, which is equal to nil,", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is no value that is left out", function()
    local null = ffi.cast("void *", 0)
    assert_raises({ "agent must be a string, not cdata" }, rill.html.scan, "<p>", "http://a/", { agent = null })
    assert_raises({ "filename must be a string", "NULL" }, rill.multipart, { { name = "a", value = "b",
      filename = null } })
    support.run(function()
      local semaphore = rill.semaphore(1)
      semaphore:acquire()
      assert_raises({ "semaphore:acquire: timeout", "NULL" }, semaphore.acquire, semaphore, null)
      assert_raises({ "rill.wait: timeout", "NULL" }, rill.wait, 0, "r", null)
    end)
  end)
end)
