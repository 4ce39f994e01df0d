--- Workers of one crawl, each a process, and the site they crawl: for specs of what goes wrong between them.
local dkjson = require "dkjson"
local deadline = require "support.deadline"
local node = require "support.node"
local process = require "support.process"
local scratch = require "support.scratch"
local site = require "support.site"

local M = {}

local LEASE = 60 -- seconds: nobody on a busy machine stands still for so long, and pages are asked for once
local HOSTS = { "a.test", "b.test", "c.test", "www.test", "localhost" }

-- Hosts, by their port all the same server; each page leads to two of the next host, and to a page of its own. It gives
-- so many answers, and from then on as many as a file says: a number, or "all".
local SITE = [[
const fs = require('fs'), held = [], names = NAMES;
let given = 0, most = HOLD;
function give() {
  while (held.length && given < most) {
    try { given += held.shift()(); } catch { /* its client is gone */ }
  }
}
const looking = setInterval(() => {
  const told = fs.existsSync('GATE') && fs.readFileSync('GATE', 'latin1');
  if (!told) return;
  most = told === 'all' ? Infinity : Number(told);
  if (told === 'all') clearInterval(looking);
  give();
}, 10);
server.on('stream', (stream, headers) => {
  const path = headers[':path'], [host, port] = headers[':authority'].split(':'), n = Number(path.slice(1)) || 0;
  log({ path, host, agent: headers['user-agent'] });
  stream.on('error', () => {});
  const next = names[(names.indexOf(host) + 1) % names.length];
  const link = (to, m) => m < PAGES ? `<a href="https://${to}:${port}/${m || ''}">` : '';
  const answer = () => {
    if (stream.destroyed || stream.closed || stream.session.destroyed) return 0;
    stream.respond({ ':status': 200, 'content-type': 'text/html' });
    stream.end(`<title>${host} ${n}</title>` + link(next, n) + link(next, n + 1) + link(host, 2 * n + 1) +
      link(host, 2 * n + 2));
    return 1;
  };
  held.push(answer);
  give();
});
]]

-- A worker: its options as JSON in a file.
local WORKER = [[
package.path = "./lua/?.lua;./lua/?/init.lua;" .. package.path
local file = io.open(arg[1])
local options = require("rill.core.plain_json").decode(file:read "*a")
file:close()
local done, err = require "rill.crawl"(options)
if not done then io.stderr:write(tostring(err), " kind=", tostring(err.kind), "\n") os.exit(4, true) end
print(done.reason, done.pages, done.items)]]

---@class support.Fleet
---@field directory string
---@field server support.Server the site
---@field count integer pages that it has
---@field private _given table
---@field private _children support.Process[]
local Fleet = {}
Fleet.__index = Fleet

--- Starts the site.
---@param given { state: string|string[], pages: integer, hosts: integer?, hold: integer? } pages: of each host; hold:
---  the site gives so many answers, and the rest after release()
---@return support.Fleet
function M.start(given)
  local directory, names = scratch.directory "fleet", {}
  for i = 1, given.hosts or 1 do names[i] = HOSTS[i] end
  local words = { NAMES = dkjson.encode(names), PAGES = tostring(given.pages), GATE = directory .. "/gate",
    HOLD = tostring(given.hold or 1e9) }
  return setmetatable({ directory = directory, count = #names * given.pages, _given = given, _children = {},
    _names = names, server = node.start { source = SITE:gsub("%u%u%u%u+", words) } }, Fleet)
end

--- The site gives all answers from here on, or some more.
---@param count integer? so many of all its answers
function Fleet:release(count)
  scratch.write(self.directory .. "/gate", count and tostring(count) or "all")
end

--- The options of a crawl of the site.
---@param name string the worker's
---@param more table?
---@return table
function Fleet:options(name, more)
  local allow, resolve = {}, {}
  for i, host in ipairs(self._names) do
    allow[i] = ("%s:%d"):format(host, self.server.port)
    resolve[allow[i]] = "127.0.0.1"
  end
  local all = { start = ("https://a.test:%d/"):format(self.server.port), state = self._given.state, robots = false,
    lease = LEASE, progress = false, out = self.directory .. "/items.jsonl", traps = false, allow = allow,
    worker = name, concurrency = 4, per_origin = { adaptive = false }, -- a machine that stands still slows nobody down
    client = { tls = { ca_file = self.server.ca }, resolve = resolve, deny_private = false, user_agent = name } }
  for key, value in pairs(more or {}) do all[key] = value end
  return all
end

--- Starts a worker; argv: what runs in its place, with the same sanitizers.
---@param name string
---@param argv string[]
---@return support.Process
function Fleet:command(name, argv)
  local words = { "env", unpack(process.sanitizers()) }
  for _, word in ipairs(argv) do words[#words + 1] = word end
  local child = process.start(words, ("%s/%s.%d.output"):format(self.directory, name, #self._children))
  self._children[#self._children + 1] = child
  return child
end

---@param name string
---@param more table? options of the crawl
---@return support.Process
function Fleet:worker(name, more)
  local path = self.directory .. "/" .. name
  scratch.write(path .. ".lua", WORKER)
  scratch.write(path .. ".json", require("rill.core.plain_json").encode(self:options(name, more)))
  return self:command(name, { "luajit", path .. ".lua", path .. ".json" })
end

--- Waits for a worker's end: it has finished the crawl.
---@param child support.Process
function Fleet:finish(child)
  local status = child:wait(100)
  local wanted = ("finished\t%d\t%d\n"):format(self.count, self.count)
  if status ~= 0 or child:output():match "finished\t.*$" ~= wanted then
    error(("it ended with %d, and not with %s:\n%s"):format(status, wanted, child:output()), 2)
  end
end

--- How many pages were asked for.
---@param agent string? by this worker
---@return integer
function Fleet:asked(agent)
  local count = 0
  for _, event in ipairs(self.server:events()) do
    if event.path and (not agent or event.agent == agent) then count = count + 1 end
  end
  return count
end

---@param count integer
---@param agent string?
function Fleet:wait_asked(count, agent)
  deadline.wait(function() return self:asked(agent) >= count end, 60, "pages to be asked for")
end

--- Joins the outputs: raises where an item is there twice; returns how many there are.
---@return integer
function Fleet:join()
  local path, seen = self.directory .. "/items.jsonl", {}
  assert(require("rill.crawl").join(self._given.state, path))
  local lines = site.lines(path)
  for _, item in ipairs(lines) do
    if seen[item.url] then error(item.url .. " is there twice", 2) end
    seen[item.url] = true
  end
  return #lines
end

function Fleet:stop()
  for _, child in ipairs(self._children) do
    child:signal "CONT"
    child:stop()
  end
  self.server:stop()
end

return M
