-- As many tasks as there are requests, all started at once, each for one page of a distinct URL; or, with a last
-- word, in batches of so many.
local rill = require("rill")
local program = require("program")

local BATCH = tonumber(program.more or program.count)

rill.run(function()
  local client, bytes, number = program.client(), 0, 0
  local prefix = program.url
  local function get(i)
    local response = assert(client:get(prefix .. i % 256 .. "?n=" .. i))
    assert(response.status == 200 and response.headers["last-modified"])
    bytes = bytes + #response.body
    return true
  end
  local function batch(size)
    local tasks = {}
    for i = 1, size do
      number = number + 1
      tasks[i] = rill.spawn(get, number)
    end
    for i = 1, size do
      assert(tasks[i]:join())
    end
  end
  while number < program.count do
    batch(math.min(BATCH, program.count - number))
  end
  program.done(bytes / 1024)
end)
