local support = require "support"

local CONFIG = [[
location /use {
  content_by_lua_block {
    local rill = require "rill"
    for _, use in ipairs {
      function() rill.run(print) end,
      function() rill.client() end,
      function() rill.client({ timeout = 1 }) end,
      function() rill.connect("https://localhost/") end,
      function() rill.spawn(print) end,
      function() rill.sleep(1) end,
      function() rill.queue():pop() end,
      function() rill.timeout(1, print) end,
    } do
      ngx.say(select(2, pcall(use)))
    end
  }
}
location /jobs {
  content_by_lua_block {
    ngx.timer.at(0, function()
      local rill = require "rill"
      ngx.log(ngx.NOTICE, "in a timer: ", select(2, pcall(rill.run, print)))
    end)
    ngx.say "begun"
  }
}
location /pure {
  content_by_lua_block {
    local url, html = require "rill.url", require "rill.html"
    local rill = require "rill"
    ngx.say(url.resolve("https://example.com/a/", "../b"))
    ngx.say(html.links('<a href="c">', "https://example.com/")[1])
    ngx.say(rill.url.normalize "HTTPS://EXAMPLE.com:443")
    ngx.say(rill.queue(3):count(), " ", rill.now() > 0, " ", rill.version)
  }
}
]]

describe("inside nginx", function()
  local server

  setup(function()
    server = support.openresty {
      config = CONFIG,
      http_config = [[
        init_by_lua_block { ngx.log(ngx.NOTICE, "at the start: ", select(2, pcall(require "rill".client))) }
      ]],
    }
  end)
  teardown(function() server:stop() end)

  local SENTENCE = "rill does not run inside nginx yet"

  it("everything that would hold up the worker raises, and says why", function()
    local count = 0
    for line in server:get "/use":gmatch "[^\n]+" do
      count = count + 1
      assert.truthy(line:find(SENTENCE, 1, true), line)
      assert.truthy(line:find("^content_by_lua.*:%d+: "), line)
    end
    assert.equal(8, count)
    assert.truthy(server:log():find(SENTENCE, 1, true))
  end)

  it("it raises in every phase: a timer, the start", function()
    assert.equal("begun\n", server:get "/jobs")
    support.wait(function() return server:log():find("in a timer: .*" .. SENTENCE) end, 5, "the timer")
    assert.truthy(server:log():find("at the start: .*" .. SENTENCE), server:log())
  end)

  it("what waits for nothing works: URLs and links", function()
    local said = server:get "/pure"
    local urls = "https://example.com/b\nhttps://example.com/c\nhttps://example.com/\n"
    assert.truthy(said:find(urls .. "0 true ", 1, true), said)
  end)
end)
