local process = require "support.process"
local support = require "support"

local function server(options)
  local all = { files = { page = "here" } }
  for name, value in pairs(options or {}) do all[name] = value end
  return support.nginx(all)
end

local function get(client, to, host)
  return support.run(function() return client:get(("https://%s:%d/page"):format(host or "localhost", to.port)) end)
end

local function assert_accepts(tls, to)
  assert.equal(200, assert(get(support.client { tls = tls }, to)).status)
end

local function assert_refuses(tls, to, ...)
  local res, err = get(support.client { tls = tls }, to)
  assert.is_nil(res)
  assert.equal("connect_failed", err.reason)
  assert.equal("tls", err.kind)
  assert.is_true(err.retry_safe)
  for _, part in ipairs { "localhost: ", ... } do
    assert.truthy(err.message:find(part, 1, true), ("%q is not in: %s"):format(part, err.message))
  end
  for _, event in ipairs(to:events()) do assert.not_equal("/page", event.uri) end
end

describe("a certificate that is refused", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is named with what is wrong", function()
    local ca = support.ca()
    local tls = { ca_file = ca.file }
    assert_refuses(tls, server { certificate = ca.expired }, "expired on 2020-02-01", "depth 0", "CN=expired")
    assert_refuses(tls, server { certificate = ca.wrong_name }, "is for elsewhere.example, not for localhost")
    assert_refuses(tls, server { certificate = ca.self_signed }, "self-signed", "CN=self_signed")
    assert_refuses(tls, server { certificate = ca.untrusted }, "issuer", "CN=untrusted")
    assert_refuses({ ca_file = ca.file, server_name = "www.elsewhere.test" }, server(),
      "is for localhost, *.test,", "not for www.elsewhere.test")
    assert_refuses({ ca_file = ca.file, server_name = "10.0.0.1" }, server(), "not for 10.0.0.1")
  end)

  it("is no host's because of its common name", function()
    local ca = support.ca()
    assert_refuses({ ca_file = ca.file }, server { certificate = ca:sign("localhost", "email:a@b.test") },
      "no host (it has no alternative names)")
  end)
end)

describe("a wildcard in a certificate", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- Whether a server with this certificate is taken for `host`.
  local function covers(to, host)
    local client = support.client { resolve = { [("%s:%d"):format(host, to.port)] = "127.0.0.1" } }
    local res, err = get(client, to, host)
    if res then return true end
    assert.equal("tls", err.kind, tostring(err))
    return false, err.message
  end

  it("stands for a label with underscores, and for one label only", function()
    local names = "DNS:*.example.test,DNS:my-shop.other.test,DNS:x.plain.test,DNS:*.test"
    local to = server { certificate = support.ca():sign("wildcard", names) }
    for _, host in ipairs {
      "my-shop.example.test", "my_shop.example.test", "_dmarc.Example.TEST", "a_.example.test",
    } do
      assert.is_true(covers(to, host), host)
    end
    for _, host in ipairs {
      "my_shop.other.test", "my_shop.plain.test", "_.test", "a_b.c.example.test", "my_shop.example.test.other.test",
    } do
      local covered, message = covers(to, host)
      assert.is_false(covered, host)
      assert.truthy(message:find("not for " .. host, 1, true), message)
    end
  end)
end)

