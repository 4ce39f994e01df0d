-- How a request is written in HTTP/1.1, and what an early answer does to its body.
local support = require "support"

local OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

local ANSWERS = {
  ["/"] = OK,
  ["/a?b=c"] = OK,
  ["*"] = OK,
  ["/413"] = { "HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno", early = true },
  ["/early"] = { "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", early = true },
  ["/417"] = { "HTTP/1.1 417 No\r\ncontent-length: 0\r\n\r\n", early = true },
}

describe("a request over HTTP/1.1", function()
  local server, client

  before_each(function()
    support.begin()
    server = support.http1(ANSWERS)
    client = support.client { user_agent = "me" }
  end)
  after_each(support.check_clean)

  local function seen(what)
    return server:wait_events(function(event) return event.event == what end)[1]
  end

  it("has its host first and its names in lower case", function()
    support.run(function() assert(client:get(server.url .. "/a?b=c", { headers = { ["X-A"] = "1" } })) end)
    local request = seen "request"
    assert.equal("GET /a?b=c HTTP/1.1", request.line)
    assert.equal(("host: localhost:%d"):format(server.port), request.fields[1])
    local fields = table.concat(request.fields, "\n")
    assert.truthy(fields:find("\nuser-agent: me", 1, true) and fields:find("\nx-a: 1", 1, true))
  end)

  it("has a content-length where it is known", function()
    support.run(function() assert(client:post(server.url .. "/", "hello")) end)
    assert.truthy(table.concat(seen("request").fields, "\n"):find("content-length: 5", 1, true))
    assert.equal("hello", seen("body").text)
  end)

  it("says that an empty POST is empty", function()
    support.run(function() assert(client:post(server.url .. "/", "")) end)
    assert.truthy(table.concat(seen("request").fields, "\n"):find("content-length: 0", 1, true))
  end)

  it("is chunked where its length is not known", function()
    local left = 100
    support.run(function()
      assert(client:post(server.url .. "/", function()
        left = left - 1
        return left >= 0 and ("x"):rep(20000) or nil
      end))
    end)
    assert.truthy(table.concat(seen("request").fields, "\n"):find("transfer-encoding: chunked", 1, true))
    assert.equal(2000000, seen("body").bytes)
  end)

  it("has trailers behind the last chunk", function()
    support.run(function()
      assert(client:request {
        url = server.url .. "/", method = "POST", body = "hello", trailers = { ["x-sum"] = "abc" },
      })
    end)
    assert.same({ "x-sum: abc" }, seen("body").trailers)
    assert.equal("hello", seen("body").text)
  end)

  it("stops its body when it has been refused, and the answer is read", function()
    support.run(function()
      local pieces = 0
      local res = assert(client:post(server.url .. "/413", function()
        pieces = pieces + 1
        return ("x"):rep(65536)
      end))
      assert.equal(413, res.status)
      assert.equal("no", res.body)
    end)
    assert.equal(0, client:stats().connections)
  end)

  it("that waits for 100 (Continue) sends no body when it is refused", function()
    support.run(function()
      local res = assert(client:post(server.url .. "/417", "hello", { expect_continue = true }))
      assert.equal(417, res.status)
    end)
    assert.equal(0, client:stats().connections)
  end)
end)
