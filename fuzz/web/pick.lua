--- What random cases are made of. Everything comes from math.random, so a seed names a case.
local M = {}

--- One of a list.
function M.of(list)
  return list[math.random(#list)]
end

--- True, once in `n`.
function M.once_in(n)
  return math.random(n) == 1
end

--- Text of up to `most` pieces, each one of a list.
function M.text(pieces, most)
  local out = {}
  for i = 1, math.random(0, most) do out[i] = M.of(pieces) end
  return table.concat(out)
end

--- Bytes, any of them.
function M.bytes(most)
  local out = {}
  for i = 1, math.random(0, most) do out[i] = string.char(math.random(0, 255)) end
  return table.concat(out)
end

--- The list in another order.
function M.shuffled(list)
  local out = { unpack(list) }
  for i = #out, 2, -1 do
    local j = math.random(i)
    out[i], out[j] = out[j], out[i]
  end
  return out
end

--- The text with a few bytes put in, left out or replaced.
function M.damaged(text)
  for _ = 1, math.random(0, 3) do
    local at, length = math.random(0, #text), math.random(0, 2)
    text = text:sub(1, at) .. M.bytes(2) .. text:sub(at + 1 + length)
  end
  return text
end

return M
