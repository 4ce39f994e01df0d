local support = require "support"

-- That fn raises, with a message that contains each of the words.
local function assert_raises(words, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "nothing was raised")
  for _, word in ipairs(words) do
    assert.truthy(tostring(message):find(word, 1, true), ("%q lacks %q"):format(tostring(message), word))
  end
end

describe("a header field that HTTP/2 forbids", function()
  local server

  setup(function() server = support.node() end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local FORBIDDEN = {
    { "x bad", "1" }, { "", "1" }, { ":path", "/other" }, { "x-nul", "a\0b" }, { "x-cr", "a\rb" },
    { "x-lf", "a\nx-injected: 1" }, { "x-blank", " a" }, { "x-blank", "a " }, { "x-tab", "\ta" },
    { "Connection", "close" }, { "transfer-encoding", "chunked" }, { "keep-alive", "1" },
    { "proxy-connection", "close" }, { "upgrade", "h2c" }, { "te", "gzip" }, { "x-ünicode", "1" },
  }
  for _, field in ipairs(FORBIDDEN) do
    it(("is raised before anything is sent: %q"):format(field[1] .. ": " .. field[2]), function()
      local client = support.client()
      support.run(function()
        assert_raises({ field[1]:lower():match "^[%w:-]+" or "header" }, client.get, client, server.url .. "/forbidden",
                      { headers = { field } })
      end)
      assert.equal(0, client:stats().connections_opened)
    end)
  end

  it("shows the value", function()
    local client = support.client()
    support.run(function()
      assert_raises({ "x-number", "table" }, client.get, client, server.url, { headers = { { "x-number", {} } } })
      assert_raises({ "te", "gzip" }, client.get, client, server.url, { headers = { te = "gzip" } })
    end)
  end)

  it("has a companion: a method that is no token", function()
    local client = support.client()
    support.run(function()
      for _, method in ipairs { "", "GET /", "G\nET", "a b" } do
        assert_raises({ "method" }, client.request, client, { method = method, url = server.url })
      end
    end)
  end)
end)

describe("a URL", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local BAD = {
    "", "no scheme", "/path", "ftp://localhost/", "mailto:a@b.test", "https://",
    "https://localhost:99999/", "https://localhost:x/", "https://[::1/", "https://a\1b/", "https://a b/", "//host/path",
  }
  for _, url in ipairs(BAD) do
    it(("that cannot be requested is nil, err with invalid_url: %q"):format(url), function()
      local client = support.client()
      support.run(function()
        local res, err = client:get(url)
        assert.is_nil(res)
        assert.equal("invalid_url", err.reason)
        assert.equal("no", err.processed)
        local stream, same = client:open { url = url }
        assert.is_nil(stream)
        assert.equal("invalid_url", same.reason)
      end)
    end)
  end

  it("that is no string raises", function()
    local client = support.client()
    support.run(function()
      assert_raises({ "url", "nil" }, client.get, client)
      assert_raises({ "url" }, client.get, client, {})
      assert_raises({ "url" }, client.request, client, { method = "GET" })
    end)
  end)

  it("never shows its password in an error", function()
    local client = support.client()
    support.run(function()
      local _, err = client:get(support.refused():gsub("//", "//user:secret@") .. "/")
      assert.equal("connect_failed", err.reason)
      assert.is_nil(tostring(err):find("secret", 1, true))
      assert.is_nil(err.url:find("secret", 1, true))
    end)
  end)
end)
