-- What doc/openresty.md prints, and examples/openresty: run as it stands there, but for the port and the upstream.
local openresty = require "support.openresty"
local support = require "support"

local FOLDER = "examples/openresty/"

local UPSTREAM = [[
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  stream.on('error', () => {});
  log({ open: path, tag: headers['if-none-match'] });
  stream.respond({ ':status': 200, etag: '"1"', 'content-type': 'text/html' });
  stream.end(path === '/large' ? Buffer.alloc(1000000, 'x') : 'the page ' + path);
});]]

describe("doc/openresty.md", function()
  local upstream, server

  setup(function()
    upstream = support.node { source = UPSTREAM }
    local port, files = support.free_port(), {}
    for _, name in ipairs { "aggregate.lua", "warmer.lua" } do files[name] = support.read(FOLDER .. name) end
    local text = support.read(FOLDER .. "nginx.conf"):gsub("8080", port):gsub("https://example%.com", upstream.url)
    server = openresty.start_whole {
      text = text, port = port, files = files, environment = { "SSL_CERT_FILE=" .. upstream.ca },
    }
  end)
  teardown(function()
    server:stop()
    upstream:stop()
  end)

  it("prints the example as it is", function()
    local doc = support.read "doc/openresty.md"
    for _, name in ipairs { "nginx.conf", "aggregate.lua" } do
      assert.truthy(doc:find("\n" .. support.read(FOLDER .. name) .. "```", 1, true), name)
    end
  end)

  it("answers with several pages that are fetched at once", function()
    local answer = server:get "/front"
    for _, path in ipairs { "/news", "/weather", "/users" } do
      assert.truthy(answer:find(("%s 200\nthe page %s\n"):format(path, path), 1, true), answer)
    end
  end)

  it("hands a page on", function()
    assert.equal(("x"):rep(1000000), server:get "/pass/large")
  end)

  it("keeps pages warm in a timer", function()
    support.wait(function() return server:get "/news" == "the page /news" end, 10, "a warm page")
    assert.falsy(server:log():find("%[error%]"), server:log())
  end)
end)
