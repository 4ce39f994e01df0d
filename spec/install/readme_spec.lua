local ffi = require "ffi"
local lfs = require "lfs"
local process = require "support.process"
local rill = require "rill"
local support = require "support"

local SITE = "https://example.com/" -- in the programs: becomes the local server's address, and nothing else is changed

-- What the README's programs ask for.
local SERVER = [[
const html = { ':status': 200, 'content-type': 'text/html' };
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const path = headers[':path'];
  if (path === '/') {
    stream.respond(html);
    stream.end('<a href="/missing">a</a> <a href="big">b</a> <a href="/#here">c</a> <a href="https://example.org/">');
  } else if (path === '/big') {
    stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
    stream.end(Buffer.alloc(1000000, 'x'));
  } else if (path === '/form') {
    let length = 0;
    stream.on('data', (data) => { length += data.length; });
    stream.on('end', () => { stream.respond({ ':status': 200 }); stream.end(`${headers[':method']} ${length}`); });
  } else if (path === '/moved') {
    stream.respond({ ':status': 301, location: '/' });
    stream.end();
  } else if (path !== '/slow') {
    stream.respond({ ':status': 404 });
    stream.end();
  }
});
]]

-- A piece of the tour stands in a task, with a client.
local TASK = [[
local rill = require "rill"
rill.run(function()
  local client = rill.client()
%s
end)
]]

local readme = support.read "README.md"

