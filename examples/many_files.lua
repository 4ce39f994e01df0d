--- Fetches 50 pages into files, eight at a time; what breaks is tried again.
--- usage: luajit many_files.lua https://example.com/pages/ FOLDER
local rill = require("rill")

local base, folder = arg[1], arg[2]
local TRIES = 3

local urls = {}
for i = 1, 50 do urls[i] = base .. i .. ".html" end

local client = rill.client { timeout = 60, retries = 3 }

-- The client repeats what the server has not processed. A body that breaks off, or a server that has trouble (5xx), is
-- for the script to judge: here both are tried again.
local function fetch(url)
  local res, err
  for try = 1, TRIES do
    res, err = client:download(url, folder .. "/" .. url:match("[^/]*$"))
    if res and res.status < 500 then break end
    if try < TRIES then rill.sleep(0.1 * 2 ^ try) end
  end
  return res, err
end

rill.run(function()
  local saved = 0
  for url, res, err in rill.map(urls, fetch, { concurrency = 8 }) do
    if not res then
      print(("%s: %s"):format(url, err))
    elseif not res.path then
      print(("%s: status %d"):format(url, res.status))
    else
      saved = saved + 1
    end
  end
  print(("%d of %d saved in %s"):format(saved, #urls, folder))
end)
client:close()
