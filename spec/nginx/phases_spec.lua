-- Where in nginx rill may be used: in the phases whose code may wait. Everywhere else nothing is done.
local support = require "support"

local UPSTREAM = [[
server.on('stream', (stream, headers) => {
  let length = 0;
  stream.on('error', () => {});
  log({ path: headers[':path'] });
  stream.on('data', (data) => { length += data.length; });
  stream.on('end', () => {
    stream.respond({ ':status': 200 });
    stream.end('got ' + headers[':path'] + ' and ' + length);
  });
});]]

local HTTP = [[
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 20 })
  function note(name, text) ngx.log(ngx.NOTICE, "<", name, "> ", text) end
  taken = rill.semaphore(1)
  taken:acquire()
  note("loop", tostring(require("rill.runtime").exists()))
  function get(name)
    local res, err = client:get("$upstream/" .. name)
    note(name, res and res.body or tostring(err))
    res, err = client:post("$upstream/" .. name, "posted")
    note(name .. ".post", res and res.body or tostring(err))
  end
  -- What may not wait raises; the same in a timer does what it does.
  function refused(name)
    local url = "$upstream/" .. name
    for what, call in pairs {
      get = function() client:get(url) end,
      open = function() client:open { url = url } end,
      connect = function() rill.connect(url) end,
      sleep = function() rill.sleep(0) end,
      spawn = function() rill.spawn(print) end,
      pop = function() rill.queue():pop() end,
      all = function() rill.all { print } end,
      map = function() for _ in rill.map({ 1 }, print) do end end,
      timeout = function() rill.timeout(1, print) end,
      download = function() client:download(url, "/nonexistent/file") end,
      acquire = function() taken:acquire() end,
      wait = function() rill.wait(0, "r") end,
    } do
      note(name .. "." .. what, select(2, pcall(call)))
    end
    if name ~= "init" and name ~= "exit_worker" then assert(ngx.timer.at(0, function() get("after-" .. name) end)) end
  end
  refused "init"
}
init_worker_by_lua_block { refused "init_worker" }
exit_worker_by_lua_block { refused "exit_worker" }
upstream balanced {
  server 0.0.0.1;
  balancer_by_lua_block {
    refused "balancer"
    require("ngx.balancer").set_current_peer("127.0.0.1", $port)
  }
}
server {
  listen 127.0.0.1:$tls_port ssl;
  ssl_certificate $certificate;
  ssl_certificate_key $key;
  ssl_certificate_by_lua_block { get "ssl_certificate" }
  location / { return 200 "over TLS"; }
}
]]

local SERVER = [[
location /waits {
  rewrite_by_lua_block { get "rewrite" }
  access_by_lua_block { get "access" }
  content_by_lua_block {
    get "content"
    ngx.timer.at(0, function() get "timer" end)
    ngx.say "done"
  }
}
location /plain { return 200 "plain"; }
location /balanced { proxy_pass http://balanced/plain; }
location /filters {
  set_by_lua_block $nothing { refused "set" return "" }
  content_by_lua_block { ngx.say "content" }
  header_filter_by_lua_block { refused "header_filter" }
  body_filter_by_lua_block { if ngx.arg[2] then refused "body_filter" end }
  log_by_lua_block { refused "log" }
}
location /pure {
  content_by_lua_block {
    ngx.say(rill.url.resolve("https://example.com/a/", "../b"))
    ngx.say(rill.html.links('<a href="c">', "https://example.com/")[1])
    ngx.say(rill.queue(3):count(), " ", rill.now() > 0)
  }
}
location /misplaced {
  content_by_lua_block {
    ngx.say(select(2, pcall(function()
      return (string.gsub("x", "x", function() client:get "$upstream/gsub" end))
    end)))
    ngx.say(select(2, pcall(rill.signal, "TERM")))
  }
}
]]

local CALLS = { "get", "open", "connect", "download", "sleep", "spawn", "pop", "all", "map", "timeout", "acquire",
  "wait" }

describe("inside nginx", function()
  local upstream, server

  local function noted(name)
    return support.wait(function()
      return server:log():match("<" .. name:gsub("%p", "%%%0") .. "> ([^\n]*)")
    end, 10, name)
  end

  -- No request of it was seen, and each call names the phase.
  local function assert_refused(name, phase)
    for _, call in ipairs(CALLS) do
      local said = noted(name .. "." .. call)
      assert.truthy(said:find("phase \"" .. phase .. "\"", 1, true), said)
    end
    for _, event in ipairs(upstream:events()) do assert.not_equal("/" .. name, event.path) end
  end

  setup(function()
    upstream = support.node { source = UPSTREAM }
    local authority = support.ca()
    local values = { ca = upstream.ca, upstream = upstream.url, certificate = authority.leaf, key = authority.key,
      tls_port = support.free_port(), port = support.free_port() }
    server = support.openresty {
      port = values.port,
      config = SERVER, http_config = HTTP, values = values,
    }
    server.tls_port = values.tls_port
  end)
  teardown(function()
    server:stop()
    upstream:stop()
  end)

  it("phases that may wait do: rewrite, access, content, a timer", function()
    assert.equal("done\n", server:get "/waits")
    for _, name in ipairs { "rewrite", "access", "content", "timer" } do
      assert.equal("got /" .. name .. " and 0", noted(name):match "^got %S+ and %d")
      assert.equal("got /" .. name .. " and 6", noted(name .. ".post"):match "^got %S+ and %d")
    end
  end)

  it("a handshake waits for what decides its certificate", function()
    local answer = server:ask { "--insecure", ("https://localhost:%d/"):format(server.tls_port) }
    assert.equal("over TLS", answer)
    assert.truthy(noted "ssl_certificate":find "^got /ssl_certificate and 0")
    assert.truthy(noted "ssl_certificate.post":find "^got /ssl_certificate and 6")
  end)

  it("set, header_filter, body_filter and log raise, name the phase, send nothing; a timer of theirs does", function()
    assert.equal("content\n", server:get "/filters")
    for _, phase in ipairs { "set", "header_filter", "body_filter", "log" } do
      assert_refused(phase, phase)
      assert.truthy(noted("after-" .. phase):find("^got /after%-" .. phase))
    end
  end)

  it("so do the start of a worker and a balancer", function()
    assert.equal("plain", server:get "/balanced")
    for _, phase in ipairs { "init_worker", "balancer" } do
      assert_refused(phase, phase)
      assert.truthy(noted("after-" .. phase):find("^got /after%-" .. phase))
    end
  end)

  it("so does the end of a worker", function()
    local old = server:workers()[1]
    server:get "/plain"
    server.process:signal "HUP"
    assert_refused("exit_worker", "exit_worker")
    support.wait(function()
      local now = server:workers()
      return #now == 1 and now[1] ~= old
    end, 20, "the next worker")
  end)

  it("so does the start of nginx, where a client makes no loop", function()
    assert_refused("init", "init")
    assert.truthy(noted "loop":find "^false")
  end)

  it("what waits for nothing works: URLs and links", function()
    assert.equal("https://example.com/b\nhttps://example.com/c\n0 true\n", server:get "/pure")
  end)

  it("a wait below a C function raises before anything is sent, and rill.signal always", function()
    local answer = server:get "/misplaced"
    assert.truthy(answer:find('client:get waits, and cannot below the C function "gsub"', 1, true), answer)
    assert.truthy(answer:find("rill.signal: signals of a worker are nginx's own", 1, true), answer)
    for _, event in ipairs(upstream:events()) do assert.not_equal("/gsub", event.path) end
  end)
end)
