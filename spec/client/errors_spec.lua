local errors = require "rill.errors"
local rill = require "rill"
local support = require "support"

describe("an error object", function()
  it("reads like a line of a log", function()
    local err = errors.new { reason = "connect_failed", kind = "tcp", url = "https://host:1/", processed = "no",
      message = "connection refused" }
    assert.equal("connect_failed (tcp): https://host:1/: connection refused", tostring(err))
    assert.equal("failed: " .. tostring(err), "failed: " .. err)
    assert.equal(tostring(err) .. " again", err .. " again")
    assert.equal(tostring(err) .. tostring(err), err .. err)
  end)

  it("shows its URL once", function()
    local err = errors.new { reason = "file_error", url = "https://host/", message = "https://host/: too large" }
    assert.equal("file_error: https://host/: too large", tostring(err))
    assert.equal("invalid_url: it is empty", tostring(errors.new { reason = "invalid_url", url = "",
      message = "it is empty" }))
  end)

  it("is safe to retry when the request was not processed", function()
    assert.is_true(errors.new { reason = "goaway", processed = "no" }.retry_safe)
    assert.is_false(errors.new { reason = "reset", processed = "maybe" }.retry_safe)
    assert.is_false(errors.new { reason = "reset", processed = "yes" }.retry_safe)
  end)

  it("shows no password", function()
    for _, url in ipairs { "https://user:secret@host/", "https://user:sec@ret@host/a@b", "https:\\\\user:secret@host/",
                           " https://us\ner:secret@host", "https://user:secret@host:port/", "//user:secret@host/" } do
      local text = tostring(errors.new { reason = "invalid_url", url = url })
      assert.is_nil(text:find("sec", 1, true), text)
      assert.truthy(text:find("host", 1, true), text)
    end
    assert.equal("https://host/a@b", errors.new { reason = "error", url = "https://host/a@b" }.url)
  end)
end)

