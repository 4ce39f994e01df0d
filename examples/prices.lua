--- Titles and prices of the offers on some pages, as CSV. The selectors are those of a page with offers like this:
---   <li class="offer"><h2><a href="/tea">Tea</a></h2> <span class="price">3.50 EUR</span></li>
--- usage: luajit prices.lua PRICES.csv https://example.com/offers?page=1 ...
local crawl = require("rill.crawl")

-- The text of the first element that a selector finds; "" where there is none.
local function text_of(node, selector)
  local found = node:css(selector)[1]
  return found and found:text() or ""
end

local done, err = crawl {
  start = { select(2, ...) },
  depth = 0, -- these pages alone
  out = { path = (...), fields = { "title", "price", "url" } },
  page = function(page)
    for _, offer in ipairs(page:css "li.offer:has(.price)") do
      local link = offer:links()[1]
      page:emit { title = text_of(offer, "h2"), price = text_of(offer, ".price"), url = link and link.url or "" }
    end
  end,
  failed = function(page, why) io.stderr:write(("%s: %s\n"):format(page.url, tostring(why))) end,
}
if not done then error(tostring(err)) end
