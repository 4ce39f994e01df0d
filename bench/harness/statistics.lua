--- Medians and spreads of a few samples.
local M = {}

-- `sorted` at the fraction `at`, linear between neighbours.
local function quantile(sorted, at)
  local place = 1 + (#sorted - 1) * at
  local low = math.floor(place)
  local high = math.min(low + 1, #sorted)
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low)
end

---@param samples number[] at least one
---@return { median: number, low: number, high: number, min: number, max: number } low, high: the quartiles
function M.summary(samples)
  local sorted = {}
  for i, value in ipairs(samples) do
    sorted[i] = value
  end
  table.sort(sorted)
  return {
    median = quantile(sorted, 0.5),
    low = quantile(sorted, 0.25),
    high = quantile(sorted, 0.75),
    min = sorted[1],
    max = sorted[#sorted],
  }
end

--- What fn(i) gives for each of `count` rounds.
---@param count integer
---@param fn fun(i: integer): number
---@return number[]
function M.each(count, fn)
  local list = {}
  for i = 1, count do
    list[i] = fn(i)
  end
  return list
end

return M
