--- rill status: the counters of a crawl, also while it runs.
local arguments = require("rill.cli.arguments")
local common = require("rill.cli.common")
local frontiers = require("rill.crawl.frontiers")
local output = require("rill.cli.output")
local stats = require("rill.crawl.stats")
local summary = require("rill.cli.summary")

local M = {}

M.flags = { { "--json", false, "as one JSON object" } }
for _, flag in ipairs(common.flags) do M.flags[#M.flags + 1] = flag end

--- The help.
---@return string
function M.help()
  return "usage: rill status STATE... [--json]\n\nShows the counters of a crawl, also while it runs. Exit status: 0, 2"
    .. " for a wrong command\nline, 4 where the state cannot be read.\n\n" .. arguments.help(M.flags)
end

-- A state that is not there is not made.
local function read(path)
  if not frontiers.is_shared(path) then
    local file, why = io.open(path, "rb")
    if not file then return nil, why end
    file:close()
  end
  return frontiers.read(path)
end

local function stats_of(kept)
  local all = stats.new(kept.counters, 0):snapshot({ queued = kept.queued, in_flight = 0, origins = kept.origins }, 0)
  all.elapsed, all.rate, all.in_flight, all.finished = nil, nil, nil, kept.finished
  return all
end

--- Runs the command.
---@param given table
---@param words string[]
---@return integer status
function M.run(given, words)
  if not words[1] or words[1] == "" then arguments.fail("STATE is missing") end
  for _, word in ipairs(words[2] and words or {}) do
    if not word:find "^redis" then arguments.fail("what is %q? one STATE is shown, or a list of Redis URLs", word) end
  end
  local state = words[2] and words or words[1]
  local kept, err = read(state)
  if not kept then
    common.say("%s", tostring(err))
    return 4
  end
  local all = stats_of(kept)
  if given.json then
    output.write(summary.json(all) .. "\n")
  else
    output.write(("state:     %s, %s\n%s"):format(frontiers.shown(state), all.finished and "finished" or "not finished",
      summary.text(all)))
  end
  return 0
end

return M
