--- Reads all that a JSON API has, page by page, and adds one item.
--- usage: TOKEN=secret luajit paging.lua https://api.example.com/items
local rill = require("rill")

local url = arg[1]
local client = rill.client { auth = { bearer = os.getenv("TOKEN") }, headers = { accept = "application/json" } }

-- The value in a response, or an error.
local function value_of(res, err)
  if not res then error(tostring(err)) end
  if not res.ok then error(("%s: %s"):format(res, res:text())) end
  return assert(res:json())
end

rill.run(function()
  local count = 0
  for page = 1, math.huge do
    local items = value_of(client:get(url, { query = { page = page, per_page = 100 } })).items
    if #items == 0 then break end
    for _, item in ipairs(items) do
      count = count + 1
      print(item.id, item.name)
    end
  end

  local added = value_of(client:post(url, rill.json { name = "item " .. count + 1 }))
  print(("%d items, added %d"):format(count, added.id))
end)
client:close()
