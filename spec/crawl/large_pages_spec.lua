local process = require "support.process"
local support = require "support"

-- Where the system has none, there is nothing to see.
local function has_large_pages()
  local file = io.open "/sys/kernel/mm/transparent_hugepage/enabled"
  if file then file:close() end
  return file ~= nil
end

local function memory_after_crawl()
  local argv = { "env", "LUA_PATH=lua/?.lua;lua/?/init.lua;;", "luajit", "spec/support/large_pages.lua" }
  local child = process.start(argv, support.directory "large_pages" .. "/output")
  assert.equal(0, child:wait(30), child:output())
  return child:output()
end

describe("a crawl", function()
  if os.getenv "RILL_SANITIZED" then
    return pending "is looked at in the plain library: sanitizers have a malloc() of their own"
  end

  it("asks for large pages for the bodies that it will hold", function()
    if not has_large_pages() then return end
    local output = memory_after_crawl()
    local wanted = tonumber(output:match "large (%d+)\n")
    assert.is_true(wanted >= 26 * 1024 and wanted <= 30 * 1024, output)
  end)

  it("has small blocks joined as they are freed", function()
    local output = memory_after_crawl()
    assert.equal("0", output:match "lying (%d+)\n", output)
  end)
end)