describe("whose certificates are trusted", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is said by ca_file, ca_path and ca_pem, together", function()
    local ca = support.ca()
    local directory = support.directory "ca-path"
    support.write(directory .. "/ca.pem", support.read(ca.file))
    process.run({ "openssl", "rehash", directory }, support.directory "rehash" .. "/log")
    local good, other = server(), server { certificate = ca.untrusted }
    local pem, both = support.read(ca.file), support.read(ca.other_file) .. support.read(ca.file)
    for _, tls in ipairs { { ca_file = ca.file }, { ca_path = directory }, { ca_pem = pem } } do
      assert_accepts(tls, good)
      assert_refuses(tls, other, "CN=untrusted")
    end
    for _, tls in ipairs { { ca_pem = both }, { ca_path = directory, ca_file = ca.other_file },
                           { ca_file = ca.file, ca_pem = support.read(ca.other_file) } } do
      assert_accepts(tls, good)
      assert_accepts(tls, other)
    end
  end)

  it("may be the leaf itself", function()
    local ca = support.ca()
    assert_accepts({ ca_file = ca.self_signed }, server { certificate = ca.self_signed })
    assert_accepts({ ca_pem = support.read(ca.leaf) }, server())
  end)

  it("is the system's to say without them", function()
    local ca = support.ca()
    local to = server()
    local function probe(file)
      local words = { "env", "SSL_CERT_FILE=" .. file }
      for _, name in ipairs { "LD_PRELOAD", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS" } do
        if os.getenv "RILL_SANITIZED" then words[#words + 1] = ("%s=%s"):format(name, os.getenv(name) or "") end
      end
      local script = support.write(support.directory "system" .. "/script.lua", [[
        package.path = "./lua/?.lua;./lua/?/init.lua;" .. package.path
        local rill = require "rill"
        rill.run(function()
          for _ = 1, 2 do -- the second client shares what the first one has read
            local client = rill.client()
            local res, err = client:get(arg[1])
            print(res and res.status or err)
            client:close()
          end
        end)
      ]])
      for _, word in ipairs { "luajit", script, to.url .. "/page" } do words[#words + 1] = word end
      local run = process.start(words, script .. ".out")
      run:wait(10)
      return run:output()
    end
    assert.equal("200\n200\n", probe(ca.file))
    assert.truthy(probe(ca.other_file):find("connect_failed %(tls%).*connect_failed %(tls%)"))
  end)
end)

describe("verify = false", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("warns once per client", function()
    local to = server { certificate = support.ca().expired, keepalive_requests = 1 }
    local warnings = {}
    for _ = 1, 2 do
      local client = support.client { tls = { verify = false }, on_warning = function(message, fields)
        warnings[#warnings + 1] = { message, fields.client }
      end }
      for _ = 1, 3 do assert.equal(200, assert(get(client, to)).status) end
      assert.equal(client, warnings[#warnings][2])
    end
    assert.equal(2, #warnings)
    assert.truthy(warnings[1][1]:find("tls.verify", 1, true))
  end)

  it("is not warned of when it is true", function()
    local client = support.client { tls = { verify = true, ca_file = support.ca().file }, on_warning = error }
    assert.equal(200, assert(get(client, server())).status)
  end)
end)

describe("a pin", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local quiet = function() end
  local OTHER = ("A"):rep(43) .. "="

  local function pinned(pins, tls)
    local all = { ca_file = support.ca().file, pin_sha256 = pins }
    for name, value in pairs(tls or {}) do all[name] = value end
    return support.client { tls = all, on_warning = quiet }
  end

  local function assert_mismatch(client, to, seen)
    local res, err = get(client, to)
    assert.is_nil(res)
    assert.equal("connect_failed", err.reason)
    assert.equal("tls", err.kind)
    assert.truthy(err.message:find(seen, 1, true), err.message)
    assert.truthy(err.message:find("localhost: ", 1, true), err.message)
  end

  for _, protocol in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("lets its key's server pass, on resumed connections too (" .. protocol .. ")", function()
      local ca = support.ca()
      local to = server { keepalive_requests = 1, config = "ssl_protocols " .. protocol .. ";" }
      for _, verify in ipairs { true, false } do
        local client = pinned({ OTHER, ca:pin(ca.leaf) }, { verify = verify })
        for _ = 1, 3 do assert.equal(200, assert(get(client, to)).status) end
        assert.equal(2, client:stats().resumptions)
      end
    end)

    it("turns every other server away and shows the pin seen (" .. protocol .. ")", function()
      local ca = support.ca()
      local to = server { config = "ssl_protocols " .. protocol .. ";" }
      for _, verify in ipairs { true, false } do
        local client = pinned({ OTHER }, { verify = verify })
        assert_mismatch(client, to, ca:pin(ca.leaf))
        assert_mismatch(client, to, ca:pin(ca.leaf)) -- and leaves no session that would help the second time
        assert.equal(0, client:stats().connections_opened)
      end
      assert.same({}, to:events())
    end)
  end

  it("notices that the key has changed between two connections", function()
    local ca = support.ca()
    local key = ca:make_key "new"
    local renewed, replaced = ca:sign("renewed", "DNS:localhost"), ca:sign("replaced", "DNS:localhost", "ca", key)
    local to = server { keepalive_requests = 1 }
    local client = pinned { ca:pin(ca.leaf) }
    assert.equal(200, assert(get(client, to)).status)
    to:reload { certificate = renewed } -- another certificate, the same key
    assert.equal(200, assert(get(client, to)).status)
    to:reload { certificate = replaced, key = key }
    assert_mismatch(client, to, ca:pin(replaced))
  end)

  it("does not stand in for a certificate that is not trusted", function()
    local ca = support.ca()
    assert_refuses({ ca_file = ca.file, pin_sha256 = { ca:pin(ca.expired) } }, server { certificate = ca.expired },
      "expired")
  end)
end)
