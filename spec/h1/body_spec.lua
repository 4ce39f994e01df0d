-- Where the body of an HTTP/1.1 response ends.
local support = require "support"

local OK = "HTTP/1.1 200 OK\r\n"

local ANSWERS = {
  ["/until-fin"] = { OK .. "\r\nhello", ends = "fin" },
  ["/until-notify"] = { OK .. "\r\nhello", ends = "notify" },
  ["/short"] = { OK .. "content-length: 10\r\n\r\nhello", ends = "fin" },
  ["/short-notify"] = { OK .. "content-length: 10\r\n\r\nhello", ends = "notify" },
  ["/short-chunks"] = { OK .. "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", ends = "fin" },
  ["/no-trailers"] = { OK .. "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", ends = "fin" },
  ["/reset"] = { OK .. "\r\nhello", ends = "reset" },
  ["/half-head"] = { OK .. "x-a: ", ends = "fin" },
  ["/head"] = OK .. "content-length: 10\r\n\r\n",
  ["/head-chunked"] = OK .. "transfer-encoding: chunked\r\n\r\n",
  ["/204"] = "HTTP/1.1 204 No Content\r\n\r\n",
  ["/304"] = "HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n",
  ["/empty"] = OK .. "content-length: 0\r\n\r\n",
  ["/big"] = { OK .. "transfer-encoding: chunked\r\n\r\n" ..
    ("4000\r\n" .. ("x"):rep(16384) .. "\r\n"):rep(640) .. "0\r\n\r\n" },
}

for _, tls in ipairs { false, true } do
  describe("the body of a response " .. (tls and "over TLS" or "in clear text"), function()
    local server, client

    setup(function() server = support.http1(ANSWERS, { tls = tls, alpn = { "http/1.1" } }) end)
    teardown(function() server:stop() end)
    before_each(function()
      support.begin()
      client = support.client { tls = { ca_file = server.ca }, retries = 0 }
    end)
    after_each(support.check_clean)

    local function get(path, method)
      return support.run(function() return client:request { url = server.url .. path, method = method } end)
    end

    it("ends with the connection where nothing else says where", function()
      local res = assert(get(tls and "/until-notify" or "/until-fin"))
      assert.equal("hello", res.body)
      assert.equal(0, client:stats().connections)
    end)

    local CUT = { "/short", "/short-chunks", "/no-trailers", "/reset", "/half-head" }
    if tls then CUT[#CUT + 1], CUT[#CUT + 2] = "/until-fin", "/short-notify" end
    for _, path in ipairs(CUT) do
      it("is connection_lost when it is cut: " .. path, function()
        local res, err = get(path)
        assert.is_nil(res)
        assert.equal("connection_lost", err.reason, tostring(err))
        if path ~= "/reset" then -- what had arrived may have gone with it
          assert.equal(path == "/half-head" and "maybe" or "yes", err.processed)
        end
      end)
    end

    it("can be read as far as it came when it is cut", function()
      support.run(function()
        for _, path in ipairs { "/short", "/short-chunks" } do
          local stream = assert(client:open { url = server.url .. path })
          assert.equal("hello", stream:read())
          local chunk, err = stream:read()
          assert.is_nil(chunk)
          assert.equal("connection_lost", err.reason)
          assert.equal(200, stream.status)
        end
      end)
    end)

    it("may lack close_notify where lenient_eof says so, but is not broken off", function()
      local lenient = support.client { tls = { ca_file = server.ca }, retries = 0, lenient_eof = true }
      support.run(function()
        for _, res in ipairs { assert(lenient:get(server.url .. "/until-fin")),
          assert(client:get(server.url .. "/until-fin", { lenient_eof = true })) } do
          assert.equal("hello", res.body)
          assert.equal("ended", res.close_reason)
          assert.equal(tls, res.flags.cut)
        end
        local stream = assert(lenient:open { url = server.url .. "/until-fin" })
        assert.equal(tls, assert(stream:response()).flags.cut)
        assert.is_false(assert(lenient:get(server.url .. "/204")).flags.cut)
        for _, path in ipairs { "/short", "/short-chunks", "/no-trailers", "/reset", "/half-head" } do
          assert.equal("connection_lost", select(2, lenient:get(server.url .. path)).reason)
        end
        local strict = tls and { lenient:get(server.url .. "/until-fin", { lenient_eof = false }) }
        assert.is_nil(strict and strict[1] or nil)
      end)
      lenient:close()
    end)

    for path, method in pairs { ["/head"] = "HEAD", ["/head-chunked"] = "HEAD", ["/204"] = "GET", ["/304"] = "GET",
                                ["/empty"] = "GET" } do
      it(("is none: %s %s"):format(method, path), function()
        for _ = 1, 2 do assert.equal("", assert(get(path, method)).body) end
        assert.equal(1, client:stats().connections_opened)
      end)
    end

    it("waits for a slow reader in the peer's socket", function()
      support.run(function()
        local slow = support.client { tls = { ca_file = server.ca }, window = 65536, max_window = 65536 }
        local stream = assert(slow:open { url = server.url .. "/big" })
        local first = assert(stream:read(1))
        local ping = support.client { tls = { ca_file = server.ca } }
        for _ = 1, 30 do assert(ping:get(server.url .. "/empty")) end -- turns in which more could have come
        assert.is_true(slow:stats().buffered <= 65536, slow:stats().buffered .. " bytes are held")
        assert.is_true(stream.bytes_received <= 65536, stream.bytes_received .. " bytes")
        local length = #first
        for chunk in function() return stream:read(1e6) end do length = length + #chunk end
        assert.equal("ended", stream.close_reason)
        assert.equal(640 * 16384, length)
        slow:close()
      end)
    end)
  end)
end
