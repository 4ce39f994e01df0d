-- What a worker keeps of requests, light threads and coroutines that have ended, where nothing of rill waits for long.
local support = require "support"

local HTTP = [[
init_by_lua_block {
  rill = require "rill"
  client = assert(rill.client { tls = { ca_file = "$ca" }, timeout = 60 })
  function gone() -- requests that have ended and are still kept
    local C = require "rill.clib"
    return C.rill_nginx_gone(require("rill.runtime").loop())[0]
  end
}
]]

local SERVER = [[
location /wrong { content_by_lua_block { ngx.say(select(2, client:get "https://").reason) } }
location /dropped {
  content_by_lua_block {
    client:open({ url = "$upstream/dropped" }):cancel()
    ngx.say "dropped"
  }
}
location /gone { content_by_lua_block { client:get "https://" ngx.say(gone()) } }
location /get { content_by_lua_block { ngx.say(assert(client:get "$upstream/get").body) } }
location /coroutines { # one after the other, in one request
  content_by_lua_block {
    local function get() return assert(client:get "$upstream/in").body end
    local kept = setmetatable({}, { __mode = "k" })
    for i = 1, 300 do
      local co = coroutine.create(get)
      kept[co] = true
      assert(coroutine.resume(co))
    end
    get()
    collectgarbage()
    collectgarbage()
    local count = 0
    for _ in pairs(kept) do count = count + 1 end
    ngx.say(count < 150)
  }
}
]]

describe("a worker keeps little", function()
  local upstream, server

  setup(function()
    upstream = support.node { script = "got.js" }
    server = support.openresty {
      config = SERVER, http_config = HTTP, values = { ca = upstream.ca, upstream = upstream.url },
    }
  end)
  teardown(function()
    server:stop()
    upstream:stop()
  end)

  local function ask(path, count)
    local urls = {}
    for i = 1, count do urls[i] = server.url .. path end
    return select(2, server:ask(urls):gsub("[%w_]+\n", ""))
  end

  it("of requests whose calls fail at once, or that never wait", function()
    assert.equal("got /get\n", server:get "/get")
    for _, path in ipairs { "/wrong", "/dropped" } do
      assert.equal(300, ask(path, 300))
      local kept = tonumber(server:get "/gone")
      assert.is_true(kept <= 64, kept .. " requests")
    end
  end)

  it("of coroutines that have ended, in a request that goes on", function()
    assert.equal("true\n", server:get "/coroutines")
  end)
end)
