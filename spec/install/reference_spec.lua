-- doc/reference names all that is public, and nothing else; lua/rill/meta.lua knows the same options.
local support = require "support"

local function page(name)
  return support.read("doc/reference/" .. name .. ".md")
end

-- All words in backquotes, "client:get" and "stream.id" as "get" and "id" too.
local function named(text)
  local set = {}
  for code in text:gmatch "`([^`\n]+)`" do
    for word in code:gmatch "[%a_][%w_]*" do set[word] = true end
  end
  return set
end

-- The options in the first column of a page's tables, under one heading.
local function options_in(text)
  local set = {}
  for cell in text:gmatch "\n| ([^|]*`[^|]*) |" do
    for name in cell:gmatch "`([%w_]+)`" do set[name] = true end
  end
  return set
end

-- The names of a table of options in a source: NAME = { ... }.
local function keys_of(source, name)
  local body = assert(source:match("\nlocal " .. name .. " = {\n(.-)\n}"), name)
  local set = {}
  for key in ("\n" .. body):gmatch "\n  ([%w_]+) = " do set[key] = true end
  return set
end

local function union(...)
  local all = {}
  for _, set in ipairs { ... } do
    for key in pairs(set) do all[key] = true end
  end
  return all
end

local function assert_same_keys(expected, found, what)
  for key in pairs(expected) do assert.is_true(found[key], what .. " lacks " .. key) end
  for key in pairs(found) do assert.is_true(expected[key], what .. " has " .. key .. ", which is not there") end
end

local OPTIONS = support.read "lua/rill/core/options.lua"

local OF_THE_CORE = { argument = true, closed = true } -- wrong use, which the binding raises

-- Public methods of a class in a module.
local function methods_of(path, class)
  local names, private = {}, false
  for line in support.read(path):gmatch "[^\n]*" do
    if line:find "^%-%-%-@private" then private = true end
    local name = line:match("^function " .. class .. ":(%a[%w_]*)%(")
    if name and not private then names[#names + 1] = name end
    if line:find "^function" or line:find "^local function" then private = false end
  end
  return names
end

describe("the reference", function()
  it("has every option of clients and requests, and no other", function()
    local text = page "options"
    local clients, tls = text:match "^(.-)\n## tls\n(.*)$"
    assert_same_keys(keys_of(OPTIONS, "OPTIONS"), options_in(clients), "options.md")
    assert_same_keys(keys_of(OPTIONS, "TLS"), options_in(tls), "options.md, tls")
    local words = named(text)
    for key in pairs(union(keys_of(OPTIONS, "REQUEST"), keys_of(OPTIONS, "WHOLE"), keys_of(OPTIONS, "DOWNLOAD"))) do
      assert.is_true(words[key], key)
    end
  end)

  it("has every option of a crawl, and no other", function()
    local text = assert(page "crawl":match "\n## Options\n(.-)\n## ")
    local found = options_in(text)
    local source = support.read "lua/rill/crawl/options.lua"
    local body = assert(source:match "\nlocal KNOWN = {\n(.-)\n}\n")
    for key in pairs(found) do assert.is_not_nil(body:find("%f[%w_]" .. key .. " = "), key) end
    local meta = support.read "lua/rill/meta.lua":match "@class rill.CrawlOptions\n(.*)$"
    for key in meta:gmatch "@field ([%w_]+)" do assert.is_true(found[key], "crawl.md lacks " .. key) end
  end)

  it("has every function of the C header, and no other", function()
    local found, expected = {}, {}
    for name in page "c":gmatch "`(rill_[%w_]+)`" do
      found[name] = true
    end
    for line in support.read "src/rill.h":gmatch "RILL_API ([^;]*)" do
      local name = line:match "(rill_[%w_]+)%("
      if name then expected[name] = true end
    end
    assert_same_keys(expected, found, "c.md")
  end)

  it("has every public name of rill", function()
    local text = ""
    for _, name in ipairs { "tasks", "client", "connection", "url", "html", "cookies", "options", "har" } do
      text = text .. page(name)
    end
    local source = support.read "lua/rill/init.lua"
    local later = assert(source:match "\nlocal LATER = {\n(.-)\n}")
    for name in ("\n" .. later):gmatch "\n  (%w+) = " do
      assert.is_not_nil(text:find("rill." .. name, 1, true), "rill." .. name)
    end
    for name in source:gmatch "\nM%.(%w+) = " do assert.is_not_nil(text:find("rill." .. name, 1, true), name) end
  end)

  it("has every method of clients, connections, streams, responses, jars and recorders", function()
    for _, case in ipairs { { "lua/rill/client.lua", "Client", "client" },
      { "lua/rill/connection.lua", "Connection", "connection" }, { "lua/rill/stream.lua", "Stream", "stream" },
      { "lua/rill/response.lua", "Response", "response" }, { "lua/rill/cookies.lua", "Jar", "cookies" },
      { "lua/rill/har.lua", "Recorder", "har" } } do
      local words = named(page(case[3]))
      for _, name in ipairs(methods_of(case[1], case[2])) do
        assert.is_true(words[name], case[3] .. ".md lacks " .. name)
      end
    end
  end)

  it("has every close reason", function()
    local C, ffi = require "rill.clib", require "ffi"
    local words = named(page "errors")
    local number = 1
    while true do
      local name = ffi.string(C.rill_reason_name(number))
      if name == "" then break end
      if not OF_THE_CORE[name] then assert.is_true(words[name], name) end
      number = number + 1
    end
    assert.is_true(number > 15)
  end)

  it("has links that lead somewhere", function()
    for name in io.popen("ls doc/reference"):lines() do
      for target in support.read("doc/reference/" .. name):gmatch "%]%(([^)#]+)%)" do
        local file = io.open("doc/reference/" .. target)
        assert.is_not_nil(file, name .. ": " .. target)
        file:close()
      end
    end
  end)

  it("agrees with the types: lua/rill/meta.lua", function()
    local meta = support.read "lua/rill/meta.lua"
    local function fields(class)
      local set = {}
      local body = assert(meta:match("@class rill%." .. class .. "[^\n]*\n(.-)\n\n"), class)
      for name in body:gmatch "@field ([%w_]+)" do set[name] = true end
      return set
    end
    assert_same_keys(keys_of(OPTIONS, "OPTIONS"), union(fields "SharedOptions", fields "ClientOptions"), "meta.lua")
    assert_same_keys(keys_of(OPTIONS, "TLS"), fields "TlsOptions", "meta.lua, tls")
    assert_same_keys(keys_of(OPTIONS, "DOWNLOAD"), fields "DownloadOptions", "meta.lua, download")
  end)
end)
