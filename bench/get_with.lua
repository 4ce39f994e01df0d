-- As get_distinct.lua, with a client's options from the last word: "timeout=0,retry_idempotent=false";
-- "on_event=count" is a handler that counts.
local rill = require("rill")
local program = require("program")

local events = 0
local function count()
  events = events + 1
end

local function read_options(text)
  local options = {}
  for name, value in text:gmatch("([%w_]+)=([%w.]+)") do
    if value == "false" then
      options[name] = false
    elseif value == "count" then
      options[name] = count
    else
      options[name] = assert(tonumber(value), name)
    end
  end
  return options
end

rill.run(function()
  local client, prefix = program.client(read_options(program.more)), program.url
  program.share(100, program.count, function(i)
    local response = assert(client:get(prefix .. i % 256 .. "?n=" .. i))
    assert(response.status == 200 and response.headers["last-modified"] and #response.body == 1024)
  end)
  program.done(program.count, { events = events })
end)
