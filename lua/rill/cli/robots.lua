--- rill robots: whether a URL may be asked for, by the code that crawls ask.
local arguments = require("rill.cli.arguments")
local asking = require("rill.crawl.robots")
local clients = require("rill.crawl.clients")
local common = require("rill.cli.common")
local output = require("rill.cli.output")
local rill = require("rill")
local robots = require("rill.robots")
local url = require("rill.url")
local urls = require("rill.cli.urls")

local M = {}

M.flags = common.flags

--- The help.
---@return string
function M.help()
  return "usage: rill robots URL [AGENT] [OPTION...]\n\nSays whether the site's robots.txt lets AGENT (rill) ask "
    .. "for URL, and which line says so.\nExit status: 0 allowed, 1 not, 2 for a wrong command line.\n\n"
    .. arguments.help(M.flags)
end

local function say(answer, address, why)
  output.write(("%s: %s (%s)\n"):format(answer, address, why))
  return answer == "allowed" and 0 or 1
end

local function judge(asked, head, address, agent)
  if asked.answer == "lost" then return say("not allowed", address, "no robots.txt: " .. common.why(asked.err)) end
  if asked.answer == "wait" then return say("not allowed", address, "robots.txt: status " .. head.status) end
  if asked.answer ~= "parsed" then
    return say("allowed", address, "there is no robots.txt" .. (head and ": status " .. head.status or ""))
  end
  local rules = robots.parse(asked.body)
  local rule, line = rules:matched(address, agent)
  local why = rule and ("robots.txt line %d: %s"):format(line, rule) or "no rule matches"
  local delay = rules:crawl_delay(agent)
  if delay then why = why .. ("; Crawl-delay %g"):format(delay) end
  return say(rules:allowed(address, agent) and "allowed" or "not allowed", address, why)
end

--- Runs the command.
---@param given table
---@param words string[]
---@return integer status
function M.run(given, words)
  if not words[1] then arguments.fail("URL is missing") end
  if words[3] then arguments.fail("what is %q? URL and AGENT are there already", words[3]) end
  local address = urls.one(words[1])
  local parts = url.parse(address)
  local options = common.client_options(given)
  local agent = asking.agent(words[2], options.user_agent)
  local client = common.client(options)
  local asker = asking.new(agent, clients.new(client), function() end,
    function(of, answered, err) common.exchange(given, of, answered, err) end)
  local status = rill.run(function()
    local asked, head = asker:ask(("%s://%s/robots.txt"):format(parts.scheme, parts.authority))
    return judge(asked, head, address, agent)
  end)
  client:close()
  return status
end

return M
