-- The same as get_distinct, by rill.map: 100 at a time, of URLs that are made as they are asked for.
local rill = require("rill")
local program = require("program")

rill.run(function()
  local client, bytes, made = program.client(), 0, 0
  local prefix = program.url
  local function next_url()
    if made == program.count then return nil end
    made = made + 1
    return prefix .. made % 256 .. "?n=" .. made
  end
  local function get(url)
    local response = assert(client:get(url))
    assert(response.status == 200 and response.headers["last-modified"])
    return #response.body
  end
  for _, size in rill.map(next_url, get, { concurrency = 100 }) do
    bytes = bytes + size
  end
  assert(bytes == program.count * 1024)
  program.done(program.count)
end)
