-- A worker's life: how many light threads wait at once, its ends, other workers, other Lua states, nothing to do.
local process = require "support.process"
local support = require "support"

-- Answers `/wait/N` after N ms, and of `/gather/N/TOTAL` none before N wait at once, or the last has come; logs
-- sessions and requests.
local UPSTREAM = [[
const held = [];
let sessions = 0, gathered = 0;
function gather(answer, count, total) {
  held.push(answer);
  gathered++;
  if (held.length < count && gathered < total) return;
  log({ gathered: held.length });
  for (const each of held.splice(0)) each();
}
server.on('session', (session) => { session.number = ++sessions; log({ session: sessions }); });
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  log({ open: path, session: stream.session.number });
  const answer = () => { if (!stream.destroyed) { stream.respond({ ':status': 200 }); stream.end('got ' + path); } };
  const [, what, count, total] = path.split('/');
  if (what === 'gather') gather(answer, Number(count), Number(total));
  else setTimeout(answer, what === 'wait' ? Number(count) : 0);
});]]

local HTTP = [[
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60, max_streams = 2000 })
}
]]

local SERVER = [[
location /get {
  content_by_lua_block { ngx.say(assert(client:get("$upstream/one")).body, " ", ngx.worker.pid()) }
}
location /wait {
  content_by_lua_block { ngx.say(assert(client:get("$upstream/wait/" .. ngx.var.arg_ms)).body) }
}
location /many {
  content_by_lua_block {
    local count, threads, good = tonumber(ngx.var.arg_n), {}, 0
    local url = ("$upstream/gather/%s/%d/"):format(ngx.var.arg_at_once, count)
    for i = 1, count do
      threads[i] = ngx.thread.spawn(function() return client:get(url .. i) end)
    end
    for i = 1, count do
      local ok, res = ngx.thread.wait(threads[i])
      if ok and res and res.status == 200 then good = good + 1 end
    end
    ngx.say(good)
  }
}
location /pid { content_by_lua_block { ngx.say(ngx.worker.pid()) } }
location /pause {
  content_by_lua_block {
    local began = rill.now()
    rill.sleep(0.1)
    ngx.say(rill.now() - began >= 0.1)
  }
}
]]

local function descriptors(pid)
  local count = 0
  for _ in require("lfs").dir(("/proc/%d/fd"):format(pid)) do count = count + 1 end
  return count
end

-- A request's descriptors are closed after its answer, and a client's when nginx sees that it has left.
local function wait_for_descriptors(pid, most)
  support.wait(function() return descriptors(pid) <= most end, 10, ("%d descriptors at most"):format(most))
end

-- Processor time in ticks, and how often it gave the processor up.
local function activity(pid)
  local stat = support.read(("/proc/%d/stat"):format(pid)):match "%) (.*)"
  local user, system = stat:match(("%S+ "):rep(11) .. "(%d+) (%d+)")
  local status = support.read(("/proc/%d/status"):format(pid))
  return user + system, tonumber(status:match "\nvoluntary_ctxt_switches:%s*(%d+)")
end

