--- Tests of code that fetches, with busted: each test is a task, and an error in a task nobody waits for fails it.
--- usage: SITE=https://example.com busted --lua=luajit busted_spec.lua
local rill = require("rill")

local site = os.getenv("SITE")

-- Runs a test as a task.
local function in_task(fn)
  return function()
    local lost = {}
    rill.on_error = function(message) lost[#lost + 1] = message end
    rill.run(fn)
    assert(#lost == 0, table.concat(lost, "\n"))
  end
end

describe("the site", function()
  local client

  before_each(function() client = rill.client { timeout = 10 } end)
  after_each(function() client:close() end)

  it("answers", in_task(function()
    assert.equal(200, assert(client:get(site .. "/")).status)
  end))

  it("says what it does not have", in_task(function()
    assert.equal(404, assert(client:get(site .. "/missing")).status)
  end))

  it("is not asked by tasks that fail unseen", in_task(function()
    rill.spawn(function() error("lost") end)
  end))
end)
