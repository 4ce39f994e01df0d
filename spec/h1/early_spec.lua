-- A server that refuses a body, and closes without having read it: its socket answers what comes with RST, behind which
-- the response must not be lost.
local ffi = require "ffi"
local support = require "support"

local TIMES = 10
local REFUSAL = { "HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno", early = true, ends = "fin" }

local WAYS = {
  ["in clear text"] = {},
  ["over TLS 1.3"] = { tls = true },
  ["over TLS 1.2"] = { tls = true, version = "1.2" },
}

local function count(server, what)
  local found = 0
  for _, event in ipairs(server:events()) do found = found + (event.event == what and 1 or 0) end
  return found
end

-- The whole process waits, and its sockets with it: nothing is read before it goes on.
local function stop_until_closed(server, connections)
  for _ = 1, 12000 do
    if count(server, "end") >= connections then return end
    ffi.C.poll(nil, 0, 5)
  end
end

describe("a refusal of a body that is still sent", function()
  before_each(support.begin)
  after_each(support.check_clean)

  for name, way in pairs(WAYS) do
    local function serve()
      local server = support.http1({ ["/"] = REFUSAL }, { tls = way.tls })
      return server, support.client { retries = 0, tls = { ca_file = server.ca, max_version = way.version } }
    end

    local function assert_refused(res, err)
      assert(res, tostring(err))
      assert.equal(413, res.status)
      assert.equal("no", res.body)
    end

    it("is read though the connection has gone, " .. name, function()
      local server, client = serve()
      local body = ("x"):rep(8 * 2 ^ 20)
      support.run(function()
        for _ = 1, TIMES do assert_refused(client:post(server.url .. "/", body)) end
      end)
    end)

    it("is read when the next piece finds that the connection has gone, " .. name, function()
      local server, client = serve()
      support.run(function()
        for i = 1, TIMES do
          assert_refused(client:post(server.url .. "/", function()
            if count(server, "request") >= i then stop_until_closed(server, i) end
            return ("x"):rep(200000)
          end))
        end
      end)
    end)
  end
end)
