-- A client that leaves in its TLS handshake, while what decides the certificate waits for an upstream. nginx does not
-- look at the socket then: it ends the handshake when its time is up, or goes on with it when the light thread is done.
local process = require "support.process"
local support = require "support"

-- Holds answers until "/release" is asked for; logs when a stream was asked for, and how it closed.
local UPSTREAM = [[
let held = [];
function answer(stream, path) { stream.respond({ ':status': 200 }); stream.end('got ' + path); }
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  stream.on('close', () => log({ closed: path, code: stream.rstCode }));
  log({ open: path });
  if (path.startsWith('/held')) { held.push(() => answer(stream, path)); return; }
  if (path === '/release') { held.forEach((go) => go()); held = []; }
  answer(stream, path);
});]]

local CLIENTS = 10

local HTTP = [[
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60 })
  function get(name)
    local res, err = client:get("$upstream/" .. name)
    ngx.log(ngx.NOTICE, "<", name, "> ", res and res.body or tostring(err))
  end
}
ssl_certificate $certificate;
ssl_certificate_key $key;
server {
  listen 127.0.0.1:$short_port ssl;
  client_header_timeout 2s; # the time of a handshake
  ssl_certificate_by_lua_block {
    client:open { url = "$upstream/held-opened" } -- nobody waits for it
    get "held-short"
  }
}
server {
  listen 127.0.0.1:$long_port ssl;
  ssl_certificate_by_lua_block { get "held-long" }
}
]]

local SERVER = [[
location /release { content_by_lua_block { ngx.say(assert(client:get "$upstream/release").body) } }
location /left {
  content_by_lua_block {
    rill.sleep(0) -- what has ended is taken
    local counters = require("ffi").new "rill_counters"
    require("rill.clib").rill_loop_counters(require("rill.runtime").loop(), counters)
    ngx.say(counters.requests, " ", counters.timers, " ", counters.events, " ", counters.waiting)
  }
}
]]

describe("a client that leaves in its handshake", function()
  local upstream, server, values

  local function wait_for(field, path, count)
    return upstream:wait_events(function(event) return event[field] == path end, count, 20)
  end

  -- Clients that leave once what they wait for has been asked for.
  local function begin_and_leave(port, path)
    local clients = {}
    for i = 1, CLIENTS do
      clients[i] = process.start({ "curl", "-s", "--insecure", ("https://127.0.0.1:%d/"):format(port) }, "/dev/null")
      wait_for("open", path, i)
    end
    for _, each in ipairs(clients) do each:signal "KILL" end
    for _, each in ipairs(clients) do each:wait(5) end
  end

  local function assert_nothing_left()
    support.wait(function() return server:get "/left" == "0 0 0 0\n" end, 20, "nothing left")
    local log = server:log()
    assert.is_nil(log:match "%[alert%][^\n]*" or log:match "%[crit%][^\n]*" or log:match "exited on signal[^\n]*")
  end

  before_each(function()
    upstream = support.node { source = UPSTREAM }
    local authority = support.ca()
    values = { ca = upstream.ca, upstream = upstream.url, certificate = authority.leaf, key = authority.key,
      short_port = support.free_port(), long_port = support.free_port() }
    server = support.openresty { config = SERVER, http_config = HTTP, values = values }
  end)
  after_each(function()
    server:stop()
    upstream:stop()
  end)

  it("takes along what was asked for, when the handshake's time is up", function()
    begin_and_leave(values.short_port, "/held-short")
    for _, path in ipairs { "/held-short", "/held-opened" } do
      for _, event in ipairs(wait_for("closed", path, CLIENTS)) do assert.equal(8, event.code) end -- CANCEL
    end
    assert_nothing_left()
    assert.is_nil(server:log():find("<held-short>", 1, true), "no light thread has gone on")
  end)

  it("is noticed when the answer is there: the light thread ends as it would", function()
    begin_and_leave(values.long_port, "/held-long")
    assert.equal("got /release\n", server:get "/release")
    support.wait(function()
      return select(2, server:log():gsub("<held%-long> got /held%-long", "")) == CLIENTS
    end, 20, "the light threads")
    for _, event in ipairs(wait_for("closed", "/held-long", CLIENTS)) do assert.equal(0, event.code) end
    assert_nothing_left()
  end)
end)
