-- Resident memory of connections that were used once and are idle. The last word says what they speak, if that is
-- not HTTP/2.
local rill = require("rill")
local origins = require("origins")
local program = require("program")

local function get(client, url)
  assert(assert(client:get(url)).status == 200)
end

-- What is resident when garbage is gone.
local function resident()
  collectgarbage()
  collectgarbage()
  return program.memory("VmRSS")
end

rill.run(function()
  local client, urls = origins.client(program.count + 1, program.more)
  get(client, urls[program.count + 1]) -- what comes with the first connection belongs to no single one
  local before = resident()
  program.share(50, program.count, function(i)
    get(client, urls[i])
  end)
  local kib = resident() - before
  program.done(client:stats().connections - 1, { kib_per_connection = kib / program.count })
end)
