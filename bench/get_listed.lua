-- GET of the URLs of a list that was made before, again and again, 100 at a time, as `h2load -i` does it: status, one
-- header and the body string of each. No URL is like those around it; the bodies are those of 256 files.
local rill = require("rill")
local program = require("program")

local LISTED = 4000

rill.run(function()
  local client, bytes = program.client(), 0
  local prefix, size = program.url, tonumber(program.url:match("(%d+)k%-$")) * 1024
  local urls = {}
  for i = 1, LISTED do urls[i] = prefix .. i % 256 .. "?n=" .. i end
  program.share(100, program.count, function(i)
    local response = assert(client:get(urls[i % LISTED + 1]))
    assert(response.status == 200 and response.headers["last-modified"])
    bytes = bytes + #response.body
  end)
  assert(bytes == program.count * size)
  program.done(program.count)
end)
