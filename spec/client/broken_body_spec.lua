local support = require "support"

-- What breaks off is an error, whatever had arrived; and the next request goes through.
local BREAKS = {
  ["close-mid-body"] = "connection_lost",
  ["close-mid-body-with-length"] = "connection_lost",
  ["truncated-mid-body"] = "connection_lost",
  ["reset-mid-body"] = "connection_lost",
  ["close-after-headers"] = "connection_lost",
  ["rst-mid-body-internal-error"] = "reset",
  ["rst-mid-body-cancel"] = "reset",
}

describe("a body that breaks off", function()
  before_each(support.begin)
  after_each(support.check_clean)

  local function peer(case)
    local server = support.hostile { case = case }
    return server, support.client { tls = { ca_file = server.ca } }
  end

  for case, reason in pairs(BREAKS) do
    it(("is %s, never a short success (%s)"):format(reason, case), function()
      local server, client = peer(case)
      support.run(function()
        local res, err = client:get(server.url)
        assert.is_nil(res)
        assert.equal(reason, err.reason)
        assert.equal(200, err.status)
        assert.equal("yes", err.processed)
        assert.is_false(err.retry_safe)
        assert.equal(1, err.attempts)
        assert.equal(200, assert(client:get((server.url:gsub("/case/.*", "/ok")))).status)
      end)
      assert.equal(1, client:stats().closed[reason])
    end)
  end

  for case, reason in pairs { ["close-mid-body"] = "connection_lost", ["rst-mid-body-cancel"] = "reset" } do
    it(("gives a reader what had arrived, then the error (%s)"):format(case), function()
      local server, client = peer(case)
      support.run(function()
        local stream = assert(client:open { url = server.url })
        assert.equal(200, assert(stream:headers()).status)
        local size = 0
        local chunk, err = stream:read()
        while chunk do
          size = size + #chunk
          chunk, err = stream:read()
        end
        assert.equal(reason, err.reason)
        assert.is_true(size > 0)
        assert.equal(reason, stream.close_reason)
      end)
    end)
  end

  it("names the code of the server's reset", function()
    local server, client = peer "rst-mid-body-internal-error"
    support.run(function() assert.equal("INTERNAL_ERROR", select(2, client:get(server.url)).code) end)
  end)

  it("is a protocol_error when it is shorter or longer than its content-length", function()
    for _, case in ipairs { "length-too-long", "length-too-short" } do
      local server, client = peer(case)
      support.run(function()
        local res, err = client:get(server.url)
        assert.is_nil(res)
        assert.equal("protocol_error", err.reason)
      end)
    end
  end)
end)

describe("a body that came to its end", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for _, case in ipairs { "truncated-after-end", "rst-after-end", "data-after-end" } do
    it(("stands, whatever the server does afterwards (%s)"):format(case), function()
      local server = support.hostile { case = case }
      local client = support.client { tls = { ca_file = server.ca } }
      local res = support.run(function() return assert(client:get(server.url)) end)
      assert.equal(200, res.status)
      assert.equal("ended", res.close_reason)
      assert.equal(("case %s\n"):format(case), res.body)
    end)
  end
end)
