-- A server that takes fewer streams at a time than it has announced, and refuses those beyond (REFUSED_STREAM).
local rill = require "rill"
local support = require "support"

-- Takes LIMIT streams at a time. Those of the first WAVE wait until all of it have come; /bad is refused always; /hold
-- waits for /release.
local SOURCE = [[
const LIMIT = %d, WAVE = %d;
let open = 0, seen = 0, most = 0, refused = 0;
const waiting = [];
function answer(stream) {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200 });
  stream.end(JSON.stringify({ most, refused }));
}
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  log({ event: 'request', path });
  if (path === '/release') {
    waiting.splice(0).forEach(answer);
    return answer(stream);
  }
  seen++;
  if (open >= LIMIT || path === '/bad') {
    refused++;
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  } else {
    open++;
    stream.on('close', () => { open--; });
    waiting.push(stream);
    most = Math.max(most, open);
  }
  if (seen >= WAVE && path !== '/hold') setImmediate(() => waiting.splice(0).forEach(answer));
});
]]

describe("a server that refuses streams beyond a limit that it has not announced", function()
  local node

  local function start(limit, wave)
    node = support.node { source = SOURCE:format(limit, wave) }
  end

  before_each(support.begin)
  after_each(function()
    node:stop()
    support.check_clean()
  end)

  local function all_of(count, ask)
    local fns = {}
    for i = 1, count do fns[i] = function() return ask(node.url .. "/" .. i) end end
    return rill.all(fns)
  end

  it("gets no more at a time than it had when it refused, and nothing is lost", function()
    for _, retries in ipairs { 2, 0 } do
      start(10, 100)
      local client = support.client { retries = retries }
      support.run(function()
        for _, result in ipairs(all_of(100, function(url) return client:get(url) end)) do
          assert(result[1], tostring(result[2]))
        end
      end)
      local stats = client:stats()
      assert.same({ 190, 90, 1 }, { stats.attempts, stats.retries, stats.connections_opened })
      if retries > 0 then node:stop() end
    end
  end)

  it("is asked for one more only with what may be sent again", function()
    start(3, 8)
    local connection = support.run(function()
      return assert(rill.connect(node.url, { tls = { ca_file = node.ca } }))
    end)
    support.run(function()
      local lost = 0
      for _, result in ipairs(all_of(8, function(url) return connection:request { url = url } end)) do
        if not result[1] then lost = lost + 1 end
      end
      assert.equal(5, lost) -- a connection repeats nothing
      for _, result in ipairs(all_of(100, function(url) return connection:request { url = url } end)) do
        assert(result[1], tostring(result[2]))
      end
      local last = assert(connection:request { url = node.url .. "/last" }):json()
      assert.same({ 3, 5 }, { last.most, last.refused })
    end)
    connection:close()
  end)

  it("takes none at all: each has its retries and no more, however many ask at once", function()
    start(0, 1)
    local client = support.client()
    support.run(function()
      for _, result in ipairs(all_of(20, function(url) return client:get(url) end)) do
        local err = result[2]
        assert.same({ nil, "reset", "REFUSED_STREAM" }, { result[1], err.reason, err.code })
        assert.same({ 3, "no" }, { err.attempts, err.processed })
      end
    end)
  end)

  it("refuses a request for ever: it has its retries once it is alone", function()
    start(10, 1)
    local client, other = support.client(), support.client()
    local function asked(path)
      return function(event) return event.event == "request" and event.path == path end
    end
    support.run(function()
      local held = rill.spawn(client.get, client, node.url .. "/hold")
      node:wait_events(asked "/hold", 1)
      local bad = rill.spawn(client.get, client, node.url .. "/bad")
      node:wait_events(asked "/bad", 1)
      assert(other:get(node.url .. "/release"))
      assert(held:join())
      local res, err = bad:join()
      assert.same({ nil, "reset", "REFUSED_STREAM" }, { res, err.reason, err.code })
      assert.same({ 4, "no" }, { err.attempts, err.processed }) -- one beside the other, one and two retries alone
    end)
  end)
end)
