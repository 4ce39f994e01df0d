--- A waiting line: first in, first out, and whoever gives up leaves from the middle.
--- Entries are tables, in one line at a time; the line keeps its links in their `line`, `before`
--- and `after` fields.
local Line = {}
Line.__index = Line

--- Puts an entry at the end.
function Line:push(entry)
  local last = self.last
  entry.line = self
  entry.before = last
  if last then
    last.after = entry
  else
    self.first = entry
  end
  self.last = entry
  self.count = self.count + 1
end

--- Takes an entry out, wherever it stands. One that is not in this line is left alone.
---@return boolean whether it stood here
function Line:remove(entry)
  if entry.line ~= self then
    return false
  end
  local before, after = entry.before, entry.after
  if before then
    before.after = after
  else
    self.first = after
  end
  if after then
    after.before = before
  else
    self.last = before
  end
  entry.line, entry.before, entry.after = nil, nil, nil
  self.count = self.count - 1
  return true
end

--- Takes the first entry out.
---@return table? entry nil when the line is empty
function Line:shift()
  local first = self.first
  if first then
    self:remove(first)
  end
  return first
end

---@return table line empty; fields `first`, `last`, `count`; an entry's `after` is the next one
return function()
  return setmetatable({ count = 0 }, Line)
end
