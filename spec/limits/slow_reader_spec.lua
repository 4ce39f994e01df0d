-- What is held of bodies whose reader stops, where window and max_buffered are next to nothing.
local support = require "support"

local KIB = 1024
local PIECES = 128
local SIZE = PIECES * 16 * KIB
local CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
  .. ("4000\r\n" .. ("x"):rep(16 * KIB) .. "\r\n"):rep(PIECES) .. "0\r\n\r\n"
local COUNTED = ("HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"):format(SIZE) .. ("x"):rep(SIZE)
local RECEIVED = 32 * KIB -- at a time: TURN_CIPHER_IN
local RECORD = 16 * KIB -- of TLS, of which a part had come before
local FIRST = 65535 -- bytes that HTTP/2 lets come before our SETTINGS are acknowledged

local function http1(tls)
  return function()
    return support.http1({ ["/1"] = CHUNKED, ["/0"] = COUNTED, ["/small"] = "HTTP/1.1 204 No Content\r\n\r\n" },
      { tls = tls, alpn = { "http/1.1" } })
  end
end

-- What may be held of one body beside its window.
local WAYS = {
  ["HTTP/1.1 in clear text"] = { http1(false), RECEIVED },
  ["HTTP/1.1 over TLS"] = { http1(true), RECEIVED + RECORD },
  ["HTTP/2"] = { function()
    return support.nginx { files = { ["0"] = SIZE, ["1"] = SIZE, small = 1 } }
  end, FIRST },
}

for name, way in pairs(WAYS) do
  describe("a reader that stops, over " .. name .. ",", function()
    local server

    setup(function() server = way[1]() end)
    teardown(function() server:stop() end)
    before_each(support.begin)
    after_each(support.check_clean)

    for _, window in ipairs { 100, 1000, 20000, 100000 } do
      it(("has at most its window and one receive kept: %d bytes"):format(window), function()
        local client = support.client { tls = { ca_file = server.ca }, window = window, max_window = window,
          max_buffered = 1 }
        support.run(function()
          local other, streams = support.client { tls = { ca_file = server.ca } }, {}
          for i = 1, 4 do streams[i] = assert(client:open { url = ("%s/%d"):format(server.url, i % 2) }) end
          for i = 1, 4 do assert.equal(1, #assert(streams[i]:read(1))) end
          for _ = 1, 50 do assert(other:get(server.url .. "/small")) end -- turns in which more could have come
          local most = window + way[2]
          for i = 1, 4 do assert.is_true(streams[i].bytes_received <= most, streams[i].bytes_received .. " bytes") end
          assert.is_true(client:stats().buffered <= 4 * most, client:stats().buffered .. " bytes are held")
          for i = 1, 4 do
            local length = 1
            for chunk in streams[i]:chunks() do length = length + #chunk end
            assert.equal("ended", streams[i].close_reason)
            assert.equal(SIZE, length)
          end
        end)
      end)
    end
  end)
end