describe("the error of a request", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function failure(url, options, call)
    local client = support.client(options)
    return support.run(function()
      local res, err = client[call or "get"](client, url)
      assert.is_nil(res)
      return err
    end)
  end

  it("has all its fields, and nil where there is nothing to say", function()
    local url = support.refused() .. "/page"
    local err = failure(url)
    assert.equal("connect_failed", err.reason)
    assert.equal("tcp", err.kind)
    assert.equal(url, err.url)
    assert.equal("GET", err.method)
    assert.equal("no", err.processed)
    assert.is_true(err.retry_safe)
    for _, name in ipairs { "status", "code", "phase", "expected", "limit" } do
      assert.is_nil(err[name], name)
    end
    assert.equal("connect_failed (tcp): " .. url .. ": " .. err.message, tostring(err))
  end)

  it("is invalid_url for what is no URL, or has a scheme that rill does not speak", function()
    for _, url in ipairs { "", "nothing", "/path", "https://", "ftp://localhost/",
                           "https://localhost:99999/", "https://a b/" } do
      local err = failure(url)
      assert.equal("invalid_url", err.reason, url)
      assert.equal("no", err.processed)
      assert.truthy(#err.message > 0)
    end
  end)

  it("hides the password of a URL that cannot be used", function()
    for _, url in ipairs { "https://user:secret@host:port/", support.refused():gsub("//", "//user:secret@") .. "/" } do
      local err = failure(url)
      assert.is_nil((tostring(err) .. err.message .. err.url):find "secret")
    end
  end)

  it("keeps the code of a reset, and says that a head had arrived", function()
    local server = support.hostile { case = "rst-mid-body-cancel" }
    local err = failure(server.url, { tls = { ca_file = server.ca } })
    assert.equal("reset", err.reason)
    assert.equal("CANCEL", err.code)
    assert.equal(200, err.status)
    assert.equal("yes", err.processed)
    assert.is_false(err.retry_safe)
    assert.truthy(tostring(err):find("reset (CANCEL): ", 1, true))
  end)

  describe("of a response whose head is large", function()
    local HEAD = 30000 -- bytes

    -- Errors of so many requests; every second one is watched by a hook, and so is a stream.
    local function fail(count, keep_head)
      local server = support.node { source = ([[let number = 0; // no two heads are alike: strings are kept once
      server.on('stream', (stream) => {
        stream.on('error', () => {});
        stream.respond({ ':status': 200, 'x-long': String(number++).padStart(%d, 'a') });
        stream.write('begun', () => stream.session.destroy());
      });]]):format(HEAD) }
      local client = support.client { retries = 0 }
      return support.run(function()
        local list = {}
        for i = 1, count do
          local hook = i % 2 == 0 and function() end or nil
          list[i] = select(2, client:get(server.url .. "/", { keep_head = keep_head, on_chunk = hook }))
        end
        return list
      end)
    end

    it("has its fields where the request has asked for them", function()
      local list = fail(2, true)
      assert.equal(2, #list)
      for _, err in ipairs(list) do
        assert.same({ "connection_lost", 200, HEAD }, { err.reason, err.status, #err.headers["x-long"] })
      end
    end)

    it("does not hold it where nobody has asked", function()
      fail(2)
      collectgarbage()
      collectgarbage() -- what finalizers held
      local before, count = collectgarbage "count", 40
      local list = fail(count)
      collectgarbage()
      collectgarbage() -- what finalizers held
      local held = (collectgarbage "count" - before) * 1024
      assert.equal(count, #list)
      assert.is_nil(list[1].headers)
      assert.is_true(held < count * HEAD / 4, ("%d bytes"):format(held))
    end)
  end)

  it("shows a code that has no name as its number, as the stream does", function()
    local server = support.node { source = [[
      server.on('stream', (stream) => { stream.on('error', () => {}); stream.close(4711); });
    ]] }
    local client = support.client()
    support.run(function()
      local stream = assert(client:open { url = server.url .. "/" })
      local reason, err = stream:closed()
      assert.equal("reset", reason)
      assert.equal("4711", err.code)
      assert.equal("4711", stream.error_code)
    end)
  end)

  it("lists the causes of a lost connection", function()
    local server = support.node()
    local err = failure(server.url .. "/drop?n=100&announce=1")
    assert.equal("connection_lost", err.reason)
    assert.equal("yes", err.processed)
    assert.equal(1, #err.errors)
    assert.truthy(#err.errors[1].message > 0)
  end)

  it("lists the cause that ended the last attempt, however many there were", function()
    local dying = support.hostile { case = "reset-before-headers" }
    local err = failure(dying.url, { retries = 3, tls = { ca_file = dying.ca } })
    assert.equal("connection_lost", err.reason, tostring(err))
    assert.equal(4, err.attempts)
    assert.equal(1, #err.errors)
    assert.equal("connection_lost", err.errors[1].reason)
  end)

  it("tells both sizes where a limit was passed", function()
    local server = support.node()
    local err = failure(server.url .. "/size?n=5000&announce=1", { maxsize = 1000 })
    assert.equal("maxsize_exceeded", err.reason)
    assert.equal(5000, err.expected)
    assert.equal(1000, err.limit)
    err = failure(server.url .. "/size?n=50000", { maxsize = 1000 })
    assert.equal("maxsize_exceeded_actual", err.reason)
    assert.equal(1000, err.limit)
  end)

  it("names the phase that a timeout ended", function()
    local server, client = support.node(), support.client()
    local err = support.run(function()
      assert(client:get(server.url .. "/size?n=1")) -- the connection stands
      return select(2, client:get(server.url .. "/hold", { timeout = 0.1 }))
    end)
    assert.equal("timeout", err.reason)
    assert.equal("headers", err.phase)
    assert.equal("maybe", err.processed)
    assert.truthy(tostring(err):find("timeout (headers): " .. server.url .. "/hold: ", 1, true))
  end)
end)

describe("wrong use", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is raised at the caller's line, naming argument and value", function()
    local client = support.client()
    support.run(function()
      local line = debug.getinfo(1, "l").currentline + 1
      local ok, message = pcall(function() client:get(42); return end)
      assert.is_false(ok)
      local wanted = ("errors_spec.lua:%d: client:get: url must be a string, got 42"):format(line)
      assert.truthy(message:find(wanted, 1, true), message)
    end)
  end)

  it("is raised for a method that is no token, a body that is no string, a call outside of tasks", function()
    local client = support.client()
    local function raised(wanted, fn, ...)
      local ok, message = pcall(fn, client, ...)
      assert.is_false(ok)
      assert.truthy(message:find("errors_spec.lua", 1, true), message)
      assert.truthy(message:find(wanted, 1, true), message)
    end
    local function get(...) client.get(...) return end
    local function post(...) client.post(...) return end
    local function request(...) client.request(...) return end
    raised("rill.run", get, "https://localhost/")
    support.run(function()
      raised("GE T", request, { url = "https://localhost/", method = "GE T" })
      raised("method must be a string, got 1", request, { url = "https://localhost/", method = 1 })
      raised("body must be a string, { file = path }, a function, rill.form, rill.json, rill.multipart or "
        .. "rill.streaming, got 5", post, "https://localhost/", 5)
      raised("use open", post, "https://localhost/", rill.streaming)
      raised("url must be a string, got nil", request, {})
      raised("options must be a table", get, "https://localhost/", "fast")
    end)
  end)
end)
