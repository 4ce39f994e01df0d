-- The connection to a Redis: TLS, passwords, users, sockets, and what a URL may hold.
local redis = require "rill.redis"
local rill = require "rill"
local script = require "support.script"
local support = require "support"

describe("a connection to Redis", function()
  local server, dns

  before_each(support.begin)
  after_each(function()
    if server then server:stop() end
    if dns then dns:stop() end
    server, dns = nil, nil
    support.check_clean()
  end)

  local function start(options)
    options.tls = options.tls ~= false
    server = support.redis(options)
    return server
  end

  -- Calls commands one after the other; returns the last answer, or the first error.
  local function call(url, ...)
    local commands = { ... }
    return support.run(function()
      local client = assert(redis.new(assert(redis.parse(url))))
      local answer, err
      for _, words in ipairs(commands) do
        answer, err = client:call(words)
        if err then break end
      end
      client:close()
      return answer, err
    end, 30)
  end

  local function refusal(url, ...)
    local answer, err = call(url, ...)
    assert.is_nil(answer)
    assert.equal("state", err.reason)
    return err.kind, err.message
  end

  it("is encrypted with rediss://, whatever the size of what goes through it", function()
    start {}
    local big = ("x"):rep(3e6)
    local url = server:tls_state "site"
    assert.equal("PONG", (call(url, { "PING" })))
    assert.equal(big, (call(url, { "SET", "big", big }, { "GET", "big" })))
    assert.equal("3000000", server:cli("STRLEN", "big"))
    assert.equal("PONG", (call(server:tls_state("site", { host = "localhost" }), { "PING" })))
  end)

  it("holds a crawl's state over TLS as over a socket", function()
    local site = require "support.site"
    start {}
    local pages = site.start [[(path) => ({ body: path === '/' ? '<a href="/1"><a href="/2">' : 'end' })]]
    local done, err = support.run(function()
      return require "rill.crawl" { start = pages.url .. "/", state = server:tls_state "site", robots = false,
        progress = false, client = { tls = { ca_file = pages.ca } }, worker = "a", page = function() end }
    end, 60)
    pages:stop()
    assert.same({ "finished", 3 }, { done and done.reason or tostring(err), done and done.pages })
    assert.equal("3", server:cli("HGET", "{site}:stats", "pages"))
    local read = assert(require("rill.crawl").status(server:tls_state "site"))
    assert.same({ 3, 0 }, { read.pages, read.queued })
  end)

  it("trusts no certificate of another authority, of another host, nor one that has expired", function()
    local ca = support.ca()
    for _, case in ipairs {
      { ca.untrusted, "certificate not trusted: unable to get local issuer certificate" },
      { ca.self_signed, "certificate not trusted: self%-signed certificate" },
      { ca.expired, "certificate not trusted: certificate has expired" },
      { ca.wrong_name, "certificate not trusted: IP address mismatch" },
    } do
      start { certificate = case[1] }
      local kind, message = refusal(server:tls_state "site", { "PING" })
      assert.equal("tls", kind)
      assert.matches(case[2], message)
      local done, err = support.run(function()
        return require "rill.crawl" { start = "https://127.0.0.1:1/", state = server:tls_state "site",
          progress = false }
      end, 30)
      assert.is_nil(done)
      assert.equal("tls", err.kind)
      assert.equal("PONG", (call(server:tls_state("site", { words = "&verify=false" }), { "PING" })))
      server:stop()
    end
    start { certificate = ca.wrong_name }
    assert.matches("hostname mismatch", select(2, refusal(server:tls_state("s", { host = "localhost" }), { "PING" })))
    assert.equal("PONG", (call(server:tls_state("s", { words = "&server_name=elsewhere.example" }), { "PING" })))
  end)

  it("trusts what the system trusts where no authority is named", function()
    start {}
    local kind, message = refusal((server:tls_state("s"):gsub("&ca_file=[^&]*", "")), { "PING" })
    assert.equal("tls", kind)
    assert.matches("certificate not trusted", message)
  end)

  it("shows a certificate to a server that wants one", function()
    start { mutual = true }
    local ca = support.ca()
    local kind, message = refusal(server:tls_state "s", { "PING" })
    assert.equal("tls", kind)
    assert.matches("it asked for a certificate, and cert_file is missing", message, 1, true)
    local words = ("&cert_file=%s&key_file=%s"):format(ca.leaf, ca.key)
    assert.equal("PONG", (call(server:tls_state("s", { words = words }), { "PING" })))
  end)

  it("is only lost where a server that can do without a certificate ends it in order", function()
    for _, how in ipairs { "secure.end()", "socket.end()" } do
      local node = support.node { raw = true, source = ([[
const tls = require('tls');
const own = {}, fs = require('fs');
for (const name of ['key', 'cert']) own[name] = fs.readFileSync(options[name]);
server.on('connection', (socket) => {
  const secure = new tls.TLSSocket(socket, { isServer: true, requestCert: true, rejectUnauthorized: false, ...own });
  secure.on('data', () => %s);
  secure.on('error', () => {});
});]]):format(how) }
      local url = ("rediss://127.0.0.1:%d/?name=s&ca_file=%s"):format(node.port, node.ca)
      local kind, message = refusal(url, { "PING" })
      assert.equal("lost", kind)
      assert.matches("it closed the connection: it asked for a certificate, and cert_file is missing$", message)
      node:stop()
    end
  end)

  it("is an error where OpenSSL is configured so that it can do no TLS", function()
    local conf = support.write(support.directory "openssl" .. "/conf",
      "openssl_conf = a\n[a]\nalg_section = b\n[b]\ndefault_properties = fips=yes\n")
    server = support.tcp "silent"
    assert.same({ "tls library has no ciphers" }, script.run([[
      local redis = require "rill.redis"
      local client = redis.new(redis.parse("rediss://" .. ... .. "/?name=s"))
      local err = rill.run(function() return select(2, client:call { "PING" }) end)
      tell(err.kind, err.message:match ": ([^:]*)$")
    ]], { "127.0.0.1:" .. server.port }, { environment = { "OPENSSL_CONF=" .. conf } }))
  end)

  it("is an error of kind tls where the files are none, or the server speaks no TLS", function()
    start {}
    local kind, message = refusal(server:tls_state("s", { ca = "/nowhere.pem" }), { "PING" })
    assert.equal("tls", kind)
    assert.matches("ca_file /nowhere.pem: No such file or directory", message, 1, true)
    kind, message = refusal(server:tls_state("s", { words = "&cert_file=/nowhere.pem" }), { "PING" })
    assert.equal("tls", kind)
    assert.matches("cert_file /nowhere.pem: No such file or directory", message, 1, true)
    kind, message = refusal(server:tls_state("s", { words = "&cert_file=/dev/null" }), { "PING" })
    assert.equal("tls", kind)
    assert.matches("cert_file /dev/null: no certificate in it", message, 1, true)
    local ca = support.ca()
    local locked = ca:encrypt(ca.key, "open sesame")
    for words, wrong in pairs {
      ["&cert_file=" .. ca.leaf] = ("cert_file %s: no private key in it, and key_file is missing"):format(ca.leaf),
      ["&key_file=" .. ca.key] = ("key_file %s: cert_file is missing"):format(ca.key),
      [("&cert_file=%s&key_file=%s"):format(ca.leaf, ca:make_key "stranger")] = "not the key of the certificate in",
      [("&cert_file=%s&key_file=%s"):format(ca.leaf, locked)] = "no private key in it that needs no password",
      [("&cert_file=%s&key_file=/nowhere.pem"):format(ca.leaf)] = "key_file /nowhere.pem: No such file or directory",
    } do
      kind, message = refusal(server:tls_state("s", { words = words }), { "PING" })
      assert.equal("tls", kind)
      assert.matches(wrong, message, 1, true)
    end
    message = select(2, refusal(server:tls_state("s", { ca = "/dev/null" }), { "PING" }))
    assert.matches("ca_file /dev/null: no certificates in it", message, 1, true)
    server:stop()
    server = support.tcp "text405"
    kind, message = refusal(("rediss://127.0.0.1:%d/?name=s"):format(server.port), { "PING" })
    assert.equal("tls", kind)
    assert.matches("wrong version number: it may speak no TLS", message, 1, true)
  end)

  it("is made again over TLS when it was lost", function()
    start {}
    support.run(function()
      local client = redis.new(redis.parse(server:tls_state "s"))
      assert.equal("PONG", client:call { "PING" })
      server:cli("CLIENT", "KILL", "TYPE", "normal")
      local answer, err = client:call { "PING" }
      if not answer then -- it was closed while it was idle: that shows when it is used
        assert.equal("lost", err.kind)
        answer = client:call { "PING" }
      end
      assert.equal("PONG", answer)
      client:close()
    end, 30)
  end)

  it("holds nothing up while a server is slow to shake hands", function()
    server = support.tcp "silent"
    support.run(function()
      local client = redis.new(redis.parse(("rediss://127.0.0.1:%d/?name=s"):format(server.port)))
      local task = rill.spawn(client.call, client, { "PING" })
      support.wait(function()
        rill.sleep(0)
        return server:output():find('"heard"', 1, true) ~= nil
      end, 20, "the server to be asked")
      task:cancel()
      task:join()
      client:close()
    end, 30)
    assert.is_true(server:wait_events(function(event) return event.event == "end" end, 1)[1].bytes > 100)
  end)

  it("finds its host by the name servers that the URL names, and tries each address", function()
    dns = support.dns { ["redis.test"] = { A = { "127.0.0.2", "127.0.0.1" }, AAAA = { "::1" } },
      ["down.test"] = { A = { "127.0.0.2", "127.0.0.3" } } }
    start { tcp = true, tls = false }
    local words = "&dns_servers=" .. dns.address
    assert.equal("PONG", (call(server:tcp_state("s", "redis.test", words), { "PING" })))
    assert.is_true(#dns:queries "redis.test" >= 2)
    local kind, message = refusal(server:tcp_state("s", "down.test", words), { "PING" })
    assert.equal("lost", kind)
    assert.matches("127%.0%.0%.2: Connection refused; 127%.0%.0%.3: Connection refused", message)
    kind, message = refusal(server:tcp_state("s", "gone.test", words), { "PING" })
    assert.same({ "lost", true }, { kind, message:find("gone.test: no such name", 1, true) ~= nil })
    assert.matches("dns_servers", select(2, refusal(server:tcp_state("s", "a.test", "&dns_servers=x"), { "PING" })))
    assert.equal("PONG", (call(server:tcp_state("s", "localhost"), { "PING" })))
  end)

  it("may be silent for 30 s, and where its name has further addresses 5 s until it is open", function()
    dns = support.dns { ["redis.test"] = { A = { "127.0.0.1", "127.0.0.2" } } }
    server = support.tcp "silent"
    local wait, waits = rill.wait, {}
    rill.wait = function(fd, mode, seconds)
      waits[#waits + 1] = mode .. seconds
      return mode == "w" and wait(fd, mode, seconds)
    end
    local url = "redis://%s:" .. server.port .. "/?name=s&dns_servers=" .. dns.address
    local ok, wrong = pcall(function()
      for _, host in ipairs { "127.0.0.1", "redis.test" } do
        assert.equal("lost", (refusal(url:format(host), { "PING" })))
      end
    end)
    rill.wait = wait
    assert(ok, wrong)
    assert.same({ "w30", "r30", "w5", "r30" }, waits)
  end)

  it("looks the name of a TLS server up, and wants a certificate for that name", function()
    dns = support.dns { ["a.test"] = { A = { "127.0.0.1" } }, ["other.example"] = { A = { "127.0.0.1" } } }
    start {}
    local words = "&dns_servers=" .. dns.address
    assert.equal("PONG", (call(server:tls_state("s", { host = "a.test", words = words }), { "PING" })))
    local kind, message = refusal(server:tls_state("s", { host = "other.example", words = words }), { "PING" })
    assert.equal("tls", kind)
    assert.matches("hostname mismatch", message)
  end)

  it("holds nothing up while no name server answers, and can be given up", function()
    dns = support.dns { ["redis.test"] = "silence" }
    support.run(function()
      local client = redis.new(redis.parse("redis://redis.test/?name=s&dns_servers=" .. dns.address))
      local task = rill.spawn(client.call, client, { "PING" })
      support.wait(function()
        rill.sleep(0)
        return #dns:queries "redis.test" > 0
      end, 20, "the name server to be asked")
      task:cancel()
      task:join()
      client:close()
    end, 30)
  end)

  it("has a user and a password, over TLS and over a socket", function()
    start {}
    server:cli("ACL", "SETUSER", "crawler", "on", ">p@ss/word", "~{site}:*", "+@all")
    server:cli("CONFIG", "SET", "requirepass", "other%")
    local given = "crawler:p%40ss%2Fword"
    assert.equal("crawler", (call(server:tls_state("site", { user = given }), { "ACL", "WHOAMI" })))
    assert.equal("default", (call(server:tls_state("site", { user = ":other%25" }), { "ACL", "WHOAMI" })))
    assert.equal("auth", refusal(server:tls_state("site", { user = "crawler:wrong" }), { "PING" }))
    local path = ("redis+unix://%s@%s?name=site"):format(given, server.socket)
    assert.equal("crawler", (call(path, { "ACL", "WHOAMI" })))
    assert.equal("auth", refusal(("redis+unix://crawler:x@%s?name=site"):format(server.socket), { "PING" }))
    local text = tostring(select(2, call(server:tls_state("site", { user = "crawler:secret" }), { "PING" })))
    assert.is_nil(text:find("secret", 1, true))
  end)

  it("is refused with kind auth by Redis 5, too, which has other words for it and no users", function()
    server = support.tcp "redis5"
    local host = ("127.0.0.1:%d"):format(server.port)
    local kind, message = refusal(("redis://:secret@%s/?name=s"):format(host), { "PING" })
    assert.same({ "auth", ("Redis at %s: ERR invalid password"):format(host) }, { kind, message })
    kind, message = refusal(("redis://crawler:secret@%s/?name=s"):format(host), { "PING" })
    assert.equal("auth", kind)
    assert.matches("a user needs Redis 6$", message)
  end)

  it("needs no other keys than those of its name, and no commands but these", function()
    local site = require "support.site"
    start {}
    server:cli("ACL", "SETUSER", "crawler", "on", ">p", "~{site}:*", "-@all", "+@read", "+@write", "+@scripting",
      "+@connection", "+time")
    local pages = site.start [[(path) => ({ body: path === '/' ? '<a href="/1"><a href="/2">' : 'end' })]]
    local function run(name)
      return support.run(function()
        return require "rill.crawl" { start = pages.url .. "/", robots = false, progress = false, worker = "a",
          state = server:tls_state(name, { user = "crawler:p" }), client = { tls = { ca_file = pages.ca } },
          page = function() end }
      end, 60)
    end
    local done, err = run "site"
    assert.same({ "finished", 3 }, { done and done.reason or tostring(err), done and done.pages })
    done, err = run "other"
    pages:stop()
    assert.same({ nil, "state", "auth" }, { done, err.reason, err.kind })
    assert.equal("", (server:cli("KEYS", "{other}*")))
  end)

  it("uses the database that the URL names, over TLS and over a socket", function()
    start {}
    call((server:tls_state("s"):gsub("/%?", "/3?")), { "SET", "where", "three" })
    assert.equal("three", server:cli("-n", "3", "GET", "where"))
    call(server:state "s" .. "&db=4", { "SET", "where", "four" })
    assert.equal("four", server:cli("-n", "4", "GET", "where"))
  end)

  it("is named by a URL whose words are all known", function()
    local function wrong(url) return select(2, redis.parse(url)) end
    assert.matches("ca_fil=, which is not known", wrong "rediss://h/?name=a&ca_fil=/x")
    assert.matches("ca_file=, which is not known", wrong "redis://h/?name=a&ca_file=/x")
    assert.matches("verify that is neither", wrong "rediss://h/?name=a&verify=maybe")
    assert.matches("is no redis://", wrong "rediss+unix:///s?name=a")
    assert.matches("has no %?name=", wrong "rediss://h/0")
    local address = redis.parse "rediss://u:a%40b@[::1]:7000/2?name=x&ca_path=/etc/ssl&verify=true"
    assert.same({ "::1", 7000, 2, "u", "a@b", "/etc/ssl", "x" }, { address.host, address.port, address.db, address.user,
      address.password, address.tls.ca_path, address.name })
    assert.equal("p@q", redis.parse("redis://:p@q@h/?name=x").password) -- the last @ ends it
  end)
end)
