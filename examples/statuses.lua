--- Fetches the URLs of a table, says what became of each, and tries again what a busy server has put off.
--- usage: luajit statuses.lua https://example.com/pages/
local rill = require("rill")

local base = arg[1]
local TRIES = 3
local AGAIN = { [429] = true, [502] = true, [503] = true, [504] = true }

local urls = {}
for i = 1, 50 do urls[i] = base .. i .. ".html" end

-- per_origin heeds Retry-After: the next request of this origin goes when the server has said it may.
local client = rill.client { per_origin = { concurrency = 8 } }

-- What never reached the server was repeated by the client already. A status is for the script to judge.
local function fetch(url)
  local res, err
  for _ = 1, TRIES do
    res, err = client:get(url)
    if not res or not AGAIN[res.status] then break end
  end
  return res, err
end

rill.run(function()
  local count = {}
  for url, res, err in rill.map(urls, fetch, { concurrency = 16 }) do
    local what = res and res.status or err.reason
    count[what] = (count[what] or 0) + 1
    if not (res and res.ok) then print(url, what) end
  end
  for what, number in pairs(count) do print(what, number) end
end)
client:close()
