-- How long a worker waits until it looks again whether others have brought work.
local holding = require "rill.crawl.frontier.holding"

describe("a worker that was handed out nothing", function()
  it("looks again after half the time for which nothing has come, from 10 ms to 0.2 s", function()
    local held = holding.new()
    assert.equal(0.01, held:pause(false, 5))
    assert.equal(0.01, held:pause(true, 7))
    assert.equal(0.25 / 2, held:pause(false, 7.25))
    assert.equal(0.2, held:pause(false, 60))
    assert.equal(0.01, held:pause(true, 61))
  end)

  it("does not wait longer for having looked often: a look follows each of its commits", function()
    local held = holding.new()
    for _ = 1, 20 do assert.equal(0.01, held:pause(false, 5)) end
  end)
end)
