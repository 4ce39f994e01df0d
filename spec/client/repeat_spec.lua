-- What is not sent again by itself, and how often the rest is.
local support = require "support"
local rill = require "rill"

local REPEATS = support.here .. "/cases/repeats.py"
local MOST = 10 -- repeats that do not count, doc/reference/errors.md

local function sum(ends, field)
  local total = 0
  for _, seen in ipairs(ends) do total = total + seen[field] end
  return total
end

describe("a request whose head had arrived", function()
  local server, before, client

  setup(function() server = support.hostile { case = "goaway-after-head", extra = REPEATS } end)
  teardown(function() server:stop() end)
  before_each(function()
    support.begin()
    before = server:settled()
    client = support.client { tls = { ca_file = server.ca } }
  end)
  after_each(support.check_clean)

  local function url_of(case)
    return server.url:match "^https://[^/]*" .. "/case/" .. case
  end

  -- How many requests the server has seen in this spec, once the client is closed.
  local function requests_seen()
    client:close()
    local ends = support.run(function() return server:ends(before + 1) end)
    local count = 0
    for i = before + 1, #ends do count = count + ends[i].streams end
    return count
  end

  for case, reason in pairs {
    ["goaway-after-head"] = "goaway", ["goaway-calm-after-head"] = "goaway",
    ["refused-after-head"] = "reset", ["lost-after-head"] = "connection_lost",
  } do
    for method, body in pairs { GET = false, POST = "text" } do
      it(("is not repeated: %s, %s"):format(case, method), function()
        support.run(function()
          local res, err = client:request { url = url_of(case), method = method, body = body or nil }
          assert.is_nil(res)
          assert.equal(reason, err.reason)
          assert.equal("yes", err.processed)
          assert.is_false(err.retry_safe)
          assert.equal(1, err.attempts)
        end)
        assert.equal(0, client:stats().retries)
        assert.equal(1, requests_seen())
      end)
    end

    it("is not repeated, and hooks see one attempt: " .. case, function()
      local heads, chunks = 0, {}
      support.run(function()
        local res, err = client:get(url_of(case), {
          on_headers = function() heads = heads + 1 end,
          on_chunk = function(chunk) chunks[#chunks + 1] = chunk end,
        })
        assert.is_nil(res)
        assert.equal(reason, err.reason)
      end)
      assert.equal(1, heads)
      assert.is_true(#table.concat(chunks) <= #"half")
      assert.equal(1, requests_seen())
    end)
  end

  it("leaves no file and is not repeated when it was downloaded", function()
    local directory = support.directory "repeat"
    support.run(function()
      local res, err = client:download(url_of "goaway-after-head", directory .. "/page")
      assert.is_nil(res)
      assert.equal("goaway", err.reason)
      assert.equal(1, err.attempts)
    end)
    assert.same({}, support.find(directory))
    assert.equal(1, requests_seen())
  end)
end)

describe("a request that GOAWAY without error excludes", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- Returns the error and what the server saw.
  local function ask(case, method, h2c)
    local server = support.hostile { case = case, extra = REPEATS, h2c = h2c }
    local client = support.client { tls = { ca_file = server.ca }, retries = 0, h2c = h2c }
    local err = support.run(function()
      local res, failure = client:request { url = server.url, method = method }
      assert.is_nil(res)
      return failure
    end)
    assert.equal(MOST, client:stats().retries)
    client:close()
    return err, support.run(function() return server:ends(MOST + 1) end)
  end

  for _, method in ipairs { "GET", "POST" } do
    it("is sent eleven times, on a connection each: " .. method, function()
      local err, ends = ask("goaway-always", method)
      assert.equal("goaway", err.reason)
      assert.equal(MOST + 1, err.attempts)
      assert.equal(MOST + 1, #ends)
      assert.equal(MOST + 1, sum(ends, "streams"))
    end)
  end

  it("is sent eleven times where the connection begins with it", function()
    local err, ends = ask("goaway-with-settings", "GET")
    assert.equal("goaway", err.reason)
    assert.equal(MOST + 1, err.attempts)
    assert.equal(MOST + 1, #ends)
  end)
end)

describe("a request that no connection takes", function()
  before_each(support.begin)
  after_each(support.check_clean)

  -- Sends three at a time to a peer whose connections take none; returns their errors.
  local function ask_three(h2c)
    local server = support.hostile { case = "goaway-with-settings", extra = REPEATS, h2c = h2c }
    local client = support.client { tls = { ca_file = server.ca }, h2c = h2c, retries = 0 }
    local errors = support.run(function()
      local tasks, errs = {}, {}
      for i = 1, 3 do tasks[i] = rill.spawn(function() return client:get(server.url) end) end
      for i = 1, 3 do
        local res, err = tasks[i]:join()
        assert.is_nil(res)
        assert.equal("no", err.processed)
        errs[i] = err
      end
      return errs
    end)
    assert.equal(MOST + 1, client:stats().connections_opened)
    client:close()
    support.run(function() server:ends(MOST + 1) end)
    return errors
  end

  it("waits for eleven of them", function()
    for _, err in ipairs(ask_three(true)) do
      assert.equal("inactive", err.reason)
      assert.equal(0, err.attempts)
    end
  end)

  it("waits for eleven of them while another is sent on each", function()
    local errors = ask_three(false)
    assert.equal("goaway", errors[1].reason)
    assert.equal(MOST + 1, errors[1].attempts)
    assert.equal("inactive", errors[2].reason)
    assert.equal("inactive", errors[3].reason)
  end)
end)
