local ffi = require "ffi"
local lfs = require "lfs"
local support = require "support"

pcall(ffi.cdef, [[
int setenv(const char *name, const char *value, int replace);
int unsetenv(const char *name);
]])

local TOLD = "add_header x-reused '$ssl_session_reused' always;\n"

local function nginx(config)
  return support.nginx { files = { page = "here" }, keepalive_requests = 1, config = TOLD .. (config or "") }
end

local function client(tls, more)
  local all = { tls = { ca_file = support.ca().file } }
  for name, value in pairs(tls or {}) do all.tls[name] = value end
  for name, value in pairs(more or {}) do all[name] = value end
  return support.client(all)
end

-- Requests one after the other, each on a connection of its own; how often nginx says that it was resumed.
local function reused(from, to, count)
  return support.run(function()
    local times = 0
    for _ = 1, count do
      local res = assert(from:get(to.url .. "/page"))
      if res.headers["x-reused"] == "r" then times = times + 1 end
    end
    return times
  end, 20)
end

describe("a connection to an origin that was there before", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for _, protocol in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("resumes, with nginx, 99 times of 100 (" .. protocol .. ")", function()
      local to, from = nginx("ssl_protocols " .. protocol .. ";"), client()
      assert.equal(99, reused(from, to, 100))
      local stats = from:stats()
      assert.equal(100, stats.handshakes)
      assert.equal(99, stats.resumptions)
    end)
  end

  it("resumes, with nginx's cache of sessions in place of tickets", function()
    local to = nginx "ssl_protocols TLSv1.2;\nssl_session_tickets off;\nssl_session_cache shared:spec:1m;"
    assert.equal(9, reused(client(), to, 10))
  end)

  it("resumes, with nghttpd, whenever its origin was there before", function()
    local to = support.nghttpd { files = { page = "here" } }
    local from = client(nil, { max_connections = 1, resolve = { -- each origin's dial ends the other's connection
      ["a.test:" .. to.port] = "127.0.0.1", ["b.test:" .. to.port] = "127.0.0.1" } })
    support.run(function()
      for i = 1, 100 do
        local host = i % 2 == 0 and "a.test" or "b.test"
        assert(from:get(("https://%s:%d/page"):format(host, to.port)))
      end
    end, 20)
    local stats = from:stats()
    assert.equal(100, stats.handshakes)
    assert.equal(98, stats.resumptions) -- all but the first of each
  end)

  it("resumes after a connection that was lost without a word", function()
    local to = support.hostile { case = "truncated-mid-body" }
    local from = support.client { tls = { ca_file = to.ca } }
    support.run(function()
      assert.equal("connection_lost", select(2, from:post(to.url)).reason)
      assert(from:get((to.url:gsub("/case/.*", "/ok"))))
    end)
    assert.equal(2, from:stats().handshakes)
    assert.equal(1, from:stats().resumptions)
  end)

  it("says hello anew with another client, or without session_cache", function()
    local to, first = nginx(), client()
    assert.equal(1, reused(first, to, 2))
    assert.equal(0, reused(client(), to, 1))
    local forgetful = client { session_cache = false }
    assert.equal(0, reused(forgetful, to, 3))
    assert.equal(0, forgetful:stats().resumptions)
    assert.equal(3, forgetful:stats().handshakes)
  end)
end)

