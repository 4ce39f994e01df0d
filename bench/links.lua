-- The links of the pages in a list (lines of path, tab, URL), PASSES times, as Lua strings. What a pass leaves
-- behind is collected before the next, so that no string is there already.
local html = require("rill.html")

local list, passes = arg[1], tonumber(arg[2])
local pages, bytes = {}, 0
for path, url in io.open(list):read("*a"):gmatch("([^\t\n]+)\t([^\n]+)") do
  local body = assert(io.open(path, "rb")):read("*a")
  pages[#pages + 1] = { body = body, url = url }
  bytes = bytes + #body
end

local links, seconds = 0, 0
for _ = 1, passes do
  collectgarbage()
  links = 0
  local began = os.clock()
  for _, page in ipairs(pages) do
    links = links + #html.links(page.body, page.url)
  end
  seconds = seconds + os.clock() - began
end
print(("mb_per_second %.3f\nlinks %d\nunits %d"):format(bytes * passes / 1e6 / seconds, links, #pages))
