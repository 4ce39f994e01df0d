-- GET of one page again and again, 100 at a time: status, one header and the body string of each.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local client, bytes = program.client(), 0
  program.share(100, program.count, function()
    local response = assert(client:get(program.url))
    assert(response.status == 200 and response.headers["last-modified"])
    bytes = bytes + #response.body
  end)
  assert(bytes == program.count * 1024)
  program.done(program.count)
end)
