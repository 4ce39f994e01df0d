-- 1,000 connections, or as many as the last word says, 10 streams at a time on each.
local rill = require("rill")
local origins = require("origins")
local program = require("program")

local CONNECTIONS, STREAMS = tonumber(program.more or 1000), 10

rill.run(function()
  local client, urls = origins.client(CONNECTIONS)
  local each, bytes, tasks = program.count / CONNECTIONS / STREAMS, 0, {}
  local function work(url)
    for _ = 1, each do
      local response = assert(client:get(url))
      assert(response.status == 200 and response.headers["last-modified"])
      bytes = bytes + #response.body
    end
    return true
  end
  for i = 1, CONNECTIONS * STREAMS do
    tasks[i] = rill.spawn(work, urls[(i - 1) % CONNECTIONS + 1])
  end
  for i = 1, #tasks do
    assert(tasks[i]:join())
  end
  assert(client:stats().connections == CONNECTIONS)
  program.done(bytes / 1024)
end)
