local rill = require "rill"
local support = require "support"

local SECRET = "s3cret"

describe("tostring", function()
  local server, options

  setup(function() server = support.node() end)
  teardown(function() server:stop() end)
  before_each(function()
    support.begin()
    options = { tls = { ca_file = server.ca } }
  end)
  after_each(support.check_clean)

  -- Matches a pattern in which URL stands for the server's.
  local function assert_shown(pattern, object)
    local text = tostring(object)
    assert.is_nil(text:find("\n", 1, true))
    assert.matches("^" .. pattern:gsub("URL", (server.url:gsub("%p", "%%%0"):gsub("%%", "%%%%"))) .. "$", text)
    assert.is_nil(text:find(SECRET, 1, true))
  end

  -- The same URL with a user and a password.
  local function with_password(path)
    return server.url:gsub("//", "//user:" .. SECRET .. "@") .. path
  end

  it("of a response tells status, URL, size, time and how it ended", function()
    local client = support.client(options)
    support.run(function()
      assert_shown("200 URL/size%?n=12732 12,732 bytes in %d+%.%d%d%d s, ended",
        assert(client:get(with_password "/size?n=12732")))
      assert_shown("200 URL/size%?n=1 1 byte in .* s, ended", assert(client:get(server.url .. "/size?n=1")))
      assert_shown("404 URL/status%?n=404 0 bytes in .* s, ended", assert(client:get(server.url .. "/status?n=404")))
      assert_shown("200 URL/size%?n=1234567 1,234,567 bytes in .*", assert(client:get(server.url .. "/size?n=1234567")))
      local stopped = assert(client:get(server.url .. "/size?n=1000", { on_headers = function() return "stop" end }))
      assert_shown("200 URL/size%?n=1000 %d.* bytes? in .* s, stopped", stopped)
    end)
  end)

  it("of a stream tells its id, request, status and how it ended", function()
    local client = support.client(options)
    support.run(function()
      local stream = assert(client:open { url = with_password "/size?n=5", method = "DELETE" })
      assert_shown("stream: DELETE URL/size%?n=5, waiting", stream)
      stream:headers()
      assert_shown("stream 1: DELETE URL/size%?n=5 200, [oe].*", stream)
      stream:closed()
      assert_shown("stream 1: DELETE URL/size%?n=5 200, ended", stream)
      local held = assert(client:open { url = server.url .. "/hold" })
      while not held.request_sent do rill.sleep(0) end
      assert_shown("stream 3: GET URL/hold, open", held)
      held:cancel()
      held:closed()
      assert_shown("stream 3: GET URL/hold 499, cancelled", held)
    end)
  end)

  it("of a client and a connection tells what they do", function()
    support.run(function()
      local client = rill.client(options)
      assert_shown("client: 0 connections, 0 streams, 0 pending", client)
      assert(client:get(server.url .. "/size?n=1"))
      assert_shown("client: 1 connection, 0 streams, 0 pending", client)
      client:close()
      assert_shown("client: closed", client)

      local connection = assert(rill.connect(with_password "/", options))
      assert_shown("connection to URL %(%[?[%x.:]+%]?:%d+, h2%): 0 streams, 0 pending", connection)
      local held = assert(connection:open { url = "/hold" })
      while not held.request_sent do rill.sleep(0) end
      assert_shown("connection to URL .*: 1 stream, 0 pending", connection)
      connection:close()
      assert_shown("connection to URL .*: closed, %l+", connection)
    end)
  end)

  it("of a task tells where it was made and what it does", function()
    support.run(function()
      local queue = rill.queue()
      local task = rill.spawn(function() return queue:pop() end)
      assert_shown("task of .*tostring_spec%.lua:%d+: not begun", task)
      rill.sleep(0)
      assert_shown("task of .*: waits in queue:pop", task)
      queue:close()
      task:join()
      assert_shown("task of .*: ended", task)
      local failed = rill.spawn(error, "boom", 0)
      failed:join()
      assert_shown("task of .*: failed: boom", failed)
      local cancelled = rill.spawn(rill.sleep, 60)
      rill.sleep(0)
      assert_shown("task of .*: waits", cancelled)
      cancelled:cancel()
      cancelled:join()
      assert_shown("task of .*: cancelled", cancelled)
    end)
  end)

  it("of a queue and a semaphore counts", function()
    support.run(function()
      local queue, semaphore = rill.queue(1200), rill.semaphore(3)
      queue:push(1)
      assert_shown("queue: 1 item of at most 1,200", queue)
      queue:close()
      assert_shown("queue: 1 item of at most 1,200, closed", queue)
      assert_shown("queue: 0 items", rill.queue())
      semaphore:acquire()
      assert_shown("semaphore: 2 of 3 free", semaphore)
    end)
  end)

  it("of an error tells reason, URL and message", function()
    local client = support.client()
    support.run(function()
      local refused = support.refused()
      local _, err = client:get(refused:gsub("//", "//user:" .. SECRET .. "@") .. "/")
      assert.matches("^connect_failed %(tcp%): https://localhost:%d+/: ", tostring(err))
      assert.is_nil(tostring(err):find(SECRET, 1, true))
    end)
  end)

  it("of headers has a field a line, and no credentials", function()
    local client = support.client(options)
    support.run(function()
      local res = assert(client:get(server.url .. "/echo", { headers = { authorization = "Bearer " .. SECRET } }))
      assert.is_nil(tostring(res.request.headers):find(SECRET, 1, true))
      assert.matches("authorization: %(not shown%)", tostring(res.request.headers))
      assert.equal("Bearer " .. SECRET, res.request.headers.authorization)
      assert.matches("content%-type: application/json", tostring(res.headers))
    end)
  end)
end)

describe("headers that were received", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("hide how they are kept, and can be sent", function()
    local server = support.node()
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      local received = assert(client:get(server.url .. "/echo")).headers
      for name, value in pairs(received) do error(tostring(name) .. tostring(value)) end
      for _, value in ipairs(received) do error(tostring(value)) end
      assert.equal(0, #received)
      local echoed = assert(client:get(server.url .. "/echo", { headers = received }))
      assert.truthy(echoed.body:find('["content-type","application/json"]', 1, true), echoed.body)
    end)
  end)
end)
