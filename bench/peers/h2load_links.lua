-- The floor of a crawl: h2load fetches every page of a site, and the tokenizer reads the same pages once:
-- `h2load_links.lua URL CA-FILE COUNT LIST`. LIST is a file of paths; its directory is the server's root. Both are CPU
-- of this process; loading rill and reading the files are not counted.
local html = require("rill.html")

local STREAMS = 64 -- as many as crawl_site.lua has

local url, list = arg[1], arg[4]
local root, pages = list:match("^(.*)/"), {}
for path in io.lines(list) do
  local file = assert(io.open(root .. path, "rb"))
  pages[#pages + 1] = { url = url .. path, body = file:read("*a") }
  file:close()
end
print(("not_counted %.6f"):format(os.clock()))

local command = "h2load -n%d -c1 -m%d -t1 -B '%s' -i '%s'"
local h2load = assert(io.popen(command:format(#pages, STREAMS, url, list)))
local said = h2load:read("*a")
h2load:close()
assert(said:find((" %d succeeded, 0 failed"):format(#pages), 1, true), said)
assert(said:find(("status codes: %d 2xx"):format(#pages), 1, true), said)

local began, links = os.clock(), 0
for _, page in ipairs(pages) do
  links = links + #html.links(page.body, page.url)
end
print(("pages %d, links %d, tokenizer %.3f s"):format(#pages, links, os.clock() - began))
print(("units %d"):format(1))
