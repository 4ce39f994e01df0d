-- What a worker holds after many requests and many clients that left is what it held before: counted, not measured.
local process = require "support.process"
local support = require "support"

local ROUNDS = tonumber(os.getenv "RILL_SOAK_ROUNDS") or 5 -- of 500 requests; make soak-openresty takes 400
local STORMS = 5 -- among them; the server's nghttp2 ends a session that has seen 1,000 resets

local UPSTREAM = [[
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  stream.on('close', () => { if (path.startsWith('/hold')) log({ closed: path }); });
  stream.respond({ ':status': 200 });
  if (path.startsWith('/hold')) { log({ open: path }); stream.write('begun'); } else stream.end('got ' + path);
});]]

local HTTP = [[
lua_check_client_abort on;
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60, max_streams = 1000 })
}
]]

local SERVER = [[
location /batch {
  content_by_lua_block {
    local numbers, good = {}, 0
    for i = 1, 500 do numbers[i] = i end
    for _, res in rill.map(numbers, function(i) return client:get("$upstream/" .. i) end, { concurrency = 50 }) do
      if res.status == 200 then good = good + 1 end
    end
    for i = 1, 100 do rill.timeout(5, rill.sleep, 0) end
    ngx.say(good)
  }
}
location /hold {
  content_by_lua_block { for chunk in assert(client:open { url = "$upstream/hold" .. ngx.var.arg_n }):chunks() do end }
}
location /left {
  content_by_lua_block {
    rill.sleep(0)
    jit.flush() -- compiled code counts as memory of Lua, and comes and goes
    collectgarbage()
    rill.sleep(0) -- what was collected is released
    collectgarbage()
    local ffi = require "ffi"
    local counters = ffi.new "rill_counters"
    require("rill.clib").rill_loop_counters(require("rill.runtime").loop(), counters)
    ngx.say(counters.requests, " ", counters.timers, " ", counters.events, " ", counters.waiting, " ", counters.slots,
      " ", counters.bytes, " ", math.floor(collectgarbage "count"))
  }
}
]]

describe("a worker after many requests", function()
  local upstream, server
  local storms = 0

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

  local function batch()
    assert.equal("500\n", server:ask { "-m", "60", server.url .. "/batch" })
  end

  local CLIENTS = 100
  local function storm()
    storms = storms + 1
    local crowd = process.start(
      { "node", "spec/support/node/crowd.js", tostring(server.port), tostring(CLIENTS), "/hold?n=" },
      "/dev/null")
    upstream:wait_events(function(event) return event.open end, storms * CLIENTS, 30)
    crowd:signal "USR1"
    crowd:wait(10)
    upstream:wait_events(function(event) return event.closed end, storms * CLIENTS, 30)
  end

  -- What is left once nothing runs.
  local function left()
    local numbers
    support.wait(function()
      numbers = {}
      for number in server:get("/left"):gmatch "%S+" do numbers[#numbers + 1] = tonumber(number) end
      return numbers[1] == 0 and numbers[2] == 0 and numbers[3] == 0 and numbers[4] == 0
    end, 20, "nothing to run")
    return { slots = numbers[5], bytes = numbers[6], lua = numbers[7] }
  end

  it("and clients that left holds what it held before", function()
    for _ = 1, 2 do batch() storm() end
    local before = left()
    for round = 1, ROUNDS do
      batch()
      if round % math.max(1, math.floor(ROUNDS / STORMS)) == 0 then storm() end
    end
    local after = left()
    assert.is_true(after.slots <= before.slots, after.slots .. " slots, before " .. before.slots)
    -- tables of HPACK, and Lua's, keep the room that they once needed: a little; 50 bytes a request would be seen
    assert.is_true(after.bytes <= before.bytes + 16384, after.bytes .. " bytes, before " .. before.bytes)
    assert.is_true(after.lua <= before.lua + 200, after.lua .. " KiB of Lua, before " .. before.lua)
    assert.falsy(server:log():find("[alert]", 1, true), server:log())
  end)
end)
