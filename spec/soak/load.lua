--- The load of the soak: workers that make requests in every way there is, and drop them in every way.
local rill = require "rill"

local M = { odd = {} } -- failures that should not be

local TIMEOUT = 4 -- seconds for a call, and for the wait before it
local GRACE = 3 -- by which it must have ended: the machine is busy

-- What is in no contract: our own fault, or the machine's.
local function is_odd(err)
  return err.reason == "error" or err.reason == "body_error" or err.reason == "file_error"
end

local function outcome_of(res, err)
  if res then return "ended" end
  if is_odd(err) then M.odd[#M.odd + 1] = err.traceback or tostring(err) end
  return err.reason
end

-- Ways to make a request of an address.
local ways = {}

function ways.get(client, address)
  return outcome_of(client:get(address))
end

function ways.post(client, address)
  return outcome_of(client:post(address, ("x"):rep(math.random(100000))))
end

function ways.body_in_pieces(client, address)
  local left = math.random(5)
  return outcome_of(client:post(address, function()
    left = left - 1
    return left > 0 and ("piece"):rep(1000) or nil
  end))
end

function ways.hooks(client, address)
  return outcome_of(client:get(address, {
    on_headers = function() return math.random() < 0.3 and "stop" or nil end,
    on_chunk = function() return math.random() < 0.1 and "cancel" or nil end,
  }))
end

function ways.cancelled_task(client, address)
  local task = rill.spawn(client.get, client, address)
  rill.sleep(math.random() / 20)
  task:cancel()
  return outcome_of(task:join())
end

function ways.timed_out(client, address)
  return outcome_of(rill.timeout(math.random() / 10, client.get, client, address))
end

function ways.read_in_part(client, address)
  local stream = assert(client:open { url = address })
  for _ = 1, math.random(3) do
    if not stream:read(math.random(30000)) then break end
  end
  if math.random() < 0.5 then stream:cancel() else stream:reset() end
  return (stream:closed())
end

function ways.collected(client, address)
  local stream = assert(client:open { url = address })
  if stream:headers() then stream:body() end
  return (stream:closed())
end

local names = {}
for name in pairs(ways) do names[#names + 1] = name end
table.sort(names)

--- A stream that nobody holds any more is cancelled; its outcome is in the client's count alone.
local function drop(client, address)
  local stream = assert(client:open { url = address })
  if math.random() < 0.5 then stream:headers() end
end

--- Works until `finished()`.
---@param client rill.Client
---@param world table
---@param account soak.Account
---@param finished fun(): boolean
function M.work(client, world, account, finished)
  while not finished() do
    local origin = world.origins[math.random(#world.origins)]
    local address = origin.url .. origin.paths[math.random(#origin.paths)]
    local request = account:issue(rill.now() + 2 * TIMEOUT + GRACE)
    if math.random() < 0.02 then
      drop(client, address)
      account:close(request, "dropped")
    else
      account:close(request, ways[names[math.random(#names)]](client, address))
    end
    if math.random() < 0.1 then rill.sleep(math.random() / 50) end
  end
end

M.TIMEOUT = TIMEOUT

return M
