local port = require "support.port"
local process = require "support.process"
local rill = require "rill"
local script = require "support.script"
local support = require "support"

-- nginx tells in one field what was negotiated: protocol, cipher, curve, name, who the client is.
local TOLD = "add_header x-tls '$ssl_protocol $ssl_cipher $ssl_curve [$ssl_server_name] [$ssl_client_s_dn]' always;\n"

local function server(config, options)
  local all = { config = TOLD .. (config or ""), files = { page = "here" } }
  for name, value in pairs(options or {}) do all[name] = value end
  return support.nginx(all)
end

local function client(tls)
  local all = { ca_file = support.ca().file }
  for name, value in pairs(tls) do all[name] = value end
  return support.client { tls = all }
end

-- What a client with these options negotiates.
local function told(to, tls, host)
  local url = ("https://%s:%d/page"):format(host or "localhost", to.port)
  return support.run(function() return assert(client(tls):get(url)).headers["x-tls"] end)
end

local function refused(to, tls)
  local err = support.run(function() return select(2, client(tls):get(to.url .. "/page")) end)
  assert.equal("connect_failed", err.reason)
  assert.equal("tls", err.kind)
  return err.message
end

local function assert_has(text, ...)
  for _, part in ipairs { ... } do
    assert.truthy(text:find(part, 1, true), ("%q is not in: %s"):format(part, text))
  end
end

describe("a tls option that is wrong", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function assert_raises(tls, ...)
    local ok, message = pcall(rill.client, { tls = tls })
    assert.is_false(ok)
    assert_has(message, "rill.client", "spec/tls/tls_spec.lua", ...)
  end

  it("is raised, with its name and value", function()
    assert_raises({ min_version = "1.1" }, "tls.min_version", '"1.1"')
    assert_raises({ max_version = "TLSv1.3" }, "tls.max_version", '"TLSv1.3"')
    assert_raises({ min_version = "1.3", max_version = "1.2" }, "tls.min_version", '"1.3"', '"1.2"')
    assert_raises({ min_version = 1.2 }, "min_version", "1.2")
    assert_raises({ ciphers = "NO-SUCH-CIPHER" }, "tls.ciphers", '"NO-SUCH-CIPHER"')
    assert_raises({ ciphersuites = "TLS_NONE" }, "tls.ciphersuites", '"TLS_NONE"')
    assert_raises({ ciphersuites = "" }, "tls.ciphersuites", '""')
    assert_raises({ groups = "P-257" }, "tls.groups", '"P-257"')
    assert_raises({ server_name = "" }, "tls.server_name", '""')
    for _, name in ipairs { "ca_file", "ca_path", "cert_file", "key_file", "keylog_file" } do
      assert_raises({ [name] = "" }, "tls." .. name, '"" is no path')
    end
    assert_raises({ server_name = ("a"):rep(256) }, "tls.server_name", '"aaa')
    assert_raises({ session_cache = 1 }, "session_cache", "1")
    assert_raises({ ca_pem = "none" }, "tls.ca_pem", "certificate 1")
    assert_raises({ key_file = support.ca().key }, "tls.key_file", "tls.cert_file")
    assert_raises({ key_password = "x" }, "tls.key_password", "tls.cert_file")
  end)

  it("is raised when a certificate within ca_pem is broken, with its number", function()
    local good = support.read(support.ca().file)
    assert_raises({ ca_pem = good .. good:gsub("\n[^\n]+\n", "\n", 1) }, "tls.ca_pem", "certificate 2")
  end)

  it("is raised when a pin is none", function()
    local pin = support.ca():pin(support.ca().leaf)
    assert_raises({ pin_sha256 = pin }, "pin_sha256", "a list")
    assert_raises({ pin_sha256 = { pin, 5 } }, "tls.pin_sha256", "entry 2", "5")
    for _, wrong in ipairs { "x", pin:sub(1, -2), pin .. "=", " " .. pin:sub(2), pin:sub(1, -3) .. "@=",
                             "sha256//" .. pin, ("A"):rep(44), ("A"):rep(42) .. "==", ("A"):rep(42) .. "B=" } do
      assert_raises({ pin_sha256 = { pin, wrong } }, "tls.pin_sha256", wrong)
    end
  end)
end)

