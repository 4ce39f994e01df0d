-- What is refused of an HTTP/1.1 message, since two readers could come to differ on where it ends, and what is let
-- pass, since servers do it.
local support = require "support"

local OK = "HTTP/1.1 200 OK\r\n"
local CHUNKED = OK .. "transfer-encoding: chunked\r\n\r\n"

-- name -> what the server says
local REFUSED = {
  ["a version of two digits"] = "HTTP/1.10 200 OK\r\n\r\n",
  ["another major version"] = "HTTP/2.0 200 OK\r\n\r\n",
  ["HTTP/0.9"] = "<html>hello</html>\n",
  ["HTTP/0.9 without a line's end"] = "<html>hello</html>",
  ["a record of TLS"] = "\21\3\1\0\2\2\70",
  ["a greeting of SSH, not yet whole"] = "SSH-2.0-OpenSSH",
  ["a greeting of SMTP, not yet whole"] = "220 mail.example ESMTP",
  ["a frame of HTTP/2"] = "\0\0\0\4\0\0\0\0\0",
  ["a NUL"] = "\0",
  ["what begins like a status line"] = "HTTP/2",
  ["a second empty line, not yet whole"] = "\r\n\r",
  ["a bare CR before the status line"] = "\rHTTP/1.1 200 OK",
  ["empty lines without end"] = ("\r\n"):rep(100000),
  ["no line's end at all"] = ("x"):rep(100000),
  ["a status of two digits"] = "HTTP/1.1 20 OK\r\n\r\n",
  ["a status of four digits"] = "HTTP/1.1 2000 OK\r\n\r\n",
  ["a status below 100"] = "HTTP/1.1 099 OK\r\n\r\n",
  ["two blanks before the status"] = "HTTP/1.1  200 OK\r\n\r\n",
  ["a tab before the status"] = "HTTP/1.1\t200 OK\r\n\r\n",
  ["a letter in the status"] = "HTTP/1.1 2x0 OK\r\n\r\n",
  ["a status line in lower case"] = "http/1.1 200 OK\r\n\r\n",
  ["two empty lines before the status line"] = "\r\n\r\n" .. OK .. "content-length: 0\r\n\r\n",
  ["a line without a colon"] = OK .. "x-a: 1\r\nnothing\r\n\r\n",
  ["a name that is empty"] = OK .. ": 1\r\n\r\n",
  ["a fold before any field"] = OK .. " x-a: 1\r\n\r\n",
  ["a control byte in a name"] = OK .. "x\1a: 1\r\n\r\n",
  ["a length that is no number"] = OK .. "content-length: five\r\n\r\nhello",
  ["a length with a sign"] = OK .. "content-length: +5\r\n\r\nhello",
  ["a negative length"] = OK .. "content-length: -5\r\n\r\nhello",
  ["a length in hex"] = OK .. "content-length: 0x5\r\n\r\nhello",
  ["an empty length"] = OK .. "content-length:\r\n\r\nhello",
  ["a length with an empty element"] = OK .. "content-length: 5,\r\n\r\nhello",
  ["a length of 2^63"] = OK .. "content-length: 9223372036854775808\r\n\r\nhello",
  ["two lengths that differ"] = OK .. "content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
  ["a list of lengths that differ"] = OK .. "content-length: 5, 6\r\n\r\nhello!",
  ["a blank before the colon of content-length"] = OK .. "content-length : 5\r\n\r\nhello",
  ["a blank before the colon of transfer-encoding"] = OK .. "transfer-encoding\t: chunked\r\n\r\n0\r\n\r\n",
  ["another transfer coding"] = OK .. "transfer-encoding: gzip\r\n\r\n",
  ["one before chunked"] = OK .. "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  ["chunked twice"] = OK .. "transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
  ["chunked in two fields"] = OK .. "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  ["identity"] = OK .. "transfer-encoding: identity\r\n\r\n",
  ["a transfer coding in HTTP/1.0"] = "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  ["an empty chunk size"] = CHUNKED .. "\r\n\r\n",
  ["a chunk size with a sign"] = CHUNKED .. "+5\r\nhello\r\n0\r\n\r\n",
  ["a chunk size with 0x"] = CHUNKED .. "0x5\r\nhello\r\n0\r\n\r\n",
  ["a blank before a chunk size"] = CHUNKED .. " 5\r\nhello\r\n0\r\n\r\n",
  ["a chunk size of 17 digits"] = CHUNKED .. "00000000000000005\r\nhello\r\n0\r\n\r\n",
  ["a chunk size that cannot be"] = CHUNKED .. "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
  ["a control byte in a chunk's line"] = CHUNKED .. "5;a=\1\r\nhello\r\n0\r\n\r\n",
  ["a bare LF in a chunk's line"] = CHUNKED .. "5\nhello\r\n0\r\n\r\n",
  ["a bare LF in a chunk extension"] = CHUNKED .. "5;a\nhello\r\n0\r\n\r\n",
  ["a bare CR in a chunk's line"] = CHUNKED .. "5\rx\nhello\r\n0\r\n\r\n",
  ["a chunk longer than its size"] = CHUNKED .. "5\r\nhello!\r\n0\r\n\r\n",
  ["a bare LF behind a chunk"] = CHUNKED .. "5\r\nhello\n0\r\n\r\n",
  ["chunk extensions without end"] = CHUNKED .. "5;" .. ("x"):rep(17000) .. "\r\nhello\r\n0\r\n\r\n",
  ["chunk extensions bit by bit"] = CHUNKED .. ("1;" .. ("x"):rep(60) .. "\r\nh\r\n"):rep(300) .. "0\r\n\r\n",
  ["a trailer without a colon"] = CHUNKED .. "0\r\nnothing\r\n\r\n",
  ["101"] = "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n",
  ["a head beyond max_header_list"] = OK .. ("x-a: " .. ("a"):rep(1000) .. "\r\n"):rep(70) .. "\r\n",
  ["a line beyond max_header_list"] = OK .. "x-a: " .. ("a"):rep(70000),
  ["many 1xx heads"] = ("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"):rep(2000)
    .. OK .. "content-length: 0\r\n\r\n",
  ["trailers beyond max_header_list"] = CHUNKED .. "0\r\n" .. ("x-a: " .. ("a"):rep(1000) .. "\r\n"):rep(70) .. "\r\n",
}

