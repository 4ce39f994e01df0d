-- The script is the brake: a reader or a writer that pauses. The peer may not send then, or has nothing to
-- answer, so its silence is not its own.
local silent = require "support.silent"
local support = require "support"
local rill = require "rill"

local PATIENCE = 1 -- what the peer has
local PAUSE = 2.2 -- what the script takes

local SOURCE = [[
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  if (headers[':path'] === '/unread') return;
  stream.respond({ ':status': 200 });
  if (headers[':path'] === '/few') { stream.write('few bytes'); return; }
  if (headers[':path'] === '/upload') {
    stream.on('data', () => {});
    stream.on('end', () => stream.end('done'));
    return;
  }
  stream.end('x'.repeat(1000000));
});
]]

describe("a reader that pauses with the window used up", function()
  local server

  setup(function() server = support.node { source = SOURCE } end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  -- Reads one chunk of a long body, pauses, reads the rest. Returns its timings; false where the server stood still for
  -- longer than it may.
  local function try(client)
    local stream = assert(client:open { url = server.url .. "/long" })
    support.wait(function() return stream.bytes_received >= 65535 or stream.close_reason end, 3,
      "the window to be used up")
    local length = stream.close_reason and 0 or #assert(stream:read(1000)) -- far less than what gives window back
    rill.sleep(stream.close_reason and 0 or PAUSE)
    for chunk in stream:chunks() do length = length + #chunk end
    local reason, err = stream:closed()
    if reason == "timeout" then return false end
    assert.equal("ended", reason, tostring(err))
    assert.equal(1000000, length)
    return stream.timings
  end

  local function brake(options)
    local client = support.client(options)
    return support.run(function()
      return support.tries(5, function() return try(client) end, "a body that ends within its time")
    end)
  end

  it("does not use up read_timeout, though it has read something", function()
    brake { window = 65535, read_timeout = PATIENCE }
  end)

  it("does not use up idle_timeout", function()
    brake { window = 65535, idle_timeout = PATIENCE }
  end)

  it("is stalled_local for as long as the window was not given back", function()
    local timings = brake { window = 65535 }
    assert.is_true(timings.stalled_local >= PAUSE * 0.99, timings.stalled_local)
  end)

  it("leaves a peer that may send its read_timeout, whatever the reader does", function()
    local client = support.client { read_timeout = PATIENCE }
    support.run(function()
      silent.wait_timeout("body", function()
        local stream = assert(client:open { url = server.url .. "/few" })
        return nil, select(2, stream:closed()) -- and nobody reads
      end)
    end)
  end)

  it("leaves a peer that may send on another stream the connection's idle_timeout", function()
    local client = support.client { window = 65535, idle_timeout = PATIENCE }
    support.run(function()
      local stream = assert(client:open { url = server.url .. "/long" })
      support.wait(function()
        if stream.close_reason then -- a machine has stood still
          assert.equal("timeout", stream.close_reason)
          stream = assert(client:open { url = server.url .. "/long" })
        end
        return stream.bytes_received >= 65535
      end, 3, "the window to be used up")
      silent.assert_timeout("idle", client:get(server.url .. "/few"))
      assert.equal("timeout", (stream:closed()))
    end)
  end)
end)

describe("a writer that pauses", function()
  local server

  setup(function() server = support.node { source = SOURCE, settings = { initialWindowSize = 10 } } end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function upload(options)
    local client = support.client(options)
    -- False where the server stood still for longer than it may.
    local function try()
      local stream = assert(client:open { url = server.url .. "/upload", method = "POST", body = rill.streaming })
      local written = stream:write "piece"
      rill.sleep(written and PAUSE or 0)
      local res, err = stream:finish()
      if res then res, err = stream:response() end
      if not res then return assert.equal("timeout", err.reason) and false end
      assert.equal("done", res.body)
      return true
    end
    support.run(function() support.tries(5, try, "an answer within its time") end)
  end

  it("does not use up read_timeout", function()
    upload { read_timeout = PATIENCE }
  end)

  it("does not use up idle_timeout", function()
    upload { idle_timeout = PATIENCE }
  end)

  it("leaves the peer all of read_timeout when it writes again", function()
    local client = support.client { read_timeout = PATIENCE }
    support.run(function()
      local stream = assert(client:open { url = server.url .. "/unread", method = "POST", body = rill.streaming })
      assert(stream:write "ten bytes.")
      rill.sleep(PAUSE)
      local written = rill.now()
      assert(stream:write "and no window for these")
      local reason, err = stream:closed()
      assert.equal("timeout", reason)
      assert.equal("headers", err.phase)
      assert.is_true(rill.now() - written >= PATIENCE * 0.99, rill.now() - written)
    end)
  end)
end)
