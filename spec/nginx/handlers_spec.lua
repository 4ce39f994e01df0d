-- What handlers of nginx do around rill: exits and errors in tasks, on_abort, subrequests, timers, coroutines.
local process = require "support.process"
local support = require "support"

local UPSTREAM = [[
let sessions = 0;
server.on('session', (session) => { session.number = ++sessions; });
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  stream.on('close', () => log({ closed: path, code: stream.rstCode }));
  log({ open: path, session: stream.session.number });
  if (path.startsWith('/hold')) return;
  stream.respond({ ':status': 200 });
  stream.end('got ' + path);
});]]

local HTTP = [[
lua_check_client_abort on;
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60 })
  other = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60 })
  function body(name, by) return assert((by or client):get("$upstream/" .. name)).body end
  shared = {}
}
init_worker_by_lua_block {
  beats = 0
  assert(ngx.timer.every(0.02, function() if body "beat" == "got /beat" then beats = beats + 1 end end))
}
]]

local SERVER = [[
location /exit {
  content_by_lua_block {
    rill.spawn(body, "hold-exit")
    rill.spawn(function()
      body "before"
      ngx.exit(204)
    end)
    body "hold-exit2"
  }
}
location /error {
  content_by_lua_block {
    rill.spawn(body, "hold-error")
    body "before"
    error "planted in a handler"
  }
}
location /raised {
  content_by_lua_block {
    local task = rill.spawn(function()
      body "before"
      error "planted in a task"
    end)
    local _, err = task:join()
    ngx.say(err.reason, " ", err.message:match "planted in a task")
  }
}
location /abort {
  content_by_lua_block {
    assert(ngx.on_abort(function()
      ngx.log(ngx.NOTICE, "<", body "goodbye", ">")
      ngx.exit(499)
    end))
    body "hold-abort"
  }
}
location /part { content_by_lua_block { ngx.print(body(ngx.var.arg_n)) } }
location /parts {
  content_by_lua_block {
    local one, two = ngx.location.capture_multi { { "/part?n=one" }, { "/part?n=two" } }
    ngx.say(one.body, ", ", two.body, ", ", body "three")
  }
}
location /two { content_by_lua_block { ngx.say(body "first", ", ", body("second", other)) } }
location /coroutines {
  content_by_lua_block {
    local task = rill.spawn(function()
      local next_body = coroutine.wrap(function()
        for i = 1, 3 do coroutine.yield(body("c" .. i)) end
      end)
      return next_body() .. ", " .. next_body() .. ", " .. next_body()
    end)
    ngx.say(task:join())
  }
}
location /open {
  content_by_lua_block {
    shared.stream = assert(client:open { url = "$upstream/hold-shared" })
    ngx.flush(true)
    ngx.sleep(60)
  }
}
location /foreign { # a stream that another request opened, and that ends with it
  content_by_lua_block {
    rill.spawn(ngx.log, ngx.NOTICE, "<foreign waits>") -- runs once this waits
    local reason, err = shared.stream:closed()
    ngx.say(reason, " ", err.reason)
  }
}
location /beats { content_by_lua_block { ngx.say(beats) } }
]]

describe("a handler", function()
  local upstream, server

  local function seen(field, path)
    return upstream:wait_events(function(event) return event[field] == path end, 1, 20)[1]
  end

  local function assert_cancelled(path)
    assert.equal(8, seen("closed", path).code) -- CANCEL
  end

  local function status(path)
    return server:ask { "-o", "/dev/null", "-w", "%{http_code}", server.url .. path }
  end

  setup(function()
    upstream = support.node { source = UPSTREAM }
    server = support.openresty {
      config = SERVER, http_config = HTTP, values = { ca = upstream.ca, upstream = upstream.url },
    }
  end)
  teardown(function()
    server:stop()
    upstream:stop()
  end)

  it("whose task calls ngx.exit ends, with all that it waits for", function()
    assert.equal("204", status "/exit")
    assert_cancelled "/hold-exit"
    assert_cancelled "/hold-exit2"
  end)

  it("that raises ends, with all that it waits for", function()
    assert.equal("500", status "/error")
    assert_cancelled "/hold-error"
    assert.truthy(server:log():find("planted in a handler", 1, true))
  end)

  it("joins a task that raises", function()
    assert.equal("error planted in a task\n", server:get "/raised")
  end)

  it("with ngx.on_abort may still ask for something when its client has left", function()
    local child = process.start({ "curl", "-s", server.url .. "/abort" }, "/dev/null")
    seen("open", "/hold-abort")
    child:signal "KILL"
    child:wait(5)
    support.wait(function() return server:log():find("<got /goodbye>", 1, true) end, 10, "the last request")
    assert_cancelled "/hold-abort"
  end)

  it("may be a subrequest's, several at once", function()
    assert.equal("got /one, got /two, got /three\n", server:get "/parts")
  end)

  it("uses several clients, each with connections of its own", function()
    assert.equal("got /first, got /second\n", server:get "/two")
    assert.not_equal(seen("open", "/first").session, seen("open", "/second").session)
  end)

  it("waits in coroutines that a task makes", function()
    assert.equal("got /c1, got /c2, got /c3\n", server:get "/coroutines")
  end)

  it("waits for another request's stream until that ends", function()
    local owner = process.start({ "curl", "-s", server.url .. "/open" }, "/dev/null")
    seen("open", "/hold-shared")
    local waiter = process.start({ "curl", "-s", server.url .. "/foreign" }, server.directory .. "/foreign")
    support.wait(function() return server:log():find("<foreign waits>", 1, true) end, 10, "who waits")
    owner:signal "KILL"
    owner:wait(5)
    waiter:wait(20)
    assert.equal("cancelled cancelled\n", support.read(server.directory .. "/foreign"))
  end)

  it("of a timer runs again and again", function()
    support.wait(function() return tonumber(server:get "/beats") >= 5 end, 20, "five beats")
    assert.falsy(server:log():find("[alert]", 1, true), server:log())
  end)
end)
