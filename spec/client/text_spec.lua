-- What a body says: response:json, response:text.
local rill = require "rill"
local support = require "support"

describe("a response's body", function()
  local server

  setup(function()
    server = support.node { source = [[server.on('stream', (stream, headers) => {
      const url = new URL(headers[':path'], 'https://localhost');
      const type = url.searchParams.get('type');
      stream.respond({ ':status': 200, ...(type ? { 'content-type': type } : {}) });
      let body = Buffer.from(url.searchParams.get('hex') || '', 'hex');
      const times = Number(url.searchParams.get('times') || 1);
      stream.end(Buffer.concat(Array(times).fill(body)));
    });]] }
  end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function get(bytes, kind, times)
    local hex = bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
    local client = support.client()
    return assert(client:get(server.url .. "/", { query = { hex = hex, type = kind, times = times } }))
  end

  local function text(...)
    local args = { ... }
    return support.run(function() return get(unpack(args)):text() end)
  end

  it("is text in UTF-8", function()
    assert.equal("\195\188", text("\195\188", "text/plain"))
    assert.equal("\195\188", text("\252", "text/plain"))
    assert.equal("\195\188", text("\252", "text/plain; charset=latin1"))
    assert.equal("\226\130\172", text("\128", "text/html"))
    assert.equal("\227\129\130", text("\130\160", "text/html; charset=shift_jis"))
    assert.equal("<meta charset=koi8-r>\208\176", text("<meta charset=koi8-r>\193", "text/html"))
    assert.equal("a", text("\255\254a\0", "text/html; charset=utf-8")) -- a byte order mark goes first
    assert.equal("a", text("\239\187\191a"))
    assert.equal("a\239\191\189b", text("a\255b", "text/plain; charset=utf-8"))
    assert.equal("", text "")
  end)

  it("gives way while a large one becomes text", function()
    support.run(function()
      local res = get("\252b", "text/plain; charset=latin1", 2 ^ 22)
      local turns = 0
      local task = rill.spawn(function()
        while true do
          rill.sleep(0)
          turns = turns + 1
        end
      end)
      local made = res:text()
      task:cancel()
      assert.is_true(turns > 3)
      assert.equal(3 * 2 ^ 22, #made)
      assert.equal(2 ^ 23, select(2, res:pointer()))
    end)
  end)

  it("is a value where it is JSON", function()
    support.run(function()
      assert.same({ a = { 1, true } }, get('{"a":[1,true]}'):json())
      assert.equal(1, get("\239\187\191 1 "):json())
      assert.is_false(get("false"):json())
      assert.equal("decode_error", select(2, get("[", nil, 1000000):json()).reason)
      assert.is_not_nil(get("null"):json())
      assert.same({ { 1, { b = "x\n\195\188" } }, {}, -0.5 },
        get '[[1,{"b":"x\\n\\u00fc"}], {} ,-5e-1]\r\n':json())
      for _, bad in ipairs { "", "{", "nonsense", "1 2", "[1]x", "{'a':1}",
        "[1,]", '{"a":1,}', "[1 2]", '{"a"}', "[01]",
        "[.5]", "[nan]",
        "[-Infinity]", "[0x1F]", "/**/1", "[1]//", "[1]\0", '["\\x41"]', '["a', "tru", "[1}", " " } do
        local value, err = get(bad):json()
        assert.is_nil(value, bad)
        assert.equal("decode_error", err.reason)
        assert.truthy(err.url:find(server.url, 1, true))
      end
    end)
  end)

  it("in a file is not there to be read", function()
    local client, place = support.client(), support.directory()
    support.run(function()
      local res = assert(client:download(server.url, place .. "/x"))
      assert.error_matches(function() res:json() end, "the body is in")
      assert.error_matches(function() res:text() end, "the body is in")
    end)
  end)
end)
