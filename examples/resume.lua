--- Downloads a large file. Where that breaks off, it goes on, in this run or the next one.
--- usage: luajit resume.lua https://example.com/large.iso FILE
local rill = require("rill")

local url, path = arg[1], arg[2]
local TRIES = 5

local function show(received, total)
  io.stderr:write(("\r%d of %s bytes"):format(received, total or "?"))
end

rill.run(function()
  local client = rill.client { timeout = 0, read_timeout = 30, maxsize = 0 } -- any size, but no silence
  for try = 1, TRIES do
    local res, err = client:download(url, path, { resume = true, on_progress = show })
    if res and not res.ok then error(("%s: status %d"):format(url, res.status)) end
    if res then return print(("\r%-40s"):format(res.path .. " is complete")) end

    print(("\nbroke off: %s"):format(err)) -- what has come stays in FILE.part
    if try == TRIES then os.exit(1, true) end
    rill.sleep(0.5 * try)
  end
end)