describe("keylog_file", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function labels(path)
    local found = {}
    for label, random, secret in support.read(path):gmatch "([%u%d_]+) (%x+) (%x+)\n" do
      assert.equal(64, #random)
      assert.is_true(#secret >= 64)
      found[label] = (found[label] or 0) + 1
    end
    return found
  end

  it("gets the secrets of every session, appended", function()
    local path = support.directory "keylog" .. "/keys"
    local to = nginx "ssl_protocols TLSv1.3;"
    reused(client { keylog_file = path }, to, 2)
    reused(client { keylog_file = path }, to, 1)
    local found = labels(path)
    assert.equal(3, found.CLIENT_TRAFFIC_SECRET_0)
    assert.equal(3, found.SERVER_TRAFFIC_SECRET_0)
    assert.equal("rw-------", lfs.attributes(path, "permissions"))
  end)

  it("gets those of TLS 1.2 too", function()
    local path = support.directory "keylog" .. "/keys"
    reused(client { keylog_file = path, max_version = "1.2" }, nginx(), 2)
    assert.same({ CLIENT_RANDOM = 2 }, labels(path))
  end)

  it("is what SSLKEYLOGFILE says when it is \"env\", and only then", function()
    local path = support.directory "keylog" .. "/keys"
    local to = nginx "ssl_protocols TLSv1.2;"
    local function request(tls)
      ffi.C.setenv("SSLKEYLOGFILE", path, 1)
      reused(client(tls), to, 1)
      ffi.C.unsetenv "SSLKEYLOGFILE"
    end
    request {}
    assert.is_nil(lfs.attributes(path))
    request { keylog_file = "env" }
    assert.same({ CLIENT_RANDOM = 1 }, labels(path))
    reused(client({ keylog_file = "env" }, { on_warning = error }), to, 1) -- not set: nothing to write or warn of
  end)

  for path, why in pairs { ["/nowhere/keys"] = "No such file", ["/dev/full"] = "No space left", ["/"] = "directory" } do
    it("that cannot be written warns once, and nothing else suffers: " .. path, function()
      local warnings = {}
      local from = client({ keylog_file = path }, {
        on_warning = function(message) warnings[#warnings + 1] = message end,
      })
      reused(from, nginx(), 3)
      assert.equal(1, #warnings)
      for _, part in ipairs { "tls.keylog_file", path, why } do
        assert.truthy(warnings[1]:find(part, 1, true), warnings[1])
      end
    end)
  end
end)

describe("the end of a TLS connection", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is announced to the peer by close_notify", function()
    local to = support.hostile { case = "truncated-after-end" }
    local from = support.client { tls = { ca_file = to.ca } }
    local url = to.url:gsub("/case/.*", "/ok")
    support.run(function() assert.equal(200, assert(from:get(url)).status) end)
    from:close()
    support.run(function()
      local ended = to:ends()[1]
      assert.is_true(ended.close_notify)
      assert.equal(0, #ended.violations)
    end)
  end)

  local function lost(case)
    local to = support.hostile { case = case }
    local from = support.client { tls = { ca_file = to.ca } }
    local res, err = support.run(function() return from:get(to.url) end)
    assert.is_nil(res)
    assert.equal("connection_lost", err.reason)
    local all = { err.message }
    for _, cause in ipairs(err.errors or {}) do all[#all + 1] = cause.message end
    return table.concat(all, "; ")
  end

  it("in the middle of a body is told as what it was", function()
    assert.truthy(lost("truncated-mid-body"):find("without close_notify", 1, true))
    assert.truthy(lost("close-mid-body"):find("(close_notify)", 1, true))
    assert.truthy(lost("corrupt-record-mid-body"):find("TLS failed: ", 1, true))
  end)

  it("after the body's end takes nothing from the response", function()
    local to = support.hostile { case = "truncated-after-end" }
    local from = support.client { tls = { ca_file = to.ca } }
    assert.equal(200, support.run(function() return assert(from:get(to.url)).status end))
  end)
end)

-- One server at two addresses, which resumes at one what began at the other; it tells whether it has.
local TWO = [[
const tls = { ...pair, ticketKeys: Buffer.alloc(48, 7) };
const second = http2.createSecureServer(tls);
server.setTicketKeys(tls.ticketKeys);
for (const each of [server, second]) {
  each.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    stream.end(String(stream.session.socket.isSessionReused()));
    stream.session.close();
  });
}
server.on('listening', () => second.listen(server.address().port, '127.0.0.2', () => log({ event: 'second' })));
]]

describe("a TLS session of a private address", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is offered to that address alone", function()
    local ca = support.ca()
    local pair = ("const fs = require('fs'), pair = { key: fs.readFileSync(%q), cert: fs.readFileSync(%q) };\n")
      :format(ca.key, ca.leaf)
    local node = support.node { source = pair .. TWO }
    local records = { ["a.test"] = { A = { "127.0.0.1" }, ttl = 1 } }
    local dns = support.dns(records)
    local from = client(nil, { dns_servers = { dns.address }, family = 4 })
    local function get() return assert(from:get(("https://a.test:%d/"):format(node.port))) end
    support.run(function()
      node:wait_events(function(event) return event.event == "second" end)
      assert.equal("false", get().body)
      assert.equal("true", get().body)
      records["a.test"].A = { "127.0.0.2" }
      dns:set(records)
      local res
      support.wait(function()
        res = get()
        return res.ip_address == "127.0.0.2"
      end, 4, "the name's lifetime to end")
      assert.equal("false", res.body)
      assert.equal("true", get().body)
    end, 8)
  end)
end)
