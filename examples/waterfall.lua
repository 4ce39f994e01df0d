--- A page and what it consists of, drawn as a waterfall: when each request was made, and where its time went.
--- usage: luajit waterfall.lua https://example.com/ waterfall.html
local rill = require("rill")

local page, out = ...
local client = rill.client()
local recorder = rill.har.recorder(client)
local NEEDED = { img = true, script = true } -- and stylesheets; where <a> leads is another page

rill.run(function()
  local res = assert(client:get(page))
  local urls = {}
  for _, link in ipairs(rill.html.scan(res.body, res.url, { tags = { "img", "script", "link" } })) do
    local needed = NEEDED[link.tag] or link.tag == "link" and link.rel and link.rel:find "stylesheet"
    if needed then urls[#urls + 1] = link.url end
  end
  for url, part, err in rill.map(urls, function(url) return client:get(url) end, { concurrency = 16 }) do
    print(part and part.status or "-", url, err or "")
  end
  assert(rill.har.page(recorder:entries(), out))
end)
client:close()
