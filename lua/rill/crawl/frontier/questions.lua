--- What a shared frontier is asked while pages are worked on: the questions of one turn go out together.
local rill = require("rill")

local M = {}

---@class rill.CrawlQuestions
---@field private _send fun(words: string[]): integer[]? 1 or 0 for each pair of words
---@field private _next { words: string[], task: rill.Task }? those that have not gone out
local Questions = {}
Questions.__index = Questions

-- Starts when the task that asked first waits: until then others of that turn add to it.
local function answer(self, round)
  self._next = nil
  return self._send(round.words) or {}
end

--- Whether that set holds that value. Waits; without an answer, no.
---@param set string
---@param value string
---@return boolean
function Questions:ask(set, value)
  local round = self._next
  if not round then
    round = { words = {} }
    self._next = round
    round.task = rill.spawn(answer, self, round)
  end
  local words = round.words
  words[#words + 1] = set
  words[#words + 1] = value
  local at = #words / 2
  local list = round.task:join()
  return list ~= nil and list[at] == 1
end

---@param send fun(words: string[]): integer[]?
---@return rill.CrawlQuestions
function M.new(send)
  return setmetatable({ _send = send }, Questions)
end

return M