describe("an nginx worker", function()
  local upstream, server

  local function values(more)
    local all = { ca = upstream.ca, upstream = upstream.url }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end

  local function start(options)
    options = options or {}
    server = support.openresty {
      config = (options.config or "") .. SERVER, values = values(),
      http_config = (options.http_config or "") .. (options.init or HTTP),
      workers = options.workers, main_config = options.main_config, events = options.events, listen = options.listen,
    }
    return server
  end

  local function workers()
    local list = {}
    for pid in support.read(("/proc/%d/task/%d/children"):format(server.process.pid, server.process.pid))
      :gmatch "%d+" do list[#list + 1] = tonumber(pid) end
    return list
  end

  local function wait_gone(pid)
    support.wait(function() return not io.open(("/proc/%d/stat"):format(pid)) end, 20, "the old worker to leave")
  end

  local function sessions()
    local count = 0
    for _, event in ipairs(upstream:events()) do if event.session and not event.open then count = count + 1 end end
    return count
  end

  local function assert_no_alert()
    local log = server:log():gsub("[^\n]*lua_code_cache is off[^\n]*", "")
    assert.falsy(log:find("[alert]", 1, true), log)
  end

  before_each(function() upstream = support.node { source = UPSTREAM } end)
  after_each(function()
    assert_no_alert()
    server:stop()
    upstream:stop()
  end)

  -- How many waited for an answer at once, each time that they got theirs.
  local function gathered()
    local counts = {}
    for _, event in ipairs(upstream:events()) do counts[#counts + 1] = event.gathered end
    return counts
  end

  it("lets a thousand light threads wait for one connection at once", function()
    start()
    assert.equal("1000\n", server:get "/many?n=1000&at_once=1000")
    assert.equal(1, sessions())
    assert.same({ 1000 }, gathered())
  end)

  it("lets them wait in line where the peer takes 128 streams", function()
    upstream:stop()
    upstream = support.node { source = UPSTREAM, settings = { maxConcurrentStreams = 128 } }
    start()
    assert.equal("1000\n", server:get "/many?n=1000&at_once=128")
    assert.equal(1, sessions())
    assert.same({ 128, 128, 128, 128, 128, 128, 128, 104 }, gathered())
  end)

  it("leaves at once when it is replaced and idle, and finishes what it has begun", function()
    start()
    server:get "/get"
    local old = workers()[1]
    server.process:signal "HUP"
    wait_gone(old)
    old = workers()[1]
    local child = process.start({ "curl", "-s", server.url .. "/wait?ms=500" }, server.directory .. "/late")
    upstream:wait_events(function(event) return event.open == "/wait/500" end)
    server.process:signal "HUP"
    child:wait(10)
    assert.equal("got /wait/500\n", support.read(server.directory .. "/late"))
    wait_gone(old)
  end)

  it("is replaced under load without a failed request or a descriptor left", function()
    start()
    server:get "/get"
    local before, within = descriptors(server.process.pid), descriptors(workers()[1])
    local load = process.start({ "sh", "-c",
      ('until [ -e "$0/stop" ]; do curl -s %s/wait?ms=5 || echo failed; done'):format(server.url), server.directory },
      server.directory .. "/load")
    support.wait(function() return support.read(server.directory .. "/load") ~= "" end, 10, "the load")
    for _ = 1, 20 do
      local old = workers()[1]
      server.process:signal "HUP"
      support.wait(function() return workers()[1] ~= old or workers()[2] end, 10, "a new worker")
      wait_gone(old)
    end
    support.write(server.directory .. "/stop", "")
    load:wait(20)
    local answers = support.read(server.directory .. "/load")
    assert.truthy(answers:find "^got")
    assert.equal("", (answers:gsub("got /wait/5\n", "")))
    wait_for_descriptors(server.process.pid, before)
    server:get "/get"
    assert.equal(1, #workers())
    wait_for_descriptors(workers()[1], within)
  end)

  it("quits when it is told to, what runs is finished", function()
    start()
    local child = process.start({ "curl", "-s", server.url .. "/wait?ms=300" }, server.directory .. "/last")
    upstream:wait_events(function(event) return event.open == "/wait/300" end)
    server.process:signal "QUIT"
    child:wait(10)
    assert.equal("got /wait/300\n", support.read(server.directory .. "/last"))
    server.process:wait(10)
  end)

  it("ends what takes longer than worker_shutdown_timeout", function()
    start { main_config = "worker_shutdown_timeout 1s;" }
    local child = process.start({ "curl", "-s", server.url .. "/wait?ms=60000" }, server.directory .. "/last")
    upstream:wait_events(function(event) return event.open == "/wait/60000" end)
    server.process:signal "QUIT"
    server.process:wait(20)
    child:wait(10)
  end)

  it("of several has connections of its own, of a client made before they were", function()
    local folder = support.directory "aio"
    local text = support.content(300000)
    support.write(folder .. "/file", text)
    start { workers = 2, listen = "reuseport",
      events = "accept_mutex on;", main_config = "thread_pool default threads=2;",
      config = ("location /file { root %s; sendfile off; aio threads; }"):format(folder) }
    local seen, count = {}, 0
    support.wait(function()
      assert.equal(text, server:get "/file")
      local pid = server:get "/get":match "got /one (%d+)"
      assert.truthy(pid, server:log())
      if not seen[pid] then seen[pid], count = true, count + 1 end
      return count == 2
    end, 20, "both workers")
    assert.equal(2, sessions())
  end)

  it("with lua_code_cache off serves two hundred requests, each with a Lua of its own", function()
    start { init = [[lua_code_cache off;]], config = [[
      location /fresh {
        content_by_lua_block {
          local rill = require "rill"
          local client = assert(rill.client { tls = { ca_file = "$ca" } })
          ngx.say(assert(client:get "$upstream/fresh").body)
        }
      }]] }
    server:get "/pid" -- it is there, and has opened what it needs
    local pid = workers()[1]
    local before = descriptors(pid)
    local urls = {}
    for i = 1, 200 do urls[i] = server.url .. "/fresh" end
    assert.equal(200, select(2, server:ask(urls):gsub("got /fresh\n", "")))
    wait_for_descriptors(pid, before + 1) -- the process's own, which nginx knows
    assert.same({ pid }, workers())
  end)

  it("does nothing when there is nothing to do, and timers are on time all the same", function()
    start()
    server:get "/get"
    local pid = workers()[1]
    support.wait(function() -- first the answer's own work ends, on a busy machine late
      local ticks, switches = activity(pid)
      os.execute "sleep 2"
      local ticks_later, switches_later = activity(pid)
      return ticks == ticks_later and switches == switches_later
    end, 20, "two seconds in which nothing is done")
    assert.equal("true\n", server:get "/pause")
  end)
end)
