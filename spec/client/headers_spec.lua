local dkjson = require "dkjson"
local headers = require "rill.headers"
local support = require "support"

local BLOCK = "\r\ncontent-type: text/html\r\nset-cookie: a=1\r\nget: a field\r\nset-cookie: b=2; x: y\r\nempty: "

describe("a headers object", function()
  local h = headers.new(BLOCK)

  it("finds the first value of a name in any case", function()
    assert.equal("text/html", h["Content-Type"])
    assert.equal("text/html", h["content-type"])
    assert.equal("a=1", h:get "SET-COOKIE")
    assert.equal("", h.empty)
  end)

  it("has nothing for names that were not received", function()
    assert.is_nil(h["x"])
    assert.is_nil(h["type"])
    assert.is_nil(h["text/html"])
    assert.is_nil(h["content-type: text/html\r\nset-cookie"])
    assert.is_nil(h[1.5])
    assert.is_false(h:has "x")
    assert.is_true(h:has "Empty")
  end)

  it("lists all values of a name in wire order", function()
    assert.same({ "a=1", "b=2; x: y" }, h:all "Set-Cookie")
    assert.same({}, h:all "x")
  end)

  it("iterates over names and values in wire order", function()
    local seen = {}
    for name, value in h:each() do seen[#seen + 1] = name .. "=" .. value end
    assert.same({ "content-type=text/html", "set-cookie=a=1", "get=a field", "set-cookie=b=2; x: y", "empty=" }, seen)
  end)

  it("counts its fields", function()
    assert.equal(5, h:count())
    assert.equal(0, headers.new(""):count())
  end)

  it("reaches fields named like its methods through get", function()
    assert.equal("function", type(h.get))
    assert.equal("a field", h:get "Get")
  end)

  it("reads well as text", function()
    assert.equal("content-type: text/html\nset-cookie: a=1\nget: a field\nset-cookie: b=2; x: y\nempty: ", tostring(h))
    assert.equal("", tostring(headers.new("")))
  end)

  it("remembers no more names than it should", function()
    for i = 1, 3000 do assert.is_nil(h["x-" .. i]) end
    assert.equal("text/html", h["content-type"])
  end)
end)

describe("the headers of a request", function()
  local server

  setup(function() server = support.node() end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  -- What the server received, without pseudo-header fields and accept-encoding (spec/client/decode_spec.lua):
  -- "name: value" in wire order.
  local function seen(client_options, options)
    local client = support.client(client_options)
    local res = support.run(function()
      return assert(client:get(server.url .. "/echo", options))
    end)
    local echo, lines = dkjson.decode(res.body), {}
    for _, field in ipairs(echo.fields) do
      if field[1] ~= "accept-encoding" then lines[#lines + 1] = field[1] .. ": " .. field[2] end
    end
    return lines, echo
  end

  it("carry a user agent that names rill, and nothing else", function()
    assert.same({ "user-agent: rill/" .. require("rill").version }, (seen()))
  end)

  it("name another user agent where an option says so, or none", function()
    assert.same({ "user-agent: me" }, (seen { user_agent = "me" }))
    assert.same({ "user-agent: you" }, (seen({ user_agent = "me" }, { user_agent = "you" })))
    assert.same({ "user-agent: header" }, (seen({}, { user_agent = "you", headers = { ["User-Agent"] = "header" } })))
    assert.same({}, (seen { user_agent = "" }))
    assert.same({}, (seen({}, { headers = { ["user-agent"] = false } })))
  end)

  it("are sent in lower case, a map's sorted by name, lists of values in their order", function()
    assert.same({ "a: 1", "b: x", "b: y", "z: 2" },
      (seen { user_agent = "", headers = { Z = 2, A = "1", B = { "x", "y" } } }))
  end)

  it("keep the order of an ordered list, repeated names included", function()
    assert.same({ "z: 1", "a: 2", "z: 3" },
      (seen { user_agent = "", headers = { { "z", "1" }, { "A", "2" }, { "z", 3 } } }))
  end)

  it("go over the client's: replaced by name, removed with false", function()
    local client_options = { user_agent = "", headers = { accept = "text/html", keep = "yes", gone = "x" } }
    assert.same({ "keep: yes", "accept: */*", "more: 1" },
      (seen(client_options, { headers = { Accept = "*/*", gone = false, more = "1" } })))
  end)

  it("turn a host field into :authority", function()
    local lines, echo = seen({ user_agent = "" }, { headers = { Host = "www.test" } })
    assert.equal("www.test", echo.pseudo.authority)
    assert.same({}, lines)
  end)

  -- name of the case -> headers, what the message must show
  local refused = {
    ["a name that is no token"] = { { ["x y"] = "1" }, '"x y"' },
    ["an empty name"] = { { [""] = "1" }, '""' },
    ["a pseudo-header field"] = { { [":path"] = "/" }, ":path" },
    ["a name with a line end"] = { { ["x\r\ny"] = "1" }, "\\013\\010" },
    ["a connection-specific field"] = { { Connection = "close" }, "connection" },
    ["te beyond trailers"] = { { te = "gzip" }, "gzip" },
    ["CR LF in a value"] = { { x = "1\r\ny: 2" }, "\\013\\010" },
    ["NUL in a value"] = { { x = "1\0" }, "\\000" },
    ["another control character in a value"] = { { x = "1\0012" }, "\\001" },
    ["DEL in a value"] = { { x = "1\1272" }, "\\127" },
    ["an outer blank in a value"] = { { x = " 1" }, '" 1"' },
    ["a value that is no string"] = { { x = true }, "true" },
    ["an entry that is no pair"] = { { { "x", "1" }, "y" }, "entry 2" },
    ["an entry with more than two members"] = { { { "x", "1" }, { "y", "2", "3" } },
      'entry 2 must be {name, value}, got {"y", "2", "3"}' },
    ["a list that has keys as well"] = { { { "x", "1" }, Accept = "*/*" }, '"Accept"' },
    ["host given twice"] = { { Host = { "a.test", "b.test" } }, 'Host is given twice: "a.test" and "b.test"' },
    ["host twice in a list"] = { { { "host", "a.test" }, { "HOST", "b.test" } }, "HOST is given twice" },
    ["a line end in a value, and the name as it was written"] = { { ["X-Number"] = "1", ["X-Bad"] = "a\nb" }, "X-Bad" },
    ["headers that are no table"] = { "x: 1", '"x: 1"' },
  }
  for name, case in pairs(refused) do
    it("are refused with " .. name, function()
      local client = support.client()
      support.run(function()
        local ok, message = pcall(client.get, client, server.url .. "/", { headers = case[1] })
        assert.is_false(ok)
        assert.truthy(message:find("headers", 1, true) or message:find("header", 1, true), message)
        assert.truthy(message:find(case[2], 1, true), message)
      end)
      assert.is_false((pcall(require("rill").client, { headers = case[1] })))
    end)
  end

  it("may ask for trailers with te", function()
    assert.same({ "te: trailers" }, (seen { user_agent = "", headers = { te = "trailers" } }))
  end)
end)
