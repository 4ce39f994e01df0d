-- As many tasks as there are requests, each waiting for one page of a distinct URL.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local client, bytes, tasks = program.client(), 0, {}
  local prefix = program.url
  local function get(i)
    local response = assert(client:get(prefix .. i % 256 .. "?n=" .. i))
    assert(response.status == 200 and response.headers["last-modified"])
    bytes = bytes + #response.body
    return true
  end
  get(1)
  local before = program.memory("VmRSS")
  for i = 2, program.count do
    tasks[i] = rill.spawn(get, i)
  end
  for i = 2, program.count do
    assert(tasks[i]:join())
  end
  local kib = program.memory("VmHWM") - before
  program.done(bytes / 1024, { kib_per_task = kib / program.count })
end)
