--- What a shared frontier is asked while pages are worked on: the questions of one turn go out together.
local batches = require("rill.crawl.frontier.batch")
local rill = require("rill")

local M = {}

---@class rill.CrawlQuestions
---@field private _send fun(words: string[]): integer[]?, rill.Error? 1 or 0 for each pair of words
---@field private _next { words: string[], task: rill.Task }? those that have not gone out
local Questions = {}
Questions.__index = Questions

-- Starts when the task that asked first waits: until then others of that turn add to it.
local function answer(self, round)
  self._next = nil
  return (self._send(round.words))
end

--- Whether that set holds that value. Waits.
---@param set string
---@param value string
---@return boolean? nil: there was no answer
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
  if not list then return nil end
  return list[at] == 1
end

--- Finds out whose bodies outcomes have that are `unasked`, in one call. Waits.
---@param outcomes table[]
---@param frontier rill.CrawlRedis
---@return boolean? ok
---@return rill.Error? err they stay unasked
function Questions:of_bodies(outcomes, frontier)
  local asked, words = {}, {}
  for _, outcome in ipairs(outcomes) do
    if outcome.unasked then
      asked[#asked + 1] = outcome
      words[2 * #asked - 1], words[2 * #asked] = M.words(frontier, "body", outcome.high, outcome.low)
    end
  end
  if not asked[1] then return true end
  local answers, err = self._send(words)
  if not answers then return nil, err end
  for i, outcome in ipairs(asked) do
    local known = answers[i] == 1
    frontier:take_body(outcome.high, outcome.low, known)
    outcome.unasked, outcome.duplicate_of = false, known or nil
    outcome.page.duplicate_of = outcome.duplicate_of
  end
  return true
end

--- The words that ask whether a set holds a fingerprint.
---@param frontier rill.CrawlRedis
---@param set "seen"|"body"
---@param high number
---@param low number
---@return string
---@return string
function M.words(frontier, set, high, low)
  return ("%s:%d"):format(set, frontier:bucket(low)), batches.decimal(high, low)
end

---@param send fun(words: string[]): integer[]?, rill.Error?
---@return rill.CrawlQuestions
function M.new(send)
  return setmetatable({ _send = send }, Questions)
end

return M
