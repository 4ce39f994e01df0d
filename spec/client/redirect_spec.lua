local dkjson = require "dkjson"
local process = require "support.process"
local rill = require "rill"
local support = require "support"

-- What is so over each version of HTTP: `http1` of the servers.
local function specs(http1)
  local server, other, client

  local function site() return support.node { script = "web.js", http1 = http1 } end

  setup(function() server, other = site(), site() end)
  teardown(function()
    server:stop()
    other:stop()
  end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function escape(text)
    return (text:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end))
  end

  local function to(location, status, of)
    return ("%s/to?status=%d&location=%s"):format((of or server).url, status or 302, escape(location))
  end

  local function run(fn, options)
    client = support.client(options)
    return support.run(fn)
  end

  local function get(url, options, client_options)
    return run(function() return client:get(url, options) end, client_options)
  end

  local function seen(res)
    return dkjson.decode(assert(res).body)
  end

  it("is followed: url, history and attempts say so", function()
    local res = assert(get(server.url .. "/chain?n=3#top"))
    assert.equal("/echo", seen(res).path)
    assert.equal(server.url .. "/echo#top", res.url)
    assert.equal(4, res.attempts)
    local urls = {}
    for i, hop in ipairs(res.history) do
      urls[i] = hop.url
      assert.equal(302, hop.status)
      assert.truthy(hop.headers.location)
    end
    assert.same({ server.url .. "/chain?n=3", server.url .. "/chain?n=2", server.url .. "/chain?n=1" }, urls)
    local stats = client:stats()
    assert.same({ 1, 4, 1 }, { stats.requests, stats.attempts, stats.responses })
  end)

  it("adds the time before the last request to queue and total", function()
    local res = assert(get(server.url .. "/chain?n=3"))
    local t = res.timings
    assert.is_true(t.queue > 0)
    assert.is_true(math.abs(t.queue + t.dns + t.connect + t.tls + t.wait + t.body - t.total) < 0.001)
  end)

  it("is the response itself where redirects are off, for one call or a client", function()
    for _, off in ipairs { 0, false } do
      assert.equal(302, get(server.url .. "/chain?n=1", { redirects = off }).status)
      assert.equal(302, get(server.url .. "/chain?n=1", nil, { redirects = off }).status)
      assert.equal(200, get(server.url .. "/chain?n=1", { redirects = 1 }, { redirects = off }).status)
    end
  end)

  it("is not followed by open, nor on a connection", function()
    run(function()
      local stream = assert(client:open { url = server.url .. "/chain?n=1" })
      assert.equal(302, stream:response().status)
      local conn = support.connect(server.url)
      assert.equal(302, conn:request({ url = "/chain?n=1", redirects = 3 }).status)
      conn:close()
    end)
  end)

  it("is followed ten times by default, or as often as is said", function()
    assert.equal(200, get(server.url .. "/chain?n=10").status)
    local res, err = get(server.url .. "/chain?n=11")
    assert.is_nil(res)
    assert.same({ "redirect", "too_many", 302, 11, 11 },
      { err.reason, err.kind, err.status, err.attempts, #err.history })
    assert.equal("too_many", select(2, get(server.url .. "/chain?n=3", { redirects = 2 })).kind)
  end)

  it("that is not followed is no response that a caller was given", function()
    assert.equal("loop", select(2, get(server.url .. "/to?location=")).kind)
    local stats = client:stats()
    assert.same({ 1, 1, 0 }, { stats.requests, stats.attempts, stats.responses })
    assert.equal("too_many", select(2, get(server.url .. "/chain?n=3", { redirects = 1 })).kind)
    stats = client:stats()
    assert.same({ 1, 2, 0 }, { stats.requests, stats.attempts, stats.responses })
  end)

  it("that leads back is a loop", function()
    local itself = server.url .. "/to?location=" -- an empty reference is the page itself
    local _, err = get(itself)
    assert.same({ "redirect", "loop", 302, 1 }, { err.reason, err.kind, err.status, #err.history })
    local away = server.url .. "/to?location=" .. escape(other.url .. "/to?location=")
    _, err = get(away .. escape(escape(away:gsub("=.*", "") .. "=x")), { redirects = 1 })
    assert.equal("too_many", err.kind)
    _, err = run(function() return client:post(server.url .. "/to?status=303&location=", "x") end)
    assert.same({ "loop", 2 }, { err.kind, #err.history }) -- the method changed at first
  end)

  it("changes the method as the status says, and the body goes with it", function()
    local cases = {
      { "POST", 301, "GET" }, { "POST", 302, "GET" }, { "PUT", 301, "PUT" }, { "DELETE", 302, "DELETE" },
      { "POST", 303, "GET" }, { "PUT", 303, "GET" }, { "HEAD", 303, "HEAD" }, { "POST", 307, "POST" },
      { "PATCH", 308, "PATCH" },
    }
    for _, case in ipairs(cases) do
      local method, status, becomes = unpack(case)
      local sends = method ~= "HEAD" and method ~= "DELETE"
      local res = assert(run(function()
        return client:request { url = to("/echo", status), method = method, body = sends and "body" or nil,
          headers = { ["content-type"] = "text/x", ["content-language"] = "en", ["x-kept"] = "1" } }
      end))
      assert.equal(becomes, res.request.method)
      if method ~= "HEAD" then
        local said = seen(res)
        local keeps = sends and becomes == method
        assert.equal(becomes, said.method)
        assert.equal(keeps and "body" or "", said.body)
        assert.equal((becomes == method) and "text/x" or nil, said.fields["content-type"])
        assert.equal((becomes == method) and "en" or nil, said.fields["content-language"])
        assert.equal("1", said.fields["x-kept"])
        if becomes == "GET" then assert.is_nil(said.fields["content-length"]) end
      end
    end
  end)

  it("sends a file again, but no function and no pipe", function()
    local place = support.directory()
    support.write(place .. "/file", "of a file")
    assert(os.execute("mkfifo " .. place .. "/pipe") == 0)
    run(function()
      assert.equal("of a file", seen(client:put(to("/echo", 307), { file = place .. "/file" })).body)
      local writer = process.start({ "sh", "-c", "echo x > " .. place .. "/pipe" }, place .. "/log")
      local function once()
        local left = true
        return function()
          local piece = left and "piece" or nil
          left = false
          return piece
        end
      end
      for _, body in ipairs { once(), { file = place .. "/pipe" } } do
        local res, err = client:put(to("/echo", 308), body)
        assert.is_nil(res)
        assert.same({ "redirect", "body", 308, "PUT" }, { err.reason, err.kind, err.status, err.method })
      end
      assert.equal("GET", seen(client:post(to("/echo", 303), once())).method)
      writer:wait(5)
    end)
  end)

  it("sends no trailers of a body that it does not send", function()
    run(function()
      assert.equal("GET", seen(client:post(to("/echo", 302), "x", { trailers = { ["x-sum"] = "1" } })).method)
    end)
  end)

  it("to another scheme fails and names it", function()
    for location, scheme in pairs { ["ftp://example.com/x"] = "ftp", ["mailto:a@example.com"] = "mailto",
      ["javascript:alert(1)"] = "javascript", ["file:///etc/passwd"] = "file", ["http://localhost:1/"] = "http" } do
      local res, err = get(to(location))
      assert.is_nil(res)
      assert.same({ "redirect", "scheme" }, { err.reason, err.kind })
      assert.truthy(err.message:find(scheme, 1, true), err.message)
      assert.equal(1, #err.history)
    end
  end)

  it("from https to http is followed only where that is allowed", function()
    local plain = support.node { script = "web.js", h2c = true }
    local url = to(plain.url .. "/echo")
    assert.equal("scheme", select(2, get(url, nil, { h2c = true })).kind)
    assert.equal("/echo", seen(get(url, { allow_downgrade = true }, { h2c = true })).path)
    assert.equal("/echo", seen(get(url, nil, { h2c = true, allow_downgrade = true })).path)
    local client_options = { h2c = true, allow_downgrade = true }
    assert.equal("scheme", select(2, get(url, { allow_downgrade = false }, client_options)).kind)
    plain:stop()
  end)

  it("without a Location that can be read is the response itself", function()
    assert.equal(302, get(server.url .. "/to").status)
    assert.equal(302, get(server.url .. "/repeat?n=8193").status)
    assert.equal(200, get(server.url .. "/repeat?n=8192").status)
    assert.equal(302, get(server.url .. "/repeat?n=60000").status)
    for _, location in ipairs { "https://", "https://exa mple.com/", "https://localhost:99999/", "https://[::1/" } do
      assert.equal(302, get(to(location)).status, location)
    end
    for _, status in ipairs { 300, 304, 305, 306, 399 } do
      assert.equal(status, get(to("/echo", status)).status)
    end
  end)

  it("is read as browsers read it", function()
    assert.equal("/a%20b%C3%BC", seen(get(to "/a b\195\188")).path)
    assert.equal("/x/y", seen(get(to "\\x\\y")).path)
    assert.equal("/q?a", seen(get(to "//localhost:" .. server.port .. escape "/q?a")).path)
  end)

  it("leads where the first of several Locations says", function()
    local nginx = support.nginx {
      files = { one = 1, two = 2 },
      config = "location = /several { add_header Location /two always; return 302 /one; }",
    }
    local res = assert(get(nginx.url .. "/several"))
    local locations = res.history[1].headers:all "location"
    assert.equal(2, #locations)
    assert.truthy(locations[1]:find(res.url:match "[^/]*$", 1, true))
    nginx:stop()
  end)

  it("carries its fragment, or the former one", function()
    assert.equal(server.url .. "/e#new", get(to "/e#new" .. "#old").url)
    assert.equal(server.url .. "/e#old", get(to "/e" .. "#old").url)
    assert.equal(server.url .. "/e", get(to "/e").url)
  end)

  it("leaves credentials with their origin", function()
    local basic = "Basic eDp5"
    local headers = { authorization = basic, cookie = "a=b", ["proxy-authorization"] = basic, ["x-k"] = "1" }
    local function sent(url, options, client_options)
      local fields = seen(get(url, options, client_options)).fields
      return { fields.authorization, fields.cookie, fields["proxy-authorization"], fields["x-k"] }, fields
    end
    local all, fewer = { "Basic eDp5", "a=b", "Basic eDp5", "1" }, { nil, nil, nil, "1" }
    assert.same(all, (sent(to "/echo", { headers = headers })))
    assert.same(all, (sent(to "/echo", nil, { headers = headers })))
    assert.same(fewer, (sent(to(other.url .. "/echo"), { headers = headers })))
    assert.same(fewer, (sent(to(other.url .. "/echo"), nil, { headers = headers })))
    assert.same(fewer, (sent(to(server.url:gsub("localhost", "127.0.0.1") .. "/echo"), { headers = headers })))
    assert.same(fewer, (sent(to(to("/echo", 302, other)), { headers = headers })))
    assert.same(all, (sent(to(to(server.url .. "/echo", 302, other)), { headers = headers })), "back home")
    local with = to("/echo"):gsub("://", "://user:pass@")
    assert.equal("Basic dXNlcjpwYXNz", seen(get(with)).fields.authorization)
    local function authorized(location)
      return seen(get((to(location):gsub("://", "://user:pass@", 1)))).fields.authorization
    end
    assert.is_nil(authorized(other.url .. "/echo"))
    assert.equal("Basic dXNlcjpwYXNz", authorized(server.url .. "/echo"))
    assert.is_nil(get(with).url:find("pass", 1, true))
  end)

  it("sends a host that was given by hand to its origin alone", function()
    local options = { headers = { host = "localhost.example" } }
    assert.equal("localhost.example", seen(get(to "/echo", options)).authority)
    assert.equal("localhost:" .. other.port, seen(get(to(other.url .. "/echo"), options)).authority)
  end)

  it("is not shown to hooks; what it leads to is", function()
    local statuses, chunks = {}, {}
    local hooks = {
      on_headers = function(head) statuses[#statuses + 1] = head.status end,
      on_chunk = function(chunk) chunks[#chunks + 1] = chunk end,
    }
    local res = assert(get(to "/echo" .. "&size=100000", hooks))
    assert.same({ 200 }, statuses)
    assert.equal(res.body, table.concat(chunks))
    assert.equal(302, get(to("/echo"), { redirects = 0, on_headers = hooks.on_headers }).status)
    assert.equal(302, get(server.url .. "/to", { on_headers = hooks.on_headers }).status)
    assert.same({ 200, 302, 302 }, statuses)
  end)

  it("goes on within the call's time, and errors know the history", function()
    local slow = support.node()
    local res, err = get(to(slow.url .. "/hold"), { timeout = 5 })
    assert.is_nil(res)
    assert.same({ "timeout", 302, slow.url .. "/hold" }, { err.reason, err.history[1].status, err.url })
    assert.equal(2, err.attempts)
    slow:stop()
  end)

  it("goes on with the options of the call, a download too", function()
    local place = support.directory()
    run(function()
      local res = assert(client:download(to "/echo", place .. "/page", { user_agent = "me" }))
      assert.equal(place .. "/page", res.path)
      assert.equal("me", dkjson.decode(support.read(place .. "/page")).fields["user-agent"])
      local _, err = client:get(to "/echo", { maxsize = 10 })
      assert.equal("maxsize_exceeded_actual", err.reason)
      assert.equal(1, #err.history)
    end)
  end)

  it("is refused by deny_private where it leads inside", function()
    local function inner() return get(to(other.url .. "/echo"), nil, { deny_private = true,
      resolve = { ["localhost:" .. server.port] = "127.0.0.1" } }) end
    local res, err = inner()
    assert.is_nil(res)
    assert.same({ "connect_failed", "denied", 1 }, { err.reason, err.kind, #err.history })
  end)

  it("takes no other values of its options", function()
    for name, value in pairs { redirects = true, allow_downgrade = 1 } do
      assert.error_matches(function() rill.client { [name] = value } end, name)
    end
    for _, value in ipairs { -1, 1.5, "3" } do
      assert.error_matches(function() rill.client { redirects = value } end, "redirects")
    end
  end)

  it("is the response with a Location of 64 KiB, where such a head is allowed", function()
    local nginx = support.nginx { config = ("set $a %s; location / { return 302 /%s; }")
      :format(("a"):rep(1024), ("$a"):rep(64)) }
    local res, err = get(nginx.url)
    assert.is_nil(res)
    assert.matches("exceed max_header_list", tostring(err))
    res = assert(get(nginx.url, nil, { max_header_list = 2 ^ 20 }))
    assert.equal(302, res.status)
    assert.is_true(#res.headers.location > 64 * 1024)
    nginx:stop()
  end)

  it("is a loop where it leads to itself, whatever user or fragment the URL had", function()
    local root = support.node { http1 = http1, source = [[
      server.on('stream', (stream) => { log({ event: 'request' }); stream.respond({ ':status': 302, location: '/#x' });
        stream.end(); });]] }
    for count, before in ipairs { "https://user:pw@", "https://" } do
      local res, err = get(root.url:gsub("https://", before) .. (count == 1 and "/#top" or ""))
      assert.is_nil(res)
      assert.same({ "redirect", "loop", 1 }, { err.reason, err.kind, err.attempts })
      assert.is_nil(tostring(err):find "pw")
      root:wait_events(function(event) return event.event == "request" end, count)
    end
    root:stop()
  end)

  it("is a loop where only the default port is written, or not", function()
    local root = support.node { http1 = http1, source = [[
      server.on('stream', (stream, headers) => {
        const location = headers[':authority'] === 'localhost' ? 'https://localhost:443/' : 'https://localhost/';
        stream.respond({ ':status': 302, location });
        stream.end();
      });]] }
    local resolve = { ["localhost:443"] = "127.0.0.1:" .. root.port }
    for _, url in ipairs { "https://localhost/", "https://LOCALHOST:443" } do
      local _, err = get(url, nil, { resolve = resolve })
      assert.same({ "loop", 1 }, { err.kind, #err.history })
    end
    root:stop()
  end)

  it("is not followed by a client that was closed since", function()
    local jar = rill.cookies.jar()
    local ways = {
      function(url) return client:get(url) end,
      function(url) return client:download(url, support.directory "closed" .. "/file", { resume = true }) end,
    }
    for _, call in ipairs(ways) do
      run(function()
        function jar.set() client:close() end -- between the answer and the next request
        local res, err = call(server.url .. "/set?c=a%3D1&then=%2Fecho")
        assert.is_nil(res)
        assert.same({ "inactive", "no", 1, 1 }, { err.reason, err.processed, err.attempts, #err.history })
        assert.matches(server.url .. "/echo: the client was closed", tostring(err), 1, true)
      end, { cookies = jar })
    end
  end)
end

describe("a redirect over HTTP/2", function() specs(false) end)
describe("a redirect over HTTP/1.1", function() specs(true) end)
