-- GET of one page again and again, 100 at a time or as many as the last word says: status, one header and the body
-- string of each.
local rill = require("rill")
local program = require("program")

local STREAMS = tonumber(program.more or 100)

rill.run(function()
  local client, bytes = program.client { max_streams = STREAMS }, 0
  program.share(STREAMS, program.count, function()
    local response = assert(client:get(program.url))
    assert(response.status == 200 and response.headers["last-modified"])
    bytes = bytes + #response.body
  end)
  assert(bytes == program.count * 1024)
  program.done(program.count)
end)
