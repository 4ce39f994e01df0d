-- .ci/specs.lua, which runs the specs: what it counts and when it fails.
local process = require "support.process"
local support = require "support"

--- Runs it on files of that content; returns its status, what it wrote, and the last line.
local function run(contents, ...)
  local directory = support.directory "specs"
  for name, content in pairs(contents) do support.write(("%s/%s_spec.lua"):format(directory, name), content) end
  local argv = { "luajit", ".ci/specs.lua", ... }
  argv[#argv + 1] = "--"
  argv[#argv + 1] = directory
  local child = process.start(argv, directory .. "/output")
  local status, output = child:wait(30), child:output()
  return status, output, output:match "([^\n]*)\n$"
end

local GOOD = 'it("is good", function() end) it("is as good", function() end)'

-- Lua's state is closed after the sum was printed.
local KILLED_AT_END = [[
local last = newproxy(true)
getmetatable(last).__gc = function() os.execute "kill -9 $PPID" end
package.loaded.last = last
]]

describe("the runner of specs", function()
  it("adds up what files say and succeeds when nothing failed", function()
    local status, output, last = run { a = GOOD, b = GOOD }
    assert.equal("4 passed, 0 failed", last)
    assert.equal(0, status)
    assert.matches("a_spec.lua 2 passed", output)
  end)

  it("shows what failed and names its file", function()
    local status, output, last = run { a = GOOD, b = 'it("is wrong", function() error "this" end)' }
    assert.equal("2 passed, 1 failed", last)
    assert.equal(1, status)
    assert.matches("ERROR is wrong.*this", output)
    assert.matches("\nfailed: [^\n]*/b_spec.lua\n", output)
  end)

  local broken = {
    ["has no spec"] = { "", "ran no spec" },
    ["cannot be read"] = { "it(", "near '<eof>'" },
    ["ends its process"] = { GOOD .. ' it("leaves", function() os.exit(0) end)', "ended without a sum" },
    ["is killed after its specs"] = { GOOD .. KILLED_AT_END, "ended by signal 9" },
    ["does not end"] = { 'it("hangs", function() while true do end end)', "did not end in time", "--limit=2" },
  }
  for what, case in pairs(broken) do
    it("counts a file that " .. what .. " as failed", function()
      local status, output, last = run({ a = case[1] }, case[3])
      assert.matches(case[2], output, 1, true)
      assert.matches("^%d passed, 1 failed$", last)
      assert.equal(1, status)
    end)
  end

  it("fails when a filter lets nothing pass, and not for files without a spec of that name", function()
    local other = 'it("is bad", function() error() end)'
    assert.equal(1, (run({ a = GOOD }, "--filter=nothing")))
    local status, _, last = run({ a = GOOD, b = other }, "--filter=good")
    assert.equal("2 passed, 0 failed", last)
    assert.equal(0, status)
  end)

  it("passes busted's flags on: an order that chance has made can be had again", function()
    local contents = {}
    for i = 1, 5 do contents["a" .. i] = GOOD:gsub("%f[%w]it", "io.write '.' it") end
    local _, output = run(contents, "--shuffle", "--seed=7")
    assert.matches("\nshuffled with %-%-seed=7\n", output)
  end)
end)

describe("a file that says that it is not under sanitizers", function()
  it("requires no rill, nor what runs rill with sanitizers", function()
    local count = 0
    for _, path in ipairs(support.find "spec") do
      local text = path:find "_spec%.lua$" and support.read(path)
      if text and text:sub(1, 400):find("not under sanitizers", 1, true) then
        count = count + 1
        local code = text:gsub("%[%[.-%]%]", "")
        for _, word in ipairs { 'require%s*%(?"rill', '"support%.script', '"support%.command', "sanitizers%(",
          "ffi%.load", "support%.client", "support%.begin" } do
          assert.is_nil(code:find(word), path .. " has " .. word)
        end
      end
    end
    assert.is_true(count >= 6, count .. " files")
  end)

  it("is left out where it is in a directory that runs under them, and run where it is named", function()
    local marked = "-- not under sanitizers\n" .. GOOD
    local _, output, last = run({ a = marked, b = GOOD }, "--under=build/librill.so")
    assert.equal("2 passed, 0 failed", last, output)
    assert.is_nil(output:find "a_spec")
    assert.equal("4 passed, 0 failed", select(3, run { a = marked, b = GOOD }))
  end)
end)

describe("a port that was taken", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("refuses connections and is nobody's until it is released", function()
    local port = require "support.port"
    local before, number = port.taken(), port.free()
    assert.is_false(port.open(number))
    local seen = {}
    for _ = 1, 200 do
      local other = port.free()
      assert.is_nil(seen[other])
      assert.not_equal(number, other)
      seen[other] = true
    end
    port.release(before)
    assert.equal(before, port.taken())
  end)
end)