describe("a file of the tls options", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function assert_file_error(tls, ...)
    local made, err = rill.client { tls = tls }
    assert.is_nil(made)
    assert.equal("file_error", err.reason)
    assert_has(err.message, ...)
  end

  it("that cannot be read fails the client with file_error", function()
    local ca = support.ca()
    for _, name in ipairs { "ca_file", "ca_path", "cert_file" } do
      assert_file_error({ [name] = "/nowhere/x" }, "/nowhere/x", "No such file")
    end
    assert_file_error({ cert_file = ca.leaf, key_file = "/nowhere/key" }, "/nowhere/key", "No such file")
  end)

  it("that holds something else fails the client with file_error", function()
    local ca = support.ca()
    local text = support.write(support.directory "tls" .. "/text", "no PEM here\n")
    assert_file_error({ ca_file = text }, text)
    assert_file_error({ ca_path = text }, text, "Not a directory")
    assert_file_error({ cert_file = text, key_file = ca.key }, text, "no certificate")
    assert_file_error({ cert_file = ca.leaf, key_file = text }, text, "no private key")
    assert_file_error({ cert_file = ca.leaf }, ca.leaf, "no private key", "tls.key_file names none")
  end)

  it("with the key of another certificate fails the client", function()
    local ca = support.ca()
    local other = ca:make_key "stranger"
    assert_file_error({ cert_file = ca.leaf, key_file = other }, other, ca.leaf, "not the key")
  end)

  it("with an encrypted key fails the client unless the password opens it", function()
    local ca = support.ca()
    local locked = ca:encrypt(ca.key, "open sesame")
    assert_file_error({ cert_file = ca.leaf, key_file = locked }, locked, "encrypted", "key_password is not given")
    assert_file_error({ cert_file = ca.leaf, key_file = locked, key_password = "open" }, locked, "does not open")
    assert_file_error({ cert_file = ca.leaf, key_file = locked, key_password = "" }, locked, "does not open")
  end)
end)

describe("the client's certificate", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function demanding(protocols)
    return server(("ssl_client_certificate %s;\nssl_verify_client on;\nssl_protocols %s;\n")
      :format(support.ca().file, protocols or "TLSv1.2 TLSv1.3"))
  end

  it("is shown to a server that asks", function()
    local ca = support.ca()
    local me = ca:sign("crawler", "DNS:crawler.test")
    for _, protocol in ipairs { "TLSv1.2", "TLSv1.3" } do
      assert_has(told(demanding(protocol), { cert_file = me, key_file = ca.key }), protocol, "[CN=crawler]")
    end
  end)

  it("may stand in one file with its key, and the key may be encrypted", function()
    local ca = support.ca()
    local me, to = ca:sign("crawler", "DNS:crawler.test"), demanding()
    local directory = support.directory "tls"
    local both = support.write(directory .. "/both.pem", support.read(me) .. support.read(ca.key))
    assert_has(told(to, { cert_file = both }), "[CN=crawler]")
    local locked = ca:encrypt(ca.key, "open sesame")
    assert_has(told(to, { cert_file = me, key_file = locked, key_password = "open sesame" }), "[CN=crawler]")
    local locked_both = support.write(directory .. "/locked.pem", support.read(me) .. support.read(locked))
    assert_has(told(to, { cert_file = locked_both, key_password = "open sesame" }), "[CN=crawler]")
  end)

  it("brings what leads to its issuer", function()
    local ca = support.ca()
    local between = ca:sign_authority "between"
    local me = ca:sign("crawler", "DNS:crawler.test", "between")
    local chain = support.write(support.directory "tls" .. "/chain.pem", support.read(me) .. support.read(between))
    local to = server(("ssl_client_certificate %s;\nssl_verify_client on;\nssl_verify_depth 2;\n"):format(ca.file))
    assert_has(told(to, { cert_file = chain, key_file = ca.key }), "[CN=crawler]")
  end)

  it("is missed by a server that demands it", function()
    local to = demanding()
    local res = support.run(function() return assert(client({}):get(to.url .. "/page")) end)
    assert.equal(400, res.status)
  end)
end)

