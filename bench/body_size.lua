-- GETs of one body, 10 at a time or as many as the last word says; none is made a Lua string.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local client, done = program.client(), 0
  program.share(tonumber(program.more or 10), program.count, function()
    local response = assert(client:get(program.url))
    local _, bytes = response:pointer()
    assert(response.status == 200 and bytes == response.bytes_received)
    done = done + 1
  end)
  program.done(done)
end)
