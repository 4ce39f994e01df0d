-- A process that has no descriptors left when something is first needed.
local script = require "support.script"
local support = require "support"

local TAKE_ALL = [[
local ca, url = ...
local held = {}
local function take_all()
  repeat
    local file = io.open "/dev/null"
    held[#held + 1] = file
  until not file
end
local function give_back(count)
  for _ = 1, math.min(count, #held) do table.remove(held):close() end
end
]]

local BEFORE = { "prlimit", "--nofile=64" }

describe("a process without descriptors", function()
  before_each(support.begin)
  after_each(support.check_clean)

  it("is told so by its first request, and goes on when it has some again", function()
    local server = support.nghttpd { files = { page = "here" } }
    local lines = script.run(TAKE_ALL .. [[
    local client = rill.client { tls = { ca_file = ca }, retries = 0 }
    rill.run(function()
      take_all()
      local res, err = client:get(url .. "/page")
      tell(res and "response" or err.reason, tostring(err):match "Too many open files")
      give_back(64)
      tell(tostring(client:get(url .. "/page")):match "^%d+")
    end)
    client:close()
    ]], { server.ca, server.url }, { before = BEFORE })
    assert.same({ "connect_failed Too many open files", "200" }, lines)
  end)

  it("gives each of many downloads its file or the reason, and waits for none", function()
    local server = support.nghttpd { files = { page = ("x"):rep(100000) } }
    local directory = support.directory "downloads"
    local lines = script.run([[
    local ca, url, directory = ...
    local client = rill.client { tls = { ca_file = ca } }
    local good, refused, numbers = 0, 0, {}
    for i = 1, 60 do numbers[i] = i end
    local function get(i) return client:download(url .. "/page", directory .. "/" .. i) end
    rill.run(function()
      for _, res, err in rill.map(numbers, get, { concurrency = 60 }) do
        if res then good = good + 1 end
        if err and err.reason == "file_error" and err.message:find "Too many open files" then refused = refused + 1 end
      end
      tell(tostring(good > 0), tostring(refused > 0), good + refused)
      tell(get(1).status)
    end)
    client:close()
    ]], { server.ca, server.url, directory }, { before = { "prlimit", "--nofile=20" } })
    assert.same({ "true true 60", "200" }, lines)
  end)

  for count = 1, 3 do
    it(("has no loop made, and is not ended, with %d left"):format(count), function()
      local lines = script.run(TAKE_ALL .. ([[
      take_all()
      give_back(%d)
      local ok, why = pcall(rill.run, rill.sleep, 0)
      tell(tostring(ok), why:match "Too many open files")
      give_back(64)
      tell(tostring(pcall(rill.run, rill.sleep, 0)))
      ]]):format(count), { "", "" }, { before = BEFORE })
      assert.same({ "false Too many open files", "true" }, lines)
    end)
  end
end)
