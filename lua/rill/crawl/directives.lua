--- What a page's robots meta and X-Robots-Tag fields say of it.
local trim = require("rill.core.trim")

local M = {}

--- One word: a page gets what it means.
---@param page rill.CrawlPage
---@param word string in any case
function M.apply(page, word)
  word = word:lower()
  if word == "noindex" or word == "none" then page.noindex = true end
  if word == "nofollow" or word == "none" then page.nofollow = true end
end

-- What has a colon of its own; before any other stands the agent that is meant, up to the next one.
local VALUED = { ["unavailable_after"] = true, ["max-snippet"] = true, ["max-image-preview"] = true,
  ["max-video-preview"] = true }

--- An X-Robots-Tag, or several that were joined: "noindex, rill: nofollow, other: none".
---@param page rill.CrawlPage
---@param value string
---@param agent string in lower case
function M.read(page, value, agent)
  local applies = true
  for part in value:gmatch "[^,]+" do
    local name, rest = part:match "^%s*([^%s:]+)%s*:(.*)$"
    if name and not VALUED[name:lower()] then
      applies, part = name:lower() == agent, rest
    end
    if applies then M.apply(page, trim(part)) end
  end
end

return M
