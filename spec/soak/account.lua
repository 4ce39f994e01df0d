--- What was issued, and what became of it: each request has exactly one outcome.
local M = {}

---@class soak.Account
---@field issued integer
---@field ended integer
---@field twice integer outcomes of requests that had one
---@field outcomes table<string, integer>
---@field open table<table, number> requests without an outcome, and when they are overdue
local Account = {}
Account.__index = Account

---@return soak.Account
function M.new()
  return setmetatable({ issued = 0, ended = 0, twice = 0, outcomes = {}, open = {} }, Account)
end

--- A request is about to be made.
---@param overdue number when it must have ended
---@return table request for close
function Account:issue(overdue)
  local request = { overdue = overdue }
  self.issued = self.issued + 1
  self.open[request] = overdue
  return request
end

--- It has ended.
---@param request table
---@param outcome string
function Account:close(request, outcome)
  if request.outcome then self.twice = self.twice + 1 end
  request.outcome = outcome
  self.open[request] = nil
  self.ended = self.ended + 1
  self.outcomes[outcome] = (self.outcomes[outcome] or 0) + 1
end

--- How many should have ended before `now`.
---@param now number
---@return integer
function Account:overdue(now)
  local count = 0
  for _, overdue in pairs(self.open) do
    if overdue < now then count = count + 1 end
  end
  return count
end

--- "ended 10, reset 2", the most frequent first.
---@return string
function Account:text()
  local list = {}
  for outcome, count in pairs(self.outcomes) do list[#list + 1] = { outcome, count } end
  table.sort(list, function(a, b) return a[2] > b[2] end)
  for i, pair in ipairs(list) do list[i] = pair[1] .. " " .. pair[2] end
  return table.concat(list, ", ")
end

return M
