-- Requests from inside a worker: light threads share a connection, what they ask for is what scripts ask for elsewhere.
local support = require "support"

-- Answers with what it was asked; logs each session and each request.
local UPSTREAM = [[
let sessions = 0;
const piece = Buffer.alloc(1 << 20, 'x');
function flow(stream, left) {
  if (stream.destroyed) return;
  if (left <= 0) { stream.end(); return; }
  const go = () => flow(stream, left - piece.length);
  if (stream.write(piece)) setImmediate(go); else stream.once('drain', go);
}
server.on('session', (session) => { session.number = ++sessions; log({ session: sessions }); });
server.on('stream', (stream, headers) => {
  const parts = [];
  stream.on('error', () => {});
  stream.on('data', (data) => parts.push(data));
  stream.on('end', () => {
    const path = headers[':path'];
    log({ method: headers[':method'], path, session: stream.session.number, body: Buffer.concat(parts).length });
    stream.respond({ ':status': path === '/missing' ? 404 : 200 });
    if (path.startsWith('/flow/')) flow(stream, Number(path.slice(6)));
    else if (path.startsWith('/bytes/')) stream.end(Buffer.alloc(Number(path.slice(7)), 'x'));
    else stream.end(headers[':method'] + ' ' + path + ' ' + Buffer.concat(parts).toString());
  });
});]]

local SERVER = [[
location /get {
  content_by_lua_block {
    local res, err = client:get(upstream .. "/one")
    ngx.say(res and ("%d %s %s"):format(res.status, res.body, res.protocol) or tostring(err))
  }
}
location /missing {
  content_by_lua_block {
    ngx.say(assert(client:get(upstream .. "/missing")).status)
  }
}
location /post {
  content_by_lua_block {
    ngx.req.read_body()
    ngx.say(assert(client:post(upstream .. "/post", ngx.req.get_body_data())).body)
    ngx.say(assert(client:post(upstream .. "/form", rill.form { a = "1" })).body)
    local pieces = { "a", "b" }
    ngx.say(assert(client:post(upstream .. "/pieces", function() return table.remove(pieces, 1) end)).body)
  }
}
location /threads {
  content_by_lua_block {
    local threads = {}
    for i = 1, 20 do
      threads[i] = ngx.thread.spawn(function() return assert(client:get(upstream .. "/" .. i)).body end)
    end
    for i = 1, 20 do
      local ok, body = ngx.thread.wait(threads[i])
      if not ok or body ~= "GET /" .. i .. " " then ngx.say(i, ": ", body) end
    end
    ngx.say "done"
  }
}
location /stream {
  content_by_lua_block {
    local path = ("/%s/%s"):format(ngx.var.arg_path or "bytes", ngx.var.arg_n)
    local stream = assert(client:open { url = upstream .. path, timeout = 300 })
    ngx.status = assert(stream:headers()).status
    for chunk in stream:chunks() do
      ngx.print(chunk)
      ngx.flush(true)
    end
    ngx.log(ngx.NOTICE, "stream: ", stream.close_reason)
  }
}
location /pid { content_by_lua_block { ngx.say(ngx.worker.pid()) } }
location /refused {
  content_by_lua_block {
    local res, err = client:get("https://localhost:" .. ngx.var.arg_port .. "/")
    ngx.say(tostring(res), " ", err.reason, " ", err.kind)
    ngx.say(select(2, client:get "https://").reason)
    ngx.say(select(2, pcall(client.get, client, 3)))
    ngx.say(select(2, client:get(upstream .. "/bytes/100000", { maxsize = 1000 })).reason)
  }
}
location /run {
  content_by_lua_block {
    local function get(a, b) return a .. assert(client:get(upstream .. "/in")).body .. b end
    ngx.say(rill.runtime, " ", rill.run(get, "<", ">"))
  }
}
location /coroutine {
  content_by_lua_block {
    local co = coroutine.wrap(function()
      coroutine.yield(assert(client:get(upstream .. "/1")).body)
      return assert(client:get(upstream .. "/2")).body
    end)
    ngx.say(co(), co())
  }
}
]]

describe("requests in an nginx worker", function()
  local upstream, server

  setup(function()
    upstream = support.node { source = UPSTREAM }
    server = support.openresty {
      config = SERVER,
      http_config = ([[init_by_lua_block {
        rill = require "rill"
        upstream = "%s"
        client = assert(rill.client { tls = { ca_file = "%s" }, timeout = 20 })
      }]]):format(upstream.url, upstream.ca),
    }
  end)
  teardown(function()
    server:stop()
    upstream:stop()
  end)

  it("get what a client configured in init_by_lua asks for", function()
    assert.equal("200 GET /one  h2\n", server:get "/get")
    assert.equal("404\n", server:get "/missing")
  end)

  it("send bodies: strings, forms, what a function gives", function()
    assert.equal("POST /post text\nPOST /form a=1\nPOST /pieces ab\n", server:post("/post", "text"))
  end)

  it("of twenty light threads go over one connection", function()
    assert.equal("done\n", server:get "/threads")
    local sessions = {}
    for _, event in ipairs(upstream:events()) do sessions[event.session or 1] = true end
    assert.same({ true }, sessions)
  end)

  it("hand on a body in pieces", function()
    assert.equal(3000000, #server:get "/stream?n=3000000")
    support.wait(function() return server:log():find "stream: ended" end, 5, "the stream's end")
  end)

  it("hand on a large body in bounded memory, whoever is slower", function()
    local function most()
      local status = support.read(("/proc/%s/status"):format(server:get "/pid":match "%d+"))
      return tonumber(status:match "VmHWM:%s*(%d+)")
    end
    local before = most()
    local size = (os.getenv "RILL_SOAK_ROUNDS" and 1024 or 200) * 2 ^ 20
    local answer = server:ask { "-o", "/dev/null", "-m", "300", "-w", "%{size_download}", "--limit-rate", "100M",
      server.url .. ("/stream?n=%d&path=flow"):format(size) }
    assert.equal(size, tonumber(answer))
    assert.is_true(most() - before < 64 * 1024, most() - before)
  end)

  it("give back reasons, and raise what is used wrongly", function()
    local port = support.refused():match ":(%d+)"
    local answer = server:get("/refused?port=" .. port)
    local raised = "\ncontent_by_lua[^\n]*client:get: url must be a string"
    assert.truthy(answer:find("^nil connect_failed tcp\ninvalid_url" .. raised), answer)
    assert.truthy(answer:find "maxsize_exceeded", answer)
  end)

  it("need no rill.run, which calls its function", function()
    assert.equal("openresty <GET /in >\n", server:get "/run")
  end)

  it("work in coroutines of the script's", function()
    assert.equal("GET /1 GET /2 \n", server:get "/coroutine")
  end)
end)
