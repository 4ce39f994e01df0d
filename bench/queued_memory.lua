-- Resident memory of tasks that wait for their response, all but a hundred of them in the queue: the server is so far
-- away that all have begun before it answers.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local client, begun = program.client(), 0
  local function get(i)
    begun = begun + 1
    client:get(program.url .. "?n=" .. i)
  end
  client:get(program.url) -- what comes with the connection belongs to no single task
  collectgarbage()
  collectgarbage()
  local before = program.memory("VmRSS")
  for i = 1, program.count do
    rill.spawn(get, i)
  end
  while begun < program.count do
    rill.sleep(0.02)
  end
  local kib = program.memory("VmRSS") - before
  assert(client:stats().pending >= program.count - 100, "answers came before all had begun")
  program.done(program.count, { kib_per_task = kib / program.count })
  io.stdout:flush()
  os.exit(0)
end)
