--- Titles and prices of the offers on some pages, as CSV. The selectors are those of a page with offers like this:
---   <li class="offer"><h2><a href="/tea">Tea</a></h2> <span class="price">3.50 EUR</span></li>
--- usage: luajit prices.lua https://example.com/offers?page=1 ... > prices.csv
local rill = require("rill")

local urls = { ... }
local client = rill.client()

local function quoted(text)
  return text:find '[,"\r\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

local function write(...)
  local fields = { ... }
  for i, text in ipairs(fields) do fields[i] = quoted(text) end
  print(table.concat(fields, ","))
end

-- The text of the first element that a selector finds; "" where there is none.
local function text_of(node, selector)
  local found = node:css(selector)[1]
  return found and found:text() or ""
end

local function write_offers(res)
  local page = rill.html.document(res.body, res.url, res.headers["content-type"])
  for _, offer in ipairs(page:css "li.offer:has(.price)") do
    local link = offer:links()[1]
    write(text_of(offer, "h2"), text_of(offer, ".price"), link and link.url or "")
  end
  page:close()
end

rill.run(function()
  write("title", "price", "url")
  for url, res, err in rill.map(urls, function(url) return client:get(url) end, { concurrency = 4 }) do
    if res and res.ok then
      write_offers(res)
    else
      io.stderr:write(("%s: %s\n"):format(url, tostring(err or res)))
    end
  end
end)
client:close()
