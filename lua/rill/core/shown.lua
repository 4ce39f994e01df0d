--- What tostring gives of rill's objects: one line for logs, without user and password.
local errors = require("rill.errors")
local of_task = require("rill.task.slots")
local slots = require("rill.core.slots")

local PLACE, STATE, CANCELLED, WAITING = of_task.PLACE, of_task.STATE, of_task.CANCELLED, of_task.WAITING

local M = {}

-- 12732 -> "12,732"
local function grouped(number)
  local digits = ("%d"):format(number)
  local head = (#digits - 1) % 3 + 1
  return digits:sub(1, head) .. digits:sub(head + 1):gsub("%d%d%d", ",%0")
end

local function counted(number, noun)
  return ("%s %s%s"):format(grouped(number), noun, number == 1 and "" or "s")
end

--- `200 https://example.com/ 12,732 bytes in 0.023 s, ended`
---@param response rill.Response
---@return string
function M.response(response)
  if not response.close_reason then return ("response: %s %s, waiting"):format(response[slots.METHOD], response.url) end
  return ("%d %s %s in %.3f s, %s"):format(response.status, response.url, counted(response.bytes_received, "byte"),
    response.timings.total, response.close_reason)
end

--- `stream 5: GET https://example.com/ 200, ended`
---@param stream rill.Stream
---@return string
function M.stream(stream)
  local own, id, status = stream._state, stream.id, stream.status
  local text = ("stream%s: %s %s"):format(id and " " .. id or "", own[slots.METHOD], errors.shown(own[slots.URL]))
  if status then text = text .. " " .. status end
  return ("%s, %s"):format(text, stream.close_reason or stream.request_sent and "open" or "waiting")
end

--- `client: 1 connection, 2 streams, 0 pending`
---@param client rill.Client
---@return string
function M.client(client)
  if client._closed then return "client: closed" end
  local now = client:stats()
  return ("client: %s, %s, %s pending"):format(counted(now.connections, "connection"), counted(now.streams, "stream"),
    grouped(now.pending))
end

--- `connection to https://example.com (192.0.2.1:443, h2): 2 streams, 0 pending`
---@param connection rill.Connection
---@return string
function M.connection(connection)
  local address, port = connection.ip_address, connection.port
  local at = ""
  if address and address ~= "" then
    at = (" (%s:%d, %s)"):format(address:find(":", 1, true) and "[" .. address .. "]" or address, port,
      connection.protocol)
  end
  local closed = connection.closed
  return ("connection to %s%s: %s"):format(connection._base, at, closed and "closed, " .. closed.reason
    or ("%s, %s pending"):format(counted(connection.streams or 0, "stream"), grouped(connection.pending or 0)))
end

local function state_of(task)
  local failed, waits = task._failure, task[WAITING]
  if task[STATE] == "begun" then
    return waits and "waits" .. (waits.dormant and " in " .. waits.dormant or "") or "runs"
  elseif task[STATE] ~= "ended" then
    return "not begun"
  elseif task[CANCELLED] then
    return "cancelled"
  elseif not failed then
    return "ended"
  end
  local ok, text = pcall(tostring, failed.value)
  return "failed: " .. (ok and text or type(failed.value))
end

--- `task of crawl.lua:12: waits in queue:pop`
---@param task rill.Task
---@return string
function M.task(task)
  return ("task%s: %s"):format(task[PLACE] and " of " .. task[PLACE] or "", state_of(task))
end

--- `queue: 3 items of at most 10`
---@param queue rill.Queue
---@return string
function M.queue(queue)
  local most = queue._max < math.huge and " of at most " .. grouped(queue._max) or ""
  return ("queue: %s%s%s"):format(counted(queue:count(), "item"), most, queue._closed and ", closed" or "")
end

--- `semaphore: 1 of 4 free`
---@param semaphore rill.Semaphore
---@return string
function M.semaphore(semaphore)
  return ("semaphore: %d of %d free"):format(semaphore._free, semaphore._size)
end

return M
