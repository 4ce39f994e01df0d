--- A line of JSON for each page of a site, with its title and how many links it has:
---   rill crawl examples/pages.lua https://example.com/ --out pages.jsonl
local html = require "rill.html"

return {
  links = { "a", "area" },
  page = function(page)
    if page.stopped then return end -- no HTML
    local links = html.links(page.body, page.url, page.headers["content-type"])
    page:emit { url = page.url, status = page.status, title = page.title, bytes = #page.body, links = #links }
  end,
  failed = function(page, err)
    page:emit { url = page.url, status = page.status, error = tostring(err) }
  end,
}