describe("a server that ends connections without the client's certificate", function()
  local HINT = "the server asked for a certificate, and tls.cert_file names none"
  local children = {}

  before_each(support.begin)
  after_each(function()
    for _, child in ipairs(children) do child:stop() end
    children = {}
    support.check_clean()
  end)

  -- It does so with an alert.
  local function strict(version)
    local ca, number = support.ca(), port.free()
    local child = process.start({ "openssl", "s_server", "-accept", ("127.0.0.1:%d"):format(number), "-cert", ca.leaf,
      "-key", ca.key, "-CAfile", ca.file, "-Verify", "2", "-alpn", "h2,http/1.1", version, "-quiet" },
      support.directory "strict" .. "/output")
    children[1] = child
    port.wait(number, child)
    return { url = "https://localhost:" .. number, port = number }
  end

  it("is an error of kind tls that says so", function()
    for version, alert in pairs { ["-tls1_3"] = "certificate required", ["-tls1_2"] = "handshake failure" } do
      local to = strict(version)
      assert_has(refused(to, {}), alert, HINT)
    end
  end)

  it("is said to have asked for it where it sends no alert", function()
    local node = support.node { raw = true, source = [[
const tls = require('tls');
const own = {}, fs = require('fs');
for (const name of ['key', 'cert']) own[name] = fs.readFileSync(options[name]);
server.on('connection', (socket) => {
  const secure = new tls.TLSSocket(socket, { isServer: true, requestCert: true, minVersion: 'TLSv1.3', ...own });
  secure.on('secure', () => socket.destroy());
  secure.on('error', () => {});
});]] }
    local err = support.run(function()
      return select(2, client {}:get("https://localhost:" .. node.port .. "/page"))
    end)
    assert_has(err.message, HINT)
    node:stop()
  end)

  it("is asked again where it can do without one", function()
    local ca = support.ca()
    local nginx = support.nginx { http2 = false, config = ("ssl_client_certificate %s;\nssl_verify_client optional;\n")
      :format(ca.file) .. "location = /ends { return 444; }" }
    local err = support.run(function() return select(2, client {}:get(nginx.url .. "/ends")) end)
    assert.same({ "connection_lost", 3 }, { err.reason, err.attempts })
    nginx:stop()
  end)
end)

describe("OpenSSL", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is named where its configuration leaves it no algorithms", function()
    local conf = support.write(support.directory "openssl" .. "/conf",
      "openssl_conf = a\n[a]\nalg_section = b\n[b]\ndefault_properties = fips=yes\n")
    local silent = support.tcp "silent"
    assert.same({ "error OpenSSL cannot begin TLS: library has no ciphers",
      "error OpenSSL cannot begin TLS: library has no ciphers" }, script.run([[
      local _, err = rill.client { tls = { min_version = "1.3" } }
      tell(err.reason, err.message)
      err = select(2, rill.run(function(url) return rill.client():get(url) end, ...))
      tell(err.reason, err.message)
    ]], { silent.url }, { environment = { "OPENSSL_CONF=" .. conf } }))
    silent:stop()
  end)
end)

describe("what is negotiated", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is TLS 1.3 where both can, else 1.2", function()
    assert_has(told(server "ssl_protocols TLSv1.2 TLSv1.3;", {}), "TLSv1.3 TLS_")
    assert_has(told(server "ssl_protocols TLSv1.2;", {}), "TLSv1.2 ECDHE-ECDSA-")
    assert_has(told(server "ssl_protocols TLSv1.3;", {}), "TLSv1.3 TLS_")
  end)

  it("keeps within min_version and max_version", function()
    local both, old, new = server "ssl_protocols TLSv1.2 TLSv1.3;", server "ssl_protocols TLSv1.2;",
      server "ssl_protocols TLSv1.3;"
    assert_has(told(both, { max_version = "1.2" }), "TLSv1.2")
    assert_has(told(both, { min_version = "1.3" }), "TLSv1.3")
    assert_has(refused(old, { min_version = "1.3" }), "localhost", "protocol version")
    assert_has(refused(new, { max_version = "1.2" }), "localhost", "protocol version")
  end)

  it("takes the ciphers, ciphersuites and groups that the options say", function()
    local to = server "ssl_protocols TLSv1.2 TLSv1.3;\nssl_ecdh_curve X25519:prime256v1:secp384r1;"
    assert_has(told(to, { max_version = "1.2", ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305" }),
      "TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305 X25519")
    assert_has(told(to, { ciphersuites = "TLS_AES_128_GCM_SHA256" }), "TLSv1.3 TLS_AES_128_GCM_SHA256")
    assert_has(told(to, { groups = "P-384" }), "secp384r1")
    assert_has(told(to, { groups = "P-256:X25519" }), "prime256v1")
  end)

  it("has no cipher that RFC 9113 forbids for TLS 1.2, unless the options say so", function()
    local to = server "ssl_protocols TLSv1.2;\nssl_ciphers ECDHE-ECDSA-AES128-SHA;"
    assert_has(refused(to, {}), "localhost", "handshake failure")
    assert_has(told(to, { ciphers = "ECDHE-ECDSA-AES128-SHA" }), "TLSv1.2 ECDHE-ECDSA-AES128-SHA")
  end)

  it("names the URL's host, or server_name, but no address", function()
    local to = server()
    assert_has(told(to, {}), "[localhost]")
    assert_has(told(to, { server_name = "a.test" }), "[a.test]")
    assert_has(told(to, { server_name = "a.test." }), "[a.test]")
    assert_has(told(to, {}, "127.0.0.1"), "[]")
    assert_has(told(to, { server_name = "127.0.0.1" }), "[]")
  end)
end)
