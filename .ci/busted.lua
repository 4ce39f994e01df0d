-- Runs busted in this very process: its command would start another one, and LD_PRELOAD must
-- reach LuaJIT alone. Leaving closes the Lua state, so that a leak checker sees what is left.
-- For one file: .ci/specs.lua starts it for each.
local run = require("busted.runner")
local ok, failure = pcall(run, { standalone = false })
if failure then io.stderr:write(tostring(failure), "\n") end
os.exit(ok, true)
