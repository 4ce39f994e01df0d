--- rill join: one file of what many workers have written.
local arguments = require("rill.cli.arguments")
local common = require("rill.cli.common")
local join = require("rill.crawl.join")

local M = {}

M.flags = common.flags

--- The help.
---@return string
function M.help()
  return "usage: rill join STATE... OUT\n\nJoins what the workers of a crawl have written beside OUT "
    .. "(items.WORKER.jsonl for items.jsonl), each\nup to what it has committed. Exit status: 0, 2 for a wrong command "
    .. "line, 4 where the state or a file\ncannot be read or written.\n\n" .. arguments.help(M.flags)
end

--- Runs the command.
---@param _ table
---@param words string[]
---@return integer status
function M.run(_, words)
  if not words[2] then arguments.fail("%s is missing", words[1] and "OUT" or "STATE") end
  for _, word in ipairs(words) do
    if word == "" then arguments.fail 'a STATE or OUT is ""' end
  end
  local out = table.remove(words)
  if out:find "^redis" then arguments.fail "OUT is missing: the last word is its name" end
  for _, word in ipairs(words[2] and words or {}) do
    if not word:find "^redis" then arguments.fail("what is %q? one STATE and one OUT are joined", word) end
  end
  local ok, err = join(words[2] and words or words[1], out)
  if ok then return 0 end
  common.say("%s", tostring(err))
  return 4
end

return M
