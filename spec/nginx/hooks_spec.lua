-- Hooks inside nginx: those that a script sets, those that raise, and timers that are called before their time.
local support = require "support"

local UPSTREAM = [[
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  log({ open: path });
  stream.on('close', () => log({ closed: path, code: stream.rstCode }));
  stream.respond({ ':status': 200 });
  if (path.startsWith('/hold')) stream.write('begun'); else stream.end('got ' + path);
});]]

local HTTP = [[
init_by_lua_block {
  rill = require "rill"
  seen = {}
  local function see(name)
    return function(message) seen[#seen + 1] = name .. ": " .. tostring(message):sub(1, 20) end
  end
  local function raise(name) return function() error("planted in " .. name) end end
  local function new(options)
    options.tls, options.timeout = { verify = false }, 60
    return assert(rill.client(options))
  end
  clients = {
    plain = new {}, own = new { on_warning = see "own" }, bad_warning = new { on_warning = raise "on_warning" },
    bad_headers = new { on_headers = raise "on_headers" }, bad_chunk = new { on_chunk = raise "on_chunk" },
    bad_event = new { on_event = raise "on_event" }, waits = new { on_headers = function() rill.sleep(0) end },
    stops = new { on_headers = function() ngx.exit(403) end },
  }
  function set_hooks() rill.on_warning, rill.on_error = see "warning", see "error" end
  function note(text) ngx.log(ngx.NOTICE, "<", text, ">") end
}
]]

local SERVER = [[
location /get {
  content_by_lua_block {
    local res, err = clients[ngx.var.arg_by]:get("$upstream/" .. (ngx.var.arg_to or "get"))
    ngx.say(res and res.body or err.reason .. " " .. err.message)
  }
}
location /set { content_by_lua_block { set_hooks() ngx.say "set" } }
location /unjoined {
  content_by_lua_block {
    rill.spawn(error, "nobody joins this")
    rill.sleep(0)
    collectgarbage()
    collectgarbage()
    rill.sleep(0)
    ngx.say "done"
  }
}
location /seen {
  content_by_lua_block {
    rill.sleep(0)
    table.sort(seen)
    ngx.say(table.concat(seen, ", "))
  }
}
location /signal { content_by_lua_block { ngx.say(select(2, pcall(rill.signal, "TERM", "INT"))) } }
location /later { # its time comes when the worker ends
  content_by_lua_block {
    assert(ngx.timer.at(3600, function(premature)
      local bodies = {}
      for _, res in rill.map({ 1, 2, 3 }, function(i) return assert(clients.plain:get("$upstream/" .. i)) end) do
        bodies[#bodies + 1] = res.body
      end
      table.sort(bodies)
      note((premature and "early" or "in time") .. ": " .. table.concat(bodies, ", "))
    end))
    ngx.say "later"
  }
}
]]

describe("inside nginx", function()
  local upstream, server

  before_each(function()
    upstream = support.node { source = UPSTREAM }
    server = support.openresty { config = SERVER, http_config = HTTP, values = { upstream = upstream.url } }
  end)
  after_each(function()
    assert.falsy(server:log():find("[alert]", 1, true), server:log())
    server:stop()
    upstream:stop()
  end)

  local function wait_log(pattern)
    support.wait(function()
      server:get "/seen" -- somebody has to come along
      return server:log():find(pattern)
    end, 20, pattern)
  end

  it("hooks that the script sets get what would go to the log", function()
    server:get "/set"
    assert.equal("got /get\n", server:get "/get?by=plain")
    assert.equal("got /get\n", server:get "/get?by=own")
    server:get "/unjoined"
    support.wait(function()
      local seen = server:get "/seen"
      return seen:find "error: [^,]*nobody" and seen:find "own: tls.verify" and seen:find "warning: tls.verify"
    end, 20, "all three")
    assert.falsy(server:log():find("rill: ", 1, true), server:log())
  end)

  it("a hook that raises takes nobody along, and is reported", function()
    assert.equal("got /get\n", server:get "/get?by=bad_warning")
    wait_log "%[error%][^\n]*rill: error: on_warning raised:[^\n]*planted in on_warning"
    wait_log "%[warn%][^\n]*rill: warning: tls.verify"
    assert.equal("got /get\n", server:get "/get?by=bad_event")
    wait_log "%[error%][^\n]*rill: error:[^\n]*planted in on_event"
  end)

  it("one that decides over a stream ends it when it raises, or waits", function()
    for _, case in ipairs { { "bad_headers", "planted in on_headers" }, { "waits", "on_headers may not wait" },
      { "bad_chunk", "planted in on_chunk" } } do
      local answer = server:get(("/get?by=%s&to=hold-%s"):format(case[1], case[1]))
      assert.truthy(answer:find(case[2], 1, true), answer)
      local closed = upstream:wait_events(function(event) return event.closed == "/hold-" .. case[1] end, 1, 20)[1]
      assert.equal(8, closed.code) -- CANCEL
    end
  end)

  it("one that ends the request ends its stream", function()
    local status = server:ask { "-o", "/dev/null", "-w", "%{http_code}", server.url .. "/get?by=stops&to=hold-stops" }
    assert.equal("403", status)
    local closed = upstream:wait_events(function(event) return event.closed == "/hold-stops" end, 1, 20)[1]
    assert.equal(8, closed.code) -- CANCEL
    assert.equal("got /get\n", server:get "/get?by=plain")
  end)

  it("rill.signal raises", function()
    assert.truthy(server:get "/signal":find("rill.signal: signals of a worker are nginx's own", 1, true))
  end)

  it("a timer that is called early, because the worker ends, does what it does in time", function()
    assert.equal("later\n", server:get "/later")
    server.process:signal "QUIT"
    assert.equal(0, server.process:wait(30))
    assert.truthy(server:log():find("<early: got /1, got /2, got /3>", 1, true), server:log())
  end)
end)
