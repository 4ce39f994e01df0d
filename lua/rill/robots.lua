--- robots.txt as RFC 9309 has it. Reading one never fails, and needs no task and no loop.
local errors = require("rill.errors")
local guard = require("rill.core.guard")
local pattern = require("rill.core.robots_pattern")
local url = require("rill.url")

local M = {}

local find, lower, match, sub = string.find, string.lower, string.match, string.sub

local READ_MOST = 500 * 1024 -- bytes that are read: the least that RFC 9309 section 2.5 allows
local KEY_MOST = 64 -- bytes before a line's colon; no key is nearly as long
local WORK_MOST = 64 * 2 ^ 20 -- bytes of a URL that its rules may make us look at

---@class rill.robots.Rule
---@field allow boolean
---@field line integer from 1
---@field text string the line, without blanks around it and comments
---@field pattern rill.robots.Pattern

--- The lines from a `User-agent` that follows a rule up to the next such: for all agents that they name.
---@class rill.robots.Block
---@field agents string[] their tokens in lower case, "*" for any
---@field rules rill.robots.Rule[]
---@field delays {value: number, above: integer}[] Crawl-delay, and how many of the agents stand above it

---@class rill.Robots
---@field sitemaps string[] as the file names them
---@field private _blocks table<string, rill.robots.Block[]> by agent
---@field private _agent string? whose rules `_rules` are
---@field private _rules rill.robots.Rule[]? the most specific first
local Robots = {}
Robots.__index = Robots

