-- A document of each page in a list (lines of path, tab, URL), and what ten selectors find in it as Lua values, PASSES
-- times. bench/peers/parsel_documents.py does the same.
local html = require("rill.html")

local SELECTORS = {
  "title::text", "a::attr(href)", "h1, h2, h3", "div.section > p", "ul li a::text", "a[href^=http]::attr(href)",
  "table tr td:nth-child(2)::text", "p:not([class])", "dt + dd", "div.body p a code",
}

local list, passes = arg[1], tonumber(arg[2])
local pages, bytes = {}, 0
for path, url in io.open(list):read("*a"):gmatch("([^\t\n]+)\t([^\n]+)") do
  local body = assert(io.open(path, "rb")):read("*a")
  pages[#pages + 1] = { body = body, url = url }
  bytes = bytes + #body
end

local found, began = 0, os.clock()
for _ = 1, passes do
  for _, page in ipairs(pages) do
    local document = html.document(page.body, page.url)
    for _, selector in ipairs(SELECTORS) do found = found + #assert(document:css(selector)) end
    document:close()
  end
end
print(("mb_per_second %.3f\nfound %d\nunits %d"):format(bytes * passes / 1e6 / (os.clock() - began), found, #pages))
