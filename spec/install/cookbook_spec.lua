-- doc/cookbook.md: what it shows stands in the file that it names; the programs that no other spec runs.
local lfs = require "lfs"
local process = require "support.process"
local site = require "support.site"
local support = require "support"

-- Page 3 is busy twice, and says for how long; page 4 is not there.
local PAGES = [=[(() => {
  const pages = { '/': '<title>one, "start"</title><a href="/a">a</a> <a href="/b">b</a>',
    '/a': '<title>a</title><a href="/b">b</a>', '/b': '<title>b</title>',
    '/cookies': { body: 'x', headers: { 'set-cookie': ['a=1; Secure', 'b=2; Secure'] } } };
  for (let i = 1; i <= 50; i++) pages[`/pages/${i}.html`] = { body: `page ${i}` };
  pages['/pages/3.html'].fails = 2;
  pages['/pages/3.html'].fail_headers = { 'retry-after': '1' };
  delete pages['/pages/4.html'];
  return pages;
})()]=]

describe("the cookbook", function()
  it("runs each program as its first lines say", function()
    local count = 0
    for line in support.read("doc/cookbook.md"):gmatch "[^\n]+" do
      local path = line:match "^[%w= :/._-]*luajit (examples/[%w_]+%.lua)"
      if path then
        count = count + 1
        local wanted = "--- usage: " .. line:gsub("examples/", "")
        assert.is_not_nil(support.read(path):find(wanted, 1, true), path .. ": " .. line)
      end
    end
    assert.is_true(count >= 12, count .. " programs")
  end)

  it("shows what stands in the file that it names, and names all that there are", function()
    local path, code, count, named = nil, nil, 0, {}
    local page = support.read("doc/cookbook.md"):gsub("```sh\n.-\n```\n", "") -- how they are run: below
    for line in page:gmatch "([^\n]*)\n" do
      if code and line == "```" then
        count = count + 1
        local shown = table.concat(code, "\n")
        assert.is_truthy(support.read(path):find(shown, 1, true), path .. " has no longer:\n" .. shown)
        code = nil
      elseif code then
        code[#code + 1] = line
      elseif line:find "^```" then
        code = {}
      else
        for name in line:gmatch "`(examples/[^`]+)`" do
          path = name
          named[name:match "^examples/[^/]*"] = true
        end
      end
    end
    assert.is_true(count > 10, count .. " pieces")
    for name in lfs.dir "examples" do
      local recipe = name:find "%.lua$" or name:find "^[%w-]+$" and name ~= "demo"
      if recipe then assert.is_true(named["examples/" .. name], name) end
    end
  end)
end)

describe("the example", function()
  local server, place

  setup(function() server = site.start(PAGES) end)
  teardown(function() server:stop() end)
  before_each(function() place = support.directory "cookbook" end)

  local function start(...)
    local argv = { "env", "LUA_PATH=lua/?.lua;lua/?/init.lua;;", "SSL_CERT_FILE=" .. server.ca, "SITE=" .. server.url }
    for _, word in ipairs(process.sanitizers()) do argv[#argv + 1] = word end
    for _, word in ipairs { ... } do argv[#argv + 1] = word end
    return process.start(argv, support.directory "output" .. "/output")
  end

  local function run(...)
    local child = start(...)
    return child:wait(60), child:output()
  end

  local function assert_runs(...)
    local status, output = run(...)
    assert.equal(0, status, output)
    return output
  end

  it("statuses waits as long as a busy server says, and shows what is not there", function()
    local output = assert_runs("luajit", "examples/statuses.lua", server.url .. "/pages/")
    assert.matches("/pages/4.html\t404\n", output, 1, true)
    assert.matches("\n200\t49\n", "\n" .. output, 1, true)
    assert.is_nil(output:find("503", 1, true))
  end)

  it("self_signed is refused by who does not know the certificate, and trusts the one it is given", function()
    local argv = { "env", "-u", "SSL_CERT_FILE", "luajit", "examples/self_signed.lua", server.url .. "/", server.ca }
    local output = assert_runs(unpack(argv))
    assert.matches("^connect_failed\ttls\t[^\n]*\n200\thttps://localhost:%d+/\n$", output)
  end)

  it("polite crawls into CSV", function()
    assert.equal("3 pages, 0 failed\n",
      assert_runs("luajit", "examples/polite.lua", server.url .. "/", place .. "/pages.csv", "0.01"))
    local rows = support.read(place .. "/pages.csv")
    assert.matches('"one, ""start"""', rows, 1, true)
    assert.equal(4, select(2, rows:gsub("\n", "")))
  end)

  it("resuming writes each page once, however often it is started", function()
    local state, pages = place .. "/site.crawl", place .. "/pages.jsonl"
    for _ = 1, 2 do
      assert.matches("3 pages so far: finished\n",
        assert_runs("luajit", "examples/resuming.lua", server.url .. "/", state, pages), 1, true)
      assert.equal(3, select(2, support.read(pages):gsub("\n", "")))
    end
  end)

  it("archive keeps the pages as WARC", function()
    assert.equal("3 pages kept\n", assert_runs("luajit", "examples/archive.lua", server.url .. "/", place .. "/site"))
    local records = assert_runs("gzip", "-dc", place .. "/site-00000.warc.gz")
    for _, path in ipairs { "/", "/a", "/b" } do
      assert.matches(("WARC-Target-URI: %s%s\r\n"):format(server.url, path), records, 1, true)
    end
  end)

  it("busted_spec passes what holds, and fails what nobody has waited for", function()
    local status, output = run("busted", "--lua=luajit", "--output=TAP", "examples/busted_spec.lua")
    assert.equal(1, status, output)
    assert.matches("ok 1 %- the site answers\n.*ok 2 %- the site says", output)
    assert.matches("not ok 3 %- the site is not asked by tasks that fail unseen.*lost", output)
  end)

  -- Builds one of those in C as its first lines say.
  local function build(name)
    local output = support.directory "output" .. "/output" -- no compiler is run under sanitizers
    local child = process.start({ "cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-Isrc", "-o", place .. "/" .. name,
      ("examples/c/%s.c"):format(name), "-Lbuild", "-lrill", "-Wl,-rpath," .. lfs.currentdir() .. "/build" }, output)
    assert.equal(0, child:wait(60), child:output())
    return place .. "/" .. name
  end

  it("headers finds the fields of a response", function()
    assert.equal("200, content-type: text/html\ncookie: a=1; Secure\ncookie: b=2; Secure\n",
      assert_runs(build "headers", server.url .. "/cookies"))
  end)

  it("poll reads URLs while it fetches others", function()
    local script = ("printf '%s/cookies\\nno url\\n%s/none' | { cat; echo; } | %s"):format(server.url, server.url,
      build "poll")
    local output = assert_runs("sh", "-c", script)
    assert.matches("200, 1 bytes\n", output, 1, true)
    assert.matches("404, 12 bytes\n", output, 1, true)
    assert.matches("no url: ", output, 1, true)
  end)
end)

describe("rill_headers_find", function()
  local C, ffi = require "rill.clib", require "ffi"
  local BLOCK = "\r\na: 1\r\nset-cookie: x\r\nempty: \r\nset-cookie: y: z\r\nab: 2"
  local length = ffi.new "size_t[1]"

  local function find(block, name, size)
    local value = C.rill_headers_find(block, size or #block, name, length)
    return value ~= nil and ffi.string(value, length[0]) or nil, tonumber(length[0]), value
  end

  it("finds the first field of a name, whatever its case, and not a part of one", function()
    assert.equal("1", (find(BLOCK, "A")))
    assert.equal("2", (find(BLOCK, "ab")))
    assert.equal("x", (find(BLOCK, "Set-Cookie")))
    assert.equal("", (find(BLOCK, "empty")))
    for _, name in ipairs { "b", "set", "1", "", "z", ":" } do assert.is_nil((find(BLOCK, name)), name) end
    assert.equal(0, (select(2, find(BLOCK, "none"))))
  end)

  it("goes on behind a value", function()
    local block = ffi.new("char[?]", #BLOCK, BLOCK)
    local finish = block + #BLOCK
    local _, size, value = find(block, "set-cookie", #BLOCK)
    local rest = value + size
    local other, size2, value2 = find(rest, "set-cookie", finish - rest)
    assert.equal("y: z", other)
    rest = value2 + size2
    assert.is_nil((find(rest, "set-cookie", finish - rest)))
    assert.equal("2", (find(rest, "ab", finish - rest)))
  end)

  it("finds nothing in nothing, and in what is no block", function()
    assert.is_nil((find(nil, "a", 0)))
    assert.is_nil((find("", "a")))
    assert.is_nil((find("a: 1", "a")))
    assert.is_nil((find("\r\na", "a")))
    assert.is_nil((find(BLOCK, nil)))
    assert.is_true(C.rill_headers_find(BLOCK, #BLOCK, "a", nil) == nil)
  end)
end)
