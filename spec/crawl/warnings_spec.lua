-- What the clients of a crawl warn of: it has two, of which the script knows one.
local crawl = require "rill.crawl"
local rill = require "rill"
local site = require "support.site"
local support = require "support"

local UNVERIFIED = "tls.verify is false: anybody can pose as the servers this client talks to"

describe("the warnings of a crawl's clients", function()
  local server, hook

  before_each(function()
    support.begin()
    server, hook = site.start "{ '/': 'some text' }", rill.on_warning
  end)
  after_each(function()
    rill.on_warning = hook
    server:stop()
    support.check_clean()
  end)

  local function run(client)
    client.tls = { verify = false }
    return assert(support.run(function()
      return crawl { start = server.url .. "/", client = client, robots = false, progress = false }
    end))
  end

  it("are given once, to the client's hook or to rill's", function()
    local given, all = {}, {}
    rill.on_warning = function(message) all[#all + 1] = message end
    run { on_warning = function(message, fields) given[#given + 1] = { message, type(fields.client) } end }
    assert.same({ { UNVERIFIED, "table" } }, given)
    assert.same({}, all)
    run {}
    assert.same({ UNVERIFIED }, all)
    run {}
    assert.same({ UNVERIFIED, UNVERIFIED }, all)
  end)

  it("are refused a hook that cannot be called", function()
    assert.error_matches(function() run { on_warning = "loud" } end, "on_warning must be a function")
  end)

  it("that name a URL are given as often as there are", function()
    local urls = {}
    local options = { tls = { ca_file = server.ca }, warnsize = 1,
      on_warning = function(_, fields) urls[#urls + 1] = fields.url end }
    support.run(function()
      local clients = require("rill.crawl.clients").new(options, { is_start = function() return true end })
      for _ = 1, 2 do assert(clients:get(server.url .. "/", {})) end
      clients:close()
    end)
    assert.same({ server.url .. "/", server.url .. "/" }, urls)
  end)
end)
