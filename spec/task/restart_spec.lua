local support = require "support"
local rill = require "rill"

local CONCURRENCY = 20
local BACK = 100 -- retries: a server that starts on a busy machine takes its time

-- Answers at once. A SIGHUP is the order to go gracefully: no new connections, GOAWAY, the open streams finish.
local GRACEFUL = [[
const sessions = new Set();
server.on('session', (session) => {
  sessions.add(session);
  session.on('close', () => sessions.delete(session));
});
server.on('stream', (stream) => {
  stream.on('error', () => {});
  setTimeout(() => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200 });
    stream.end('good');
  }, 2);
});
process.on('SIGHUP', () => {
  server.close(() => process.exit(0));
  for (const session of sessions) session.close();
});
]]

-- GETs without a pause while `disturb` runs, and a little longer; raises unless all of them are good. Returns how many.
local function load_during(client, url, disturb)
  local done, good = false, 0
  local workers = {}
  for worker = 1, CONCURRENCY do
    workers[worker] = rill.spawn(function()
      local mine = 0
      repeat
        mine = mine + 1
        local last = done -- one more after the end
        local res, err = client:get(("%s?%d-%d"):format(url, worker, mine))
        assert(res, ("request %d of worker %d: %s"):format(mine, worker, tostring(err)))
        assert.equal(200, res.status)
        good = good + 1
      until last
    end)
  end
  disturb(function(count) -- waits for so many more
    local from = good
    support.wait(function() return good >= from + count end, 10, count .. " more good responses")
  end)
  done = true
  for _, worker in ipairs(workers) do
    local _, err = worker:join()
    assert.is_nil(err, err and err.message)
  end
  return good
end

describe("a server that is killed and started again", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("under 200 requests costs none of those that are safe to repeat, and every other is told", function()
    local COUNT, SENT = 200, 150
    local server = support.node() -- holds what it is asked
    local client = support.client { max_streams = SENT, retries = BACK }
    local told = { GET = 0, POST = 0 }
    support.run(function()
      local tasks = {}
      for i = 1, COUNT do
        local method = i % 2 == 0 and "GET" or "POST"
        tasks[i] = rill.spawn(function()
          return client:request { url = server.url .. "/hold?" .. i, method = method, body = i % 2 == 1 and "x" or nil }
        end)
      end
      server:wait_events(function(event) return event.event == "request" end, SENT)
      assert.equal(COUNT - SENT, client:stats().pending)
      server.process:signal "KILL"
      server.process:wait(3)
      local again = support.node { port = server.port, source = GRACEFUL }
      local lost = 0
      for i, task in ipairs(tasks) do
        local res, err = task:join()
        local method = i % 2 == 0 and "GET" or "POST"
        told[method] = told[method] + 1
        if res then
          assert.equal("good", res.body)
          assert.is_true(method == "GET" or i > SENT, "a POST that was sent is not repeated")
        else
          lost = lost + 1
          assert.equal("POST", method)
          assert.equal("connection_lost", err.reason)
          assert.equal("maybe", err.processed)
          assert.is_false(err.retry_safe)
        end
      end
      assert.equal(SENT / 2, lost)
      again:wait_events(function(event) return event.event == "session" end)
    end, 15)
    assert.same({ GET = COUNT / 2, POST = COUNT / 2 }, told)
    local stats = client:stats()
    assert.same({ ended = COUNT - SENT / 2, connection_lost = SENT / 2 }, stats.closed)
    assert.equal(2, stats.connections_opened)
    assert.equal(0, stats.streams + stats.pending)
  end)
end)

describe("a server that goes gracefully", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("costs no GET when nginx is reloaded three times under load", function()
    local server = support.nginx { files = { page = 2000 } }
    local client = support.client()
    local good = support.run(function()
      return load_during(client, server.url .. "/page", function(wait)
        for _ = 1, 3 do
          wait(100)
          server:reload()
        end
        wait(100)
      end)
    end, 20)
    assert.equal(good, client:stats().responses)
    assert.same({ ended = good }, client:stats().closed)
    assert.is_true(client:stats().connections_opened >= 4, client:stats().connections_opened .. " connections")
  end)

  it("costs no GET when node is replaced under load", function()
    local server = support.node { source = GRACEFUL }
    local client = support.client { retries = BACK }
    local good = support.run(function()
      return load_during(client, server.url .. "/page", function(wait)
        for _ = 1, 2 do
          wait(100)
          server.process:signal "HUP"
          server.process:wait(5) -- it has answered what it had, and is gone
          server = support.node { port = server.port, source = GRACEFUL }
        end
        wait(100)
      end)
    end, 20)
    assert.same({ ended = good }, client:stats().closed)
    assert.equal(3, client:stats().connections_opened)
  end)
end)
