-- Programs that a worker starts: what they inherit, and that they end as ever.
local process = require "support.process"
local support = require "support"

local UPSTREAM = [[
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  log({ open: path });
  stream.on('close', () => log({ closed: path }));
  if (path === '/hold') return;
  stream.respond({ ':status': 200 });
  stream.end('got ' + path);
});]]

local HTTP = [[
lua_check_client_abort on;
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60 })
}
]]

local SERVER = [[
location /get { content_by_lua_block { ngx.say(assert(client:get "$upstream/get").body) } }
location /hold { content_by_lua_block { client:get "$upstream/hold" } }
location /popen {
  content_by_lua_block {
    local child = io.popen "exec ls -l /proc/self/fd"
    ngx.print(child:read "*a")
    child:close()
  }
}
location /execute {
  content_by_lua_block { ngx.say(os.execute "exec ls -l /proc/self/fd >$directory/executed; exit 3") }
}
location /both { # a child, and requests while it runs
  content_by_lua_block {
    local child = io.popen "exec cat $directory/fifo"
    local bodies = {}
    for _, res in rill.map({ 1, 2, 3, 4 }, function(i) return client:get("$upstream/" .. i) end) do
      bodies[#bodies + 1] = res.body
    end
    local feeder = assert(io.open("$directory/fifo", "w"))
    feeder:write "hello"
    feeder:close()
    ngx.say(#bodies, " ", child:read "*a") -- nginx itself takes its end
  }
}
]]

-- What the descriptors of a child are, without the numbers of sockets and the like.
local function kinds(listing)
  local list = {}
  for target in listing:gmatch "%d+ %-> ([^\n]+)" do
    list[#list + 1] = target:gsub("%d+", "N")
  end
  table.sort(list)
  return table.concat(list, "\n")
end

describe("a child of an nginx worker", function()
  local upstream, server, folder

  before_each(function()
    upstream, folder = support.node { source = UPSTREAM }, support.directory "children"
    local values = { ca = upstream.ca, upstream = upstream.url, directory = folder }
    server = support.openresty { config = SERVER, http_config = HTTP, values = values }
  end)
  after_each(function()
    assert.falsy(server:log():find("[alert]", 1, true), server:log())
    server:stop()
    upstream:stop()
  end)

  -- What children see, once no client's connection is closed meanwhile.
  local function inherited()
    local last
    return support.wait(function()
      local before = last
      last = kinds(server:get "/popen") .. "\n" .. server:get "/execute" .. kinds(support.read(folder .. "/executed"))
      return last == before and last
    end, 10, "the same twice")
  end

  it("inherits nothing of ours, whatever starts it", function()
    local before = inherited()
    local held = process.start({ "curl", "-s", server.url .. "/hold" }, "/dev/null")
    upstream:wait_events(function(event) return event.open == "/hold" end)
    held:stop()
    upstream:wait_events(function(event) return event.closed == "/hold" end)
    server:get "/get"
    assert.equal(before, inherited())
  end)

  it("is read from as ever, and requests go on meanwhile", function()
    assert(os.execute("mkfifo " .. folder .. "/fifo") == 0)
    assert.equal("4 hello\n", server:get "/both")
  end)
end)
