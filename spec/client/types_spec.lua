-- The request option `types`: bodies of other types are stopped behind their head.
local site = require "support.site"
local support = require "support"

local PAGES = [[{ '/html': 'html', '/mixed': { type: 'Text/HTML ; charset=utf-8', body: 'html' },
  '/image': { type: 'image/png', body: 'x'.repeat(3000000) }, '/short': { type: 'text/htm', body: 'htm' },
  '/blank': { type: 'text/html charset=utf-8', body: 'html' },
  '/announced': { type: 'image/png', headers: { 'content-length': '4' }, body: 'tiny' },
  '/none': { headers: { 'content-type': '' }, body: 'none' },
  '/missing': { status: 404, type: 'image/png', body: 'none' } }]]

describe("the option types", function()
  local server

  before_each(function()
    support.begin()
    server = site.start(PAGES)
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  local function get(client, path, types)
    local response = assert(client:get(server.url .. path, { types = types }))
    return { response.status, response.close_reason, #response.body }
  end

  it("stops what names another type, and nothing else", function()
    local client = support.client { tls = { ca_file = server.ca } }
    local types = "application/xhtml+xml,text/html"
    support.run(function()
      assert.same({ 200, "ended", 4 }, get(client, "/html", types))
      assert.same({ 200, "ended", 4 }, get(client, "/mixed", types))
      assert.same({ 200, "ended", 4 }, get(client, "/blank", types))
      assert.same({ 200, "stopped", 0 }, get(client, "/image", types))
      assert.same({ 200, "stopped", 0 }, get(client, "/short", types))
      assert.same({ 404, "stopped", 0 }, get(client, "/missing", types))
      assert.same({ 200, "ended", 4 }, get(client, "/none", types))
      assert.same({ 200, "ended", 3000000 }, get(client, "/image"))
      assert.same({ 200, "ended", 3000000 }, get(client, "/image", "image/png"))
      assert.same({ 200, "stopped", 0 }, get(client, "/html", ""))
    end)
  end)

  it("lets come what is shorter than a reset is worth", function()
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      assert.same({ 200, "ended", 4 }, get(client, "/announced", "text/html"))
    end)
  end)

  it("keeps a connection over HTTP/1.1 whose bodies are short or none", function()
    local nginx = support.nginx { files = { ["none.png"] = "", ["short.png"] = ("x"):rep(16384),
      ["long.png"] = ("x"):rep(16385) } }
    local client = support.client { tls = { ca_file = nginx.ca }, protocols = { "http/1.1" } }
    local function read(path)
      local response = assert(client:get(nginx.url .. path, { types = "text/html" }))
      return { response.close_reason, #response.body, client:stats().connections_opened }
    end
    support.run(function()
      assert.same({ "ended", 0, 1 }, read "/none.png")
      assert.same({ "ended", 16384, 1 }, read "/short.png")
      assert.same({ "ended", 0, 1 }, read "/none.png")
      assert.same({ "stopped", 0, 1 }, read "/long.png")
      assert.same({ "ended", 0, 2 }, read "/none.png")
    end)
  end)

  it("leaves a hook the head of what it stops", function()
    local client = support.client { tls = { ca_file = server.ca } }
    support.run(function()
      local seen
      local response = assert(client:get(server.url .. "/image", { types = "text/html", on_headers = function(head)
        seen = head.headers["content-type"]
      end }))
      assert.same({ "image/png", "stopped", true }, { seen, response.close_reason, response.flags.stopped })
    end)
  end)
end)
