-- From inside a worker everything goes that goes elsewhere: proxies, HTTP/1.1, files, events, a crawl in a timer.
local proxies = require "support.proxy"
local site = require "support.site"
local support = require "support"

local PAGES = [[{
  '/': '<a href=one>1</a><a href=two>2</a>', '/one': '<a href=two>2</a>', '/two': 'the end',
  '/large': 'x'.repeat(3000000), '/from': { status: 302, location: '/two' },
}]]

local HTTP = [[
init_by_lua_block {
  rill = require "rill"
  events = {}
  local function new(options)
    options.tls, options.timeout = { ca_file = "$ca" }, 30
    return assert(rill.client(options))
  end
  clients = {
    plain = new {},
    connect = new { proxy = "http://127.0.0.1:$tinyproxy" },
    socks = new { proxy = "socks5://user:secret@127.0.0.1:$microsocks" },
    dead = new { proxy = "http://127.0.0.1:$dead" },
    old = new { protocols = { "http/1.1" } },
    watched = new { on_event = function(event) events[#events + 1] = event.type end },
  }
}
]]

local SERVER = [[
location /by {
  content_by_lua_block {
    local paths = { "/one", "/two", "/from", "/large" }
    local function get(path) return clients[ngx.var.arg_way]:get("$upstream" .. path) end
    local lengths = {}
    for path, res, err in rill.map(paths, get, { concurrency = 4 }) do
      if not res then ngx.say(err.reason, " ", err.kind) return end
      lengths[path] = #res.body
    end
    local res = assert(get "/two")
    ngx.say(res.protocol, " ", lengths["/one"], " ", lengths["/from"], " ", lengths["/large"])
  }
}
location /old {
  content_by_lua_block {
    local total, protocol = 0
    for _, res in rill.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function(i)
      return assert(clients.old:get("$http1/" .. i))
    end) do
      total, protocol = total + tonumber(res.body), res.protocol
    end
    ngx.say(protocol, " ", total)
  }
}
location /download {
  content_by_lua_block {
    local res = assert(clients.plain:download("$upstream/large", "$folder/large"))
    ngx.say(res.status)
    ngx.say(assert(assert(clients.plain:get "$upstream/large"):save "$folder/saved"))
  }
}
location /events {
  content_by_lua_block {
    assert(clients.watched:get "$upstream/from")
    rill.sleep(0)
    ngx.say(table.concat(events, " "))
  }
}
location /crawl { # begins in a timer, which outlives the request
  content_by_lua_block {
    assert(ngx.timer.at(0, function()
      local ok, err = pcall(function()
        local all = assert(require "rill.crawl" {
          start = "$upstream/", out = "$folder/items.jsonl", state = "$folder/state.db", robots = false,
          client = { tls = { ca_file = "$ca" } },
          page = function(page)
            page:emit { path = page.url:match "[^/]*$", links = #page:css "a" }
          end,
        })
        ngx.log(ngx.NOTICE, "<crawled ", all.pages, " ", all.reason, ">")
      end)
      if not ok then ngx.log(ngx.ERR, "<crawled not: ", err, ">") end
    end))
    ngx.say "begun"
  }
}
]]

describe("from inside nginx", function()
  local upstream, http1, tinyproxy, microsocks, server, folder

  setup(function()
    upstream = site.start(PAGES)
    local answers = {}
    for i = 1, 10 do answers["/" .. i] = ("HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%d"):format(#tostring(i), i) end
    http1 = support.http1(answers, { tls = true })
    tinyproxy, microsocks = proxies.tinyproxy(), proxies.microsocks("user", "secret")
    folder = support.directory "network"
    local values = { ca = upstream.ca, upstream = upstream.url, http1 = http1.url, tinyproxy = tinyproxy.port,
      microsocks = microsocks.port, folder = folder, dead = support.refused():match ":(%d+)" }
    server = support.openresty { config = SERVER, http_config = HTTP, values = values }
  end)
  teardown(function()
    for _, each in ipairs { server, upstream, http1, tinyproxy, microsocks } do each:stop() end
  end)

  for _, way in ipairs { "plain", "connect", "socks" } do
    it("requests go by " .. way, function()
      assert.equal("h2 17 7 3000000\n", server:get("/by?way=" .. way))
    end)
  end

  it("a proxy that is not there is told as such", function()
    assert.equal("connect_failed proxy\n", server:get "/by?way=dead")
  end)

  it("HTTP/1.1 over TLS goes over a few connections", function()
    assert.equal("http/1.1 55\n", server:get "/old")
    local accepted = 0
    for _, event in ipairs(http1:events()) do accepted = accepted + (event.accept and 1 or 0) end
    assert.is_true(accepted <= 6, accepted)
  end)

  it("bodies go to files", function()
    assert.equal("200\ntrue\n", server:get "/download")
    for _, name in ipairs { "large", "saved" } do assert.equal(3000000, #support.read(folder .. "/" .. name)) end
  end)

  it("on_event shows what happened", function()
    assert.equal("request dial connected sent head done redirect request sent head done\n",
      server:get "/events")
  end)

  it("a site is crawled in a timer", function()
    assert.equal("begun\n", server:get "/crawl")
    local said = support.wait(function() return server:log():match "<crawled ([^>]*)>" end, 30, "the crawl")
    assert.equal("3 finished", said)
    local paths = {}
    for _, item in ipairs(site.lines(folder .. "/items.jsonl")) do paths[#paths + 1] = item.path .. item.links end
    table.sort(paths)
    assert.same({ "2", "one1", "two0" }, paths)
  end)
end)