--- The code blocks of one language, in order.
local function blocks(text, language)
  local list = {}
  for code in text:gmatch("\n```" .. language .. "\n(.-)\n```") do list[#list + 1] = code end
  return list
end

--- A section of a page, without its heading.
local function section(page, heading)
  return assert(support.read(page):match("\n## " .. heading .. "\n(.-)\n## "), "no section " .. heading)
end

--- The names in backquotes in the first column of a section's tables.
local function first_column(text)
  local names = {}
  for cell in text:gmatch "\n| (.-) |" do
    for name in cell:gmatch "`([^`]+)`" do names[#names + 1] = name end
  end
  return names
end

local function replace(text, old, new)
  return (text:gsub(old:gsub("%p", "%%%0"), (new:gsub("%%", "%%%%"))))
end

--- Runs a command line as a shell would; returns its exit status and what it wrote.
local function run(server, command)
  local directory = support.directory "readme"
  local child = process.start({ "env", "-u", "RILL_LIBRARY", "SSL_CERT_FILE=" .. server.ca, "sh", "-c", command },
    directory .. "/output")
  return child:wait(10), child:output()
end

describe("the README", function()
  local server

  it("is short", function()
    assert.is_true(select(2, readme:gsub("\n", "")) <= 130)
  end)

  it("has the figures of one table of the bench", function()
    package.path = "bench/harness/?.lua;.ci/?.lua;" .. package.path
    local table_text = support.read "doc/performance.md":match "\n## Beside others\n(.-)\n## "
    assert.is_not_nil(readme:find(require("beside").bullet(table_text), 1, true))
  end)

  setup(function() server = support.node { source = SERVER } end)
  teardown(function() server:stop() end)

  --- The command that it gives for first.lua, with another file in its place.
  local function command_for(program)
    local path = support.write(support.directory "program" .. "/first.lua", replace(program, SITE, server.url .. "/"))
    return replace(assert(readme:match "\n(LUA_PATH=[^\n]*)\n"), "first.lua", path)
  end

  it("begins with a program that runs as printed", function()
    local program = blocks(readme, "lua")[1]
    local lines = select(2, program:gsub("\n[^\n]", "")) + 1
    assert.is_true(lines <= 15, lines .. " lines")
    local status, output = run(server, command_for(program))
    assert.equal(0, status, output)
    assert.matches("^200\ttext/html\t%d+\n$", output)
  end)

  it("has a program that says why it failed", function()
    local refused = require("support.tcp").refused()
    local status, output = run(server, command_for(replace(blocks(readme, "lua")[1], SITE, refused .. "/")))
    assert.equal(0, status, output)
    assert.matches("^failed\tconnect_failed\tconnect_failed %(tcp%): https://localhost:%d+/: ", output)
  end)

  local pieces = { tour = blocks(support.read "doc/tour.md", "lua"), README = blocks(readme, "lua") }
  table.remove(pieces.README, 1)
  for page, list in pairs(pieces) do
    for number, piece in ipairs(list) do
      it(("and the tour have pieces that print what they say: %s, number %d"):format(page, number), function()
        local expected = {}
        for said in piece:gmatch "%-%-> ([^\n]*)" do expected[#expected + 1] = said end
        local status, output = run(server, command_for(TASK:format(piece)))
        assert.equal(0, status, output)
        assert.equal(table.concat(expected, "\n") .. "\n", (output:gsub("\t", " ")))
        assert.is_true(#expected > 0)
      end)
    end
  end

  it("leads to a C program that runs as printed", function()
    local directory = support.directory "fetch"
    local program = blocks(support.read "doc/c.md", "c")[1]
    local source = support.write(directory .. "/fetch.c", replace(program, SITE, server.url .. "/"))
    local flags = "-std=c11 -Wall -Wextra -Werror -Isrc -Lbuild -lrill -Wl,-rpath,\"$PWD/build\""
    local shown = assert(support.read("doc/c.md"):match "\n(cc %-o fetch [^\n]*)\n")
    local command = shown:gsub("%$%b()", "%%s"):format(flags)
    command = command:gsub("%-o fetch fetch%.c", ("-o %s/fetch %s"):format(directory, source))
    local status, output = run(server, command .. " && " .. directory .. "/fetch")
    assert.equal(0, status, output)
    assert.matches("^200, %d+ bytes\n$", output)
  end)

  it("tells what every close reason means, and no other", function()
    local C, expected = require "rill.clib", { "redirect", "invalid_selector", "limit" } -- unknown to the core
    for number = C.RILL_ENDED, C.RILL_REASONS - 1 do
      if number ~= C.RILL_ARGUMENT and number ~= C.RILL_CLOSED then -- raised, never seen as a reason
        expected[#expected + 1] = ffi.string(C.rill_reason_name(number))
      end
    end
    local told = first_column(section("doc/reference/errors.md", "Close reasons"))
    table.sort(expected)
    table.sort(told)
    assert.same(expected, told)
  end)

  it("need not say which options are missing: none is", function()
    local known, count = support.read("lua/rill/core/options.lua"):match "\nlocal OPTIONS = (%b{})", 0
    for name in known:gmatch "\n  ([%w_]+) = {" do
      count = count + 1
      local _, message = pcall(rill.client, { [name] = newproxy() }) -- a value that no option takes
      assert.is_nil(tostring(message):find("not supported yet", 1, true), name)
    end
    assert.is_true(count > 20)
  end)

  it("names every package with the version that make asks for", function()
    local needs = section("doc/installing.md", "What it needs")
    for line in support.read(".ci/packages"):gmatch "[^\n]+" do
      local groups, package, check, _, version = line:match "^([%w,]+) +(%S+) +(%S+) (%S+) +(%S+)"
      if groups and (groups:find "build" or groups:find "test" or groups:find "demo") then
        local row = needs:match("\n|[^\n]*`" .. package:gsub("%p", "%%%0") .. "`[^\n]*")
        assert.is_truthy(row, package)
        if check == "pkg" then assert.is_truthy(row:find("| " .. version .. " |", 1, true), package) end
      end
    end
  end)

  it("names only files that exist, as the other pages do", function()
    local pages, count = { "README.md", "CHANGELOG.md" }, 0
    for name in lfs.dir "doc" do
      if name:find "%.md$" then pages[#pages + 1] = "doc/" .. name end
    end
    for name in lfs.dir "doc/reference" do
      if name:find "%.md$" then pages[#pages + 1] = "doc/reference/" .. name end
    end
    local ROOTS = { src = true, lua = true, spec = true, doc = true, examples = true, fuzz = true, [".ci"] = true }
    for _, page in ipairs(pages) do
      for name in support.read(page):gmatch "`(%.?[%w_]+/[%w_./-]*)`" do
        if ROOTS[name:match "^[^/]+"] then
          count = count + 1
          assert.is_truthy(lfs.attributes(name, "mode"), page .. " names " .. name)
        end
      end
      for name in support.read(page):gmatch "%]%(([%w_./-]+)%)" do
        count = count + 1
        local path = (page:match "^.*/" or "") .. name
        assert.is_truthy(lfs.attributes(path, "mode"), page .. " leads to " .. name)
      end
    end
    assert.is_true(count > 50, count .. " names")
  end)
end)

describe("doc/limits.md", function()
  it("names only constants that the sources have", function()
    local sources = {}
    for _, directory in ipairs { "src", "lua" } do
      for _, path in ipairs(support.find(directory)) do
        if path:find "%.[chl]u?a?$" then sources[#sources + 1] = support.read(path) end
      end
    end
    sources = table.concat(sources)
    local count = 0
    for name in support.read("doc/limits.md"):gmatch "`([A-Z][A-Z_]+[A-Z])`" do
      count = count + 1
      assert.is_truthy(sources:find("%f[%w_]" .. name .. " = "), name)
    end
    assert.is_true(count > 10)
  end)
end)
