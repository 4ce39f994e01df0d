--- Keeps a site as WARC files, every exchange with its request, as web archives do.
--- usage: luajit archive.lua https://example.com/ SITE   writes SITE-....warc.gz
local crawl = require("rill.crawl")

local done, err = crawl { start = arg[1], warc = arg[2], page = function() end }
if not done then error(tostring(err)) end
print(("%d pages kept"):format(done.pages))