-- name -> { what the server says, body, header fields that the response has }
local PASSES = {
  ["no reason phrase"] = { "HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\nhello" },
  ["no blank behind the status"] = { "HTTP/1.1 200\r\ncontent-length: 5\r\n\r\nhello" },
  ["bare LF in the head"] = { "HTTP/1.1 200 OK\nx-a: 1\ncontent-length: 5\n\nhello", fields = { ["x-a"] = "1" } },
  ["a folded value"] = {
    OK .. "x-a: one\r\n  \ttwo\r\ncontent-length: 5\r\n\r\nhello", fields = { ["x-a"] = "one two" } },
  ["equal lengths"] = { OK .. "content-length: 5\r\ncontent-length: 5\r\n\r\nhello" },
  ["a list of equal lengths"] = { OK .. "content-length: 5, 5\r\n\r\nhello" },
  ["blanks behind a chunk size"] = { CHUNKED .. "5 \t\r\nhello\r\n0  \r\n\r\n" },
  ["chunk extensions"] = { CHUNKED .. '5;a="b c";d\r\nhello\r\n0;last\r\n\r\n' },
  ["a chunk size in capitals, with zeros"] = { CHUNKED .. "000A\r\nhellohello\r\n000\r\n\r\n", body = "hellohello" },
  ["CR LF before the status line"] = { "\r\n" .. OK .. "content-length: 5\r\n\r\nhello" },
  ["bytes above 0x7f in values"] = {
    OK .. "x-a: \228\255\r\ncontent-length: 5\r\n\r\nhello", fields = { ["x-a"] = "\228\255" } },
  ["NUL in values"] = { OK .. "x-a: a\0b\r\ncontent-length: 5\r\n\r\nhello", fields = { ["x-a"] = "a b" } },
  ["bare CR in values"] = { OK .. "x-a: a\rb\r\ncontent-length: 5\r\n\r\nhello", fields = { ["x-a"] = "a b" } },
  ["other control bytes in values"] = { -- which a recipient may keep (RFC 9110 section 5.5)
    OK .. "x-a: a\1\127b\r\ncontent-length: 5\r\n\r\nhello", fields = { ["x-a"] = "a\1\127b" } },
  ["names in capitals, values without blanks"] = {
    OK .. "X-A:1\r\nCONTENT-LENGTH:5\r\n\r\nhello", fields = { ["x-a"] = "1" } },
  ["an empty value"] = { OK .. "x-a:\r\ncontent-length: 5\r\n\r\nhello", fields = { ["x-a"] = "" } },
  ["a status above 599"] = { "HTTP/1.1 999 Odd\r\ncontent-length: 5\r\n\r\nhello", status = 999 },
  ["another minor version"] = { "HTTP/1.9 200 OK\r\ncontent-length: 5\r\n\r\nhello" },
  ["length and chunked together"] = {
    OK .. "content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    closes = true },
  ["bytes behind the message"] = { OK .. "content-length: 5\r\n\r\nhello, world", closes = true },
  ["trailers"] = { CHUNKED .. "5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n", trailer = "abc" },
  ["1xx"] = { "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" .. OK .. "content-length: 5\r\n\r\nhello" },
}

local function answers_of(cases)
  local answers, paths = {}, {}
  for name, case in pairs(cases) do
    paths[name] = "/" .. name:gsub("[^%w]", "-")
    answers[paths[name]] = type(case) == "table" and case[1] or case
  end
  return answers, paths
end

describe("an HTTP/1.1 message", function()
  local server
  local answers, paths = answers_of(REFUSED)

  setup(function() server = support.http1(answers) end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  for name in pairs(REFUSED) do
    it("is refused, and its connection closed: " .. name, function()
      local client = support.client()
      support.run(function()
        local res, err = client:get(server.url .. paths[name], { retries = 0 })
        assert.is_nil(res)
        assert.equal("protocol_error", err.reason, tostring(err))
        assert.truthy(#err.message > 20)
        assert.equal(1, err.attempts)
        assert.equal(0, client:stats().connections)
      end)
    end)
  end

  it("is refused where a line of it has more than 1 MiB, though max_header_list is off", function()
    local long = support.http1 { ["/long"] = OK .. "x-a: " .. ("a"):rep(2 ^ 20),
      ["/fits"] = OK .. "x-a: " .. ("a"):rep(2 ^ 20 - 100) .. "\r\ncontent-length: 0\r\n\r\n" }
    local client = support.client { max_header_list = 0, retries = 0 }
    support.run(function()
      local _, err = client:get(long.url .. "/long")
      assert.equal("protocol_error", err.reason, tostring(err))
      assert.equal(200, assert(client:get(long.url .. "/fits")).status)
    end)
    long:stop()
  end)

  it("is shown in the error where it has no status line", function()
    local client = support.client()
    support.run(function()
      local _, err = client:get(server.url .. paths["a greeting of SSH, not yet whole"], { retries = 0 })
      assert.truthy(err.message:find('"SSH-2.0-OpenSSH"', 1, true), err.message)
      _, err = client:get(server.url .. paths["a record of TLS"], { retries = 0 })
      assert.is_nil(err.message:find "%c")
    end)
  end)
end)

describe("an HTTP/1.1 message", function()
  local server
  local answers, paths = answers_of(PASSES)

  setup(function() server = support.http1(answers) end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  for name, case in pairs(PASSES) do
    it("may have " .. name, function()
      local client = support.client()
      support.run(function()
        local res = assert(client:get(server.url .. paths[name]))
        assert.equal(case.status or 200, res.status)
        assert.equal(case.body or "hello", res.body)
        assert.equal("http/1.1", res.protocol)
        for field, value in pairs(case.fields or {}) do assert.equal(value, res.headers[field]) end
        if case.trailer then assert.equal(case.trailer, res.trailers["x-sum"]) end
        assert(client:get(server.url .. paths[name]))
        assert.equal(case.closes and 2 or 1, client:stats().connections_opened)
      end)
    end)
  end
end)
