--- What node says about many texts at once: an independent reading.
local process = require "support.process"
local scratch = require "support.scratch"

local function hex(text)
  return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function unhex(digits)
  return (digits:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- Calls `answer(...)` with the bytes of each line's words; it returns a string, or null.
local FRAME = [[
const lines = require("fs").readFileSync(process.argv[2], "utf8").split("\n").slice(0, -1);
const answer = (%s);
for (const line of lines) {
  const said = answer(...line.split(" ").map((word) => Buffer.from(word.slice(1), "hex")));
  console.log(said === null ? "-" : "=" + Buffer.from(said, "utf8").toString("hex"));
}
]]

--- Asks node.
---@param answer string JavaScript: a function of Buffers that returns a string or null
---@param questions string[][] the bytes of each call's arguments
---@return (string|false)[] answers in UTF-8; false for null
return function(answer, questions)
  local directory, lines = scratch.directory "answers", {}
  for i, words in ipairs(questions) do
    local shown = {}
    for j, word in ipairs(words) do shown[j] = "x" .. hex(word) end
    lines[i] = table.concat(shown, " ")
  end
  local script = scratch.write(directory .. "/answer.js", FRAME:format(answer))
  local input = scratch.write(directory .. "/questions", table.concat(lines, "\n") .. "\n")
  process.run({ "node", script, input }, directory .. "/answers")
  local answers = {}
  for line in scratch.read(directory .. "/answers"):gmatch "[^\n]+" do
    answers[#answers + 1] = line ~= "-" and unhex(line:sub(2))
  end
  assert(#answers == #questions, "node gave too few answers")
  return answers
end