function Robots:__tostring()
  local agents = 0
  for _ in pairs(self._blocks) do agents = agents + 1 end
  return ("robots.txt: %d agents, %d sitemaps"):format(agents, #self.sitemaps)
end

local function trimmed(text)
  local first = match(text, "^%s*()")
  local last = #text - match(text:reverse(), "^%s*()") + 1 -- reversed: what trims from the left takes linear time
  return sub(text, first, last)
end

-- The product token of a User-agent line: letters, "_" and "-"; what follows it (a version, a star) does not count.
-- "" where there is none: nobody is meant then.
local function agent_of_line(value)
  if value == "*" or find(value, "^%*%s") then return "*" end
  return lower(match(value, "^[%a_%-]*"))
end

-- The token of a client: its user agent up to "/".
local function agent_of(name)
  return lower(trimmed(match(name, "^[^/]*")))
end

local WITHOUT_COLON = { ["user-agent"] = true, allow = true, disallow = true }

--- What a line is: key in lower case, value, and the line as it is shown. nil: nothing that robots know.
local function split(line)
  local comment = find(line, "#", 1, true)
  line = trimmed(comment and sub(line, 1, comment - 1) or line)
  local colon = find(line, ":", 1, true)
  if colon and colon <= KEY_MOST then
    return lower(trimmed(sub(line, 1, colon - 1))), trimmed(sub(line, colon + 1)), line
  end
  local key, at = match(sub(line, 1, KEY_MOST), "^([%a-]+)%s+()")
  local value = key and sub(line, at)
  if value and WITHOUT_COLON[lower(key)] and not find(value, "%s") then return lower(key), value, line end
end

---@class rill.robots.Reader
---@field robots rill.Robots
---@field block rill.robots.Block? that the next lines belong to
---@field naming boolean its agents are being named: no rule has come

local function add_agent(reader, value)
  if not reader.naming then
    reader.block = { agents = {}, rules = {}, delays = {} }
    reader.naming = true
  end
  local block, agent = reader.block, agent_of_line(value)
  if agent == "" then return end
  block.agents[#block.agents + 1] = agent
  local blocks = reader.robots._blocks[agent] or {}
  reader.robots._blocks[agent] = blocks
  if blocks[#blocks] ~= block then blocks[#blocks + 1] = block end
end

local function add_rule(reader, allow, value, line, text)
  if not reader.block then return end
  reader.naming = false
  local compiled = pattern.compile(value)
  if not compiled then return end -- empty: it says nothing
  local rules = reader.block.rules
  rules[#rules + 1] = { allow = allow, line = line, text = text, pattern = compiled }
end

local function add_delay(reader, value)
  local seconds = find(value, "^%d*%.?%d*$") and tonumber(value)
  local block = reader.block
  if not block or not seconds then return end
  block.delays[#block.delays + 1] = { value = seconds, above = #block.agents }
end

local function read_line(reader, line, number)
  local key, value, text = split(line)
  if key == "user-agent" then
    add_agent(reader, value)
  elseif key == "allow" or key == "disallow" then
    add_rule(reader, key == "allow", value, number, text)
  elseif key == "crawl-delay" then
    add_delay(reader, value)
  elseif key == "sitemap" and value ~= "" then
    local sitemaps = reader.robots.sitemaps
    sitemaps[#sitemaps + 1] = value
  end
end

--- Reads a robots.txt. Never fails: what is no line of robots.txt is passed over. The first 500 KiB count, without a
--- line that is cut there.
---@param bytes string
---@return rill.Robots
function M.parse(bytes)
  if type(bytes) ~= "string" then
    errors.raise("rill.robots.parse: bytes must be a string, got " .. errors.show(bytes))
  end
  local robots = setmetatable({ sitemaps = {}, _blocks = {} }, Robots)
  local reader = { robots = robots, naming = false }
  local last = math.min(#bytes, READ_MOST)
  local at, number = match(bytes, "^\239?\187?\191?()"), 0 -- a byte order mark, or what is left of one
  if find(bytes, "^[\187\191]") then at = 1 end
  while at <= last do
    number = number + 1
    local stop = find(bytes, "[\r\n]", at)
    if not stop and last < #bytes or stop and stop > last + 1 then break end -- cut
    read_line(reader, sub(bytes, at, (stop or last + 1) - 1), number)
    at = (stop or last) + (stop and sub(bytes, stop, stop + 1) == "\r\n" and 2 or 1)
  end
  return robots
end

local function more_specific(a, b)
  if a.pattern.length ~= b.pattern.length then return a.pattern.length > b.pattern.length end
  if a.allow ~= b.allow then return a.allow end
  return a.line < b.line
end

--- The blocks that hold for an agent: its own ones, else those for any.
function Robots:_blocks_of(agent)
  return self._blocks[agent] or self._blocks["*"] or {}
end

--- The rules that hold for an agent, the most specific first. The last agent's are kept.
function Robots:_rules_of(agent)
  if self._agent == agent then return self._rules end
  local rules = {}
  for _, block in ipairs(self:_blocks_of(agent)) do
    for _, rule in ipairs(block.rules) do rules[#rules + 1] = rule end
  end
  table.sort(rules, more_specific)
  self._agent, self._rules = agent, rules
  return rules
end

local function check(call, address, agent)
  if type(address) ~= "string" then
    errors.raise(("robots:%s: url must be a string, got %s"):format(call, errors.show(address)), 3)
  end
  if type(agent) ~= "string" and type(agent) ~= "nil" then
    errors.raise(("robots:%s: agent must be a string, got %s"):format(call, errors.show(agent)), 3)
  end
  return agent_of(agent or "*")
end

-- What rules are compared with: path and query of a URL, or of what begins with "/".
local function target_of(address)
  local whole = sub(address, 1, 1) == "/" and "http://h" .. address or address
  local normal = url.normalize(whole)
  return normal and match(normal, "^%a[%w+.-]*://[^/]*(/.*)$") or "/"
end

-- The rule that decides. nil, and whether what has no rule is allowed.
local function decide(self, address, agent)
  local rules = self:_rules_of(agent)
  if not rules[1] then return nil, true end
  local target = target_of(address)
  if target == "/robots.txt" then return nil, true end
  local subject, work = pattern.subject(target), 0
  for _, rule in ipairs(rules) do
    local matched, cost = pattern.matches(rule.pattern, subject)
    if matched then return rule end
    work = work + cost
    if work > WORK_MOST then return nil, false end
  end
  return nil, true
end

--- Whether an agent may ask for a URL. `/robots.txt` is allowed always; where a file of absurd rules makes a decision
--- too expensive, the answer is no.
---@param address string a URL, or a path that begins with "/"
---@param agent string? a user agent: what stands before its "/" counts, without case. nil: the rules for any agent
---@return boolean
function Robots:allowed(address, agent)
  local rule, default = decide(self, address, check("allowed", address, agent))
  if rule then return rule.allow end
  return default
end

--- The rule that decides about a URL.
---@param address string as for `allowed`
---@param agent string?
---@return string? rule as it stands in the file; nil: none matches
---@return integer? line from 1
function Robots:matched(address, agent)
  local rule = decide(self, address, check("matched", address, agent))
  if rule then return rule.text, rule.line end
end

--- The pause between two requests that the file asks an agent for.
---@param agent string? as for `allowed`
---@return number? seconds the largest, where there are several; nil: none
function Robots:crawl_delay(agent)
  local name, largest = check("crawl_delay", "", agent), nil
  if not self._blocks[name] then name = "*" end
  for _, block in ipairs(self:_blocks_of(name)) do
    local index = 1
    while block.agents[index] ~= name do index = index + 1 end
    for _, delay in ipairs(block.delays) do
      if delay.above >= index then largest = math.max(largest or 0, delay.value) end
    end
  end
  return largest
end

guard("robots", Robots, Robots)

return M
