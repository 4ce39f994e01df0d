--- rill status: the counters of a crawl, also while it runs.
local arguments = require("rill.cli.arguments")
local common = require("rill.cli.common")

local M = {}

M.flags = { { "--json", false, "as one JSON object" } }
for _, flag in ipairs(common.flags) do
  if flag[1]:find "quiet" or flag[1]:find "help" or flag[1]:find "version" then M.flags[#M.flags + 1] = flag end
end

--- The help.
---@return string
function M.help()
  return "usage: rill status STATE [--json]\n\nShows the counters of a crawl, also while it runs. Exit status: 0, 2 for"
    .. " a wrong command\nline, 4 where the state cannot be read.\n\n" .. arguments.help(M.flags)
end

--- Runs the command.
---@param given table
---@param words string[]
---@return integer status
function M.run(given, words)
  if not words[1] then arguments.fail("STATE is missing") end
  if words[2] then arguments.fail("what is %q? one STATE is shown", words[2]) end
  local crawl = require("rill.crawl")
  local stats, err = crawl.status(words[1])
  if not stats then
    common.say("%s", tostring(err))
    return 4
  end
  if given.json then
    common.write(require("rill.crawl.json").encode(stats) .. "\n")
  else
    common.write(require("rill.cli.summary").text(stats))
  end
  return 0
end

return M
