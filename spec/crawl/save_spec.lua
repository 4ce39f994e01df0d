-- Bodies as files: under host and path, with names that stay where they belong.
local crawl = require "rill.crawl"
local process = require "support.process"
local site = require "support.site"
local support = require "support"

describe("a saved body", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "save"
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  local function save(pages, more)
    server = site.start(pages)
    local options = { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, robots = false,
      progress = false, save = directory .. "/bodies", traps = false }
    for name, value in pairs(more or {}) do options[name] = value end
    local done = assert(support.run(function() return crawl(options) end))
    local files = {}
    local list = io.popen(("cd '%s' && find . -type f"):format(directory))
    for path in list:lines() do
      local name = path:gsub("^%./bodies/localhost:" .. server.port .. "/", "")
      files[name] = support.read(directory .. "/" .. path)
    end
    list:close()
    return files, done
  end

  it("stands under host and path", function()
    local files = save [[{ '/': '<a href=/a.html><a href=/docs/><a href="/s?q=1&r=%2F"><a href=/docs/x/y.html>',
      '/a.html': 'a', '/docs/': 'docs', '/s?q=1&r=%2F': 's', '/docs/x/y.html': 'y', '/none': 'n' }]]
    assert.same({ "a", "docs", "s", "y" }, { files["a.html"], files["docs/index.html"], files["s?q=1&r=%2F"],
      files["docs/x/y.html"] })
    assert.is_string(files["index.html"])
  end)

  it("has a name of its own, whatever the others are", function()
    local files, done = save [[(path) => path === '/' ? ['/index.html', '/a', '/a/', '/a/b', '/a~', '/A', '/?x',
      '/index.html?x', '/b/c', '/b'].map((to) => `<a href="${to}">`).join('') : path]]
    local bodies, count = {}, 0
    for _, body in pairs(files) do
      assert.is_nil(bodies[body], body)
      bodies[body], count = true, count + 1
    end
    assert.same({ 11, 11 }, { done.pages, count })
  end)

  it("stays below its directory, and within what file systems take", function()
    local files = save(([[(path) => path === '/' ? ['/..%%2f..%%2fetc/passwd', '/%%00x', '/%s', '/%%2e%%2e/%%2e%%2e/up',
      '/a%%0Ab', '/.hidden/...'].map((to) => `<a href="${to}">`).join('') : path]]):format(("n"):rep(300)))
    local count = 0
    for path in pairs(files) do
      count = count + 1
      assert.is_nil(("/" .. path .. "/"):find("/../", 1, true), path)
      for name in path:gmatch "[^/]+" do assert.is_true(#name <= 130, name) end
    end
    assert.equal(7, count)
  end)

  it("is named where it cannot be written, and the crawl goes on", function()
    server = site.start "{ '/': 'x' }"
    local said = {}
    local made = crawl.new { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, robots = false,
      progress = false, save = directory .. "/bodies" }
    local place = ("%s/bodies/localhost:%d/index.html"):format(directory, server.port)
    process.run({ "mkdir", "-p", place, place .. "~" }, directory .. "/output")
    function made.say(_, text) said[#said + 1] = text end
    local done = assert(support.run(function() return made:run() end))
    assert.equal("finished", done.reason)
    assert.matches("^cannot save " .. server.url:gsub("%p", "%%%0") .. "/: ", said[1])
  end)

  it("goes to a directory, which is made before anything is asked for", function()
    server = site.start "{ '/': 'x' }"
    local file = support.write(directory .. "/file", "in the way")
    for _, path in ipairs { file, file .. "/below" } do
      local done, err = support.run(function()
        return crawl { start = server.url .. "/", client = { tls = { ca_file = server.ca } }, progress = false,
          save = path }
      end)
      assert.same({ nil, "output", "file", path }, { done, err.reason, err.kind, err.path })
      assert.matches(path .. ": save must name a directory", tostring(err), 1, true)
    end
    for _, event in ipairs(server:events()) do assert.is_nil(event.path) end
  end)

  it("is not there for pages that were stopped or failed", function()
    local files = save [[{ '/': '<a href=/png><a href=/gone>', '/png': { type: 'image/png', body: 'x' } }]]
    local names = {}
    for name in pairs(files) do names[#names + 1] = name end
    table.sort(names)
    assert.equal("index.html", names[#names])
    assert.is_nil(files["png"])
  end)
end)
