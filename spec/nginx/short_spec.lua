-- A worker whose connections are used up when the first request is made: light threads step the loop themselves.
local process = require "support.process"
local support = require "support"

local SERVER = [[
location /get {
  content_by_lua_block {
    local res, err = client:get("$upstream/one")
    ngx.say(res and res.body or tostring(err), " ", tostring(require("rill.runtime.poller").is_driven()))
  }
}
location /hold { # one that nginx will not close when it is short
  content_by_lua_block { ngx.log(ngx.NOTICE, "<held>") ngx.sleep(60) }
}
location /kill { # light threads that wait, and look for themselves
  content_by_lua_block {
    local threads = {}
    for i = 1, 50 do threads[i] = ngx.thread.spawn(rill.sleep, 60) end
    rill.sleep(0.01)
    for i = 1, 50 do ngx.thread.kill(threads[i]) end
    ngx.say "killed"
  }
}
location /looking { # other than this one
  content_by_lua_block {
    rill.sleep(0.01)
    ngx.say(require("rill.runtime.poller").looking)
  }
}
location /late { # each that goes on keeps the worker busy: the next look of all others comes due meanwhile
  content_by_lua_block {
    local numbers, good = {}, 0
    for i = 1, 10 do numbers[i] = i end
    local function stand_still()
      local over = rill.now() + 0.05
      while rill.now() < over do end
    end
    for _, number in rill.map(numbers, function(number)
      for _ = 1, 3 do
        rill.sleep(0.01)
        stand_still()
      end
      return number
    end, { concurrency = #numbers }) do good = good + (number and 1 or 0) end
    ngx.say(good)
  }
}
location /threads {
  content_by_lua_block {
    local good = 0
    for _, res in rill.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function(i) return client:get("$upstream/" .. i) end) do
      if res and res.status == 200 then good = good + 1 end
    end
    rill.sleep(0.01)
    ngx.say(good, " ", select(2, rill.timeout(0.01, rill.sleep, 60)).reason)
  }
}
]]

describe("a worker that is short of connections", function()
  local upstream, server

  -- One connection listens, one is the master's: what a client gets is the next.
  local function start(connections)
    upstream = support.node { script = "got.js" }
    server = support.openresty {
      config = SERVER, values = { upstream = upstream.url }, connections = connections,
      http_config = ([[lua_check_client_abort on; init_by_lua_block {
        rill = require "rill"
        client = assert(rill.client { tls = { ca_file = "%s" }, timeout = 20 })
      }]]):format(upstream.ca),
    }
  end
  after_each(function()
    server:stop()
    upstream:stop()
  end)

  -- As long as nginx has not closed one that has ended, it closes the next one that comes: nothing is answered.
  local function get(path)
    return support.wait(function()
      local text = server:get(path)
      return text ~= "" and text
    end, 60, "an answer")
  end

  it("answers all the same", function()
    start " worker_connections 3;"
    assert.equal("got /one false\n", get "/get")
    assert.equal("10 timeout\n", get "/threads")
    assert.equal("got /one false\n", get "/get")
  end)

  it("forgets those of its light threads that looked, and were killed", function()
    start " worker_connections 3;"
    assert.equal("killed\n", get "/kill")
    support.wait(function() return get "/looking" == "0\n" end, 20, "nobody who looks")
  end)

  it("loses none that is woken when its look has come due", function()
    start " worker_connections 3;"
    assert.equal("10\n", get "/late")
  end)

  it("has nginx step the loop as soon as one is free", function()
    start " worker_connections 4;"
    local holder = process.start({ "curl", "-s", server.url .. "/hold" }, server.directory .. "/holder")
    support.wait(function() return server:log():find("<held>", 1, true) end, 10, "the connection")
    assert.equal("got /one false\n", get "/get")
    holder:stop()
    support.wait(function() return get "/get" == "got /one true\n" end, 20, "the worker's own loop")
    assert.equal("10 timeout\n", get "/threads")
  end)
end)
