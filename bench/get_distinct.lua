-- GET of pages whose URLs are all distinct, 100 at a time: status, one header and the body string of each.
-- The bodies are those of 256 files; the URL names a file's prefix, and so how large they are.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local client, bytes = program.client(), 0
  local prefix, size = program.url, tonumber(program.url:match("(%d+)k%-$")) * 1024
  program.share(100, program.count, function(i)
    local response = assert(client:get(prefix .. i % 256 .. "?n=" .. i))
    assert(response.status == 200 and response.headers["last-modified"])
    bytes = bytes + #response.body
  end)
  assert(bytes == program.count * size)
  program.done(program.count)
end)
