-- What a peer has named is shown without characters that a reader does not see, or sees wrong.
local support = require "support"

local BIDI, C1, LRM = "\226\128\174", "\194\155", "\226\128\142"

local function assert_plain(text)
  for _, hidden in ipairs { BIDI, C1, LRM, "\27", "\n", "\200" } do
    assert.is_nil(text:find(hidden, 1, true), text)
  end
end

describe("what a peer names", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is escaped where its certificate is refused", function()
    local ca = support.ca()
    local server = support.nginx {
      files = { page = "here" }, certificate = ca:sign("evil\155", "DNS:localhost", "other"),
    }
    local client = support.client()
    local _, err = support.run(function() return client:get(server.url .. "/page") end)
    assert.equal("tls", err.kind)
    assert_plain(tostring(err))
    assert.truthy(err.message:find("CN=evil\\xC2\\x9B", 1, true), err.message)
  end)

  it("is cut where header fields are shown as text", function()
    local node = support.node { source = [[
      server.on('stream', (stream) => {
        stream.respond({ ':status': 200, 'x-long': 'v'.repeat(5000) });
        stream.end();
      });
    ]] }
    local client = support.client()
    local res = support.run(function() return assert(client:get(node.url)) end)
    local text = tostring(res.headers)
    assert.is_true(#text < 2000, #text .. " bytes")
    assert.equal(5000, #res.headers["x-long"])
  end)
end)

describe("a header field as text", function()
  it("shows characters that nobody sees as numbers", function()
    local errors = require "rill.errors"
    assert.equal("a\\226\\128\\174b\\194\\155c\\027d", errors.visible("a" .. BIDI .. "b" .. C1 .. "c\27d"))
    assert.equal("Zürich, 東京", errors.visible "Zürich, 東京")
    assert_plain(errors.show(BIDI .. C1 .. LRM .. "\27\n"))
  end)

  it("shows bytes that are no UTF-8 as numbers, and cuts no character in two", function()
    local errors = require "rill.errors"
    assert.equal("a\\255b\\192\\175\\237\\160\\128\\195", errors.visible "a\255b\192\175\237\160\128\195")
    assert.equal("é€𝄞\\159\\244\\144\\128\\128", errors.visible "é€𝄞\159\244\144\128\128")
    assert.equal('"' .. ("x"):rep(56) .. '..."', errors.show(("x"):rep(56) .. ("é"):rep(9)))
    assert.equal('"' .. ("x"):rep(55) .. 'é..."', errors.show(("x"):rep(55) .. ("é"):rep(9)))
  end)
end)

describe("a warning", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("shows what was given without what nobody sees, and is cut between characters", function()
    local node = support.node()
    local heard = {}
    local client = support.client { on_warning = function(message) heard[#heard + 1] = message end }
    support.run(function()
      assert(client:post(node.url .. "/echo", "abc", { headers = { ["content-length"] = "[2J" .. BIDI } }))
      assert(client:post(node.url .. "/echo?" .. ("é"):rep(400), "abc", { headers = { ["content-length"] = "\155" } }))
    end)
    assert.equal(2, #heard)
    assert.truthy(heard[1]:find("content-length [2J\\xE2\\x80\\xAE is ignored", 1, true), heard[1])
    for _, message in ipairs(heard) do assert_plain(message) end
    client:close()
    node:stop()
  end)
end)
