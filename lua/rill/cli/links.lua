--- rill links: every link and asset of a site asked for once; the broken ones, and the pages that hold them.
local arguments = require("rill.cli.arguments")
local asking = require("rill.crawl.robots")
local common = require("rill.cli.common")
local json = require("rill.core.plain_json")
local output = require("rill.cli.output")
local rill = require("rill")
local site = require("rill.cli.site")
local url = require("rill.url")
local urls = require("rill.cli.urls")

local M = {}

local HELP = [[
usage: rill links URL... [OPTION...]

Follows the links of whole sites, from the URLs on their hosts, and asks once for every link and asset. Writes those
that are broken, with the pages that hold them; fragments too, which no element of their page has as id.
Exit status: 0, 1 if any is broken, 2 for a wrong command line.

]]

local FORMATS = { text = true, jsonl = true }

M.flags = {
  { "--external", false, "check links to other hosts too, by one request each" },
  { "--format", "text|jsonl", "of what is written (text)", of = FORMATS },
  { "--concurrency", "N", "requests in flight (16)", kind = "whole" },
  { "--per-origin", "N", "requests in flight to one origin (4)", kind = "whole" },
  { "--delay", "S", "seconds between two requests to one origin (0)", kind = "number" },
  { "--robots", false, "heed robots.txt (on)", negated = true },
}
for _, list in ipairs { common.request_flags, common.flags } do
  for _, flag in ipairs(list) do M.flags[#M.flags + 1] = flag end
end

--- The help.
---@return string
function M.help()
  return HELP .. arguments.help(M.flags)
end

local function show(found, format)
  if format == "jsonl" then
    return output.write(json.encode(found, { "url", "status", "reason", "pages" }) .. "\n")
  end
  local lines = { ("%s %s"):format(found.status or found.reason, found.url) }
  if found.status and found.reason ~= "status" then lines[1] = ("%s %s"):format(found.reason, found.url) end
  for _, page in ipairs(found.pages) do lines[#lines + 1] = "  on " .. page end
  return output.write(table.concat(lines, "\n") .. "\n")
end

--- Runs the command.
---@param given table
---@param words string[]
---@return integer status
function M.run(given, words)
  if not words[1] then arguments.fail("URL is missing") end
  local starts = {}
  for address in urls.each(words) do starts[#starts + 1] = url.normalize(urls.one(address)) end
  for _, name in ipairs { "concurrency", "per_origin" } do
    if given[name] == 0 then arguments.fail("--%s takes a whole number from 1, got 0", (name:gsub("_", "-"))) end
  end
  local checked = { external = given.external, robots = given.robots ~= false, concurrency = given.concurrency or 16,
    per_origin = given.per_origin or 4, delay = given.delay or 0, agent = asking.agent(nil, given.user_agent),
    show = function(response, err) common.show(given, response, err) end,
    exchange = function(...) common.exchange(given, ...) end }
  local format, quiet = given.format, given.quiet
  local client = common.client(common.client_options(given))
  checked.client = client
  local broken, count, refused, unread = rill.run(site.check, starts, checked)
  client:close()
  for _, found in ipairs(broken) do
    if found.message and not quiet then common.say("%s", found.message) end
    if not show(found, format) then break end
  end
  for _, why in ipairs(quiet and {} or unread) do common.say("not read: %s", why) end
  for _, address in ipairs(quiet and {} or refused) do
    common.say("%s was not asked for: robots.txt forbids it (--no-robots)", address)
  end
  if not quiet then common.say("%d links, %d broken", count, #broken) end
  return broken[1] and 1 or 0
end

return M
