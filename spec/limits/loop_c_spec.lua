local process = require "support.process"
local support = require "support"

-- The sum of bytes that spec/c/poll_loop.c prints.
local function sum(text)
  local total = 0
  for i = 1, #text do total = total + text:byte(i) end
  return total
end

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

describe("a C program with a poll(2) loop of its own", function()
  -- make asan has built the program too, and these flags are not known here.
  local build = os.getenv "RILL_SANITIZED" and "build/asan" or "build"
  local program = build .. "/poll_loop"
  local server

  setup(function()
    support.make(program, "BUILD=" .. build)
    server = support.nginx { files = { ["small.txt"] = "hello\n", ["page.html"] = 20000, ["large.txt"] = 300000 } }
  end)

  teardown(function() server:stop() end)

  local function run(...)
    local child = process.start({ program, server.ca, ... }, support.directory "poll_loop" .. "/output")
    return child:wait(10), child:output()
  end

  it("gets every response, keeps its own descriptor going, and sees a timer without spinning", function()
    local names = { "small.txt", "page.html", "large.txt", "absent" }
    local urls, expected = {}, {}
    for i = 1, 12 do
      local name = names[(i - 1) % #names + 1]
      urls[i] = ("%s/%s?%d"):format(server.url, name, i)
      local body = name == "small.txt" and "hello\n" or name == "page.html" and support.content(20000)
        or support.content(300000)
      expected[i] = name ~= "absent" and ("%d 200 %d %d"):format(i, #body, sum(body))
    end

    local status, text = run(unpack(urls))
    assert.equal(0, status, text)
    local said = lines(text)
    local timer, own = table.remove(said), table.remove(said)
    assert.equal("own 12", own)
    assert.equal(12, #said, text)
    for _, line in ipairs(said) do
      local i = tonumber(line:match "^%d+")
      if expected[i] then
        assert.equal(expected[i], line)
      else
        assert.truthy(line:find("^%d+ 404 "), line)
      end
    end

    support.tries(5, function() -- a machine that stands still makes one timer late, and not each
      local milliseconds, wakeups = timer:match "^timer (%d+) (%d+)$"
      assert.is_true(tonumber(milliseconds) >= 200, timer)
      assert.is_true(tonumber(wakeups) <= 10, timer)
      if tonumber(milliseconds) < 2000 then return true end
      timer = select(2, run(unpack(urls))):match "timer[^\n]*"
    end, "a timer that is not late")
  end)

  it("is told of a refused connection", function()
    local status, text = run("https://localhost:" .. support.free_port() .. "/")
    assert.equal(1, status)
    assert.truthy(text:find("^request: "), text)
  end)
end)
