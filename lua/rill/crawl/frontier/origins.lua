--- The origins that a worker of a shared crawl knows: the policy of each, as the script sets it, and its robots.txt.
--- Redis keeps every robots.txt, so a worker drops its copies when they become many.
local M = {}

local ORIGINS_KEPT = 10000
M.ROBOTS_KEPT = 16 * 2 ^ 20 -- bytes of their robots.txt

---@class rill.CrawlOrigins
---@field private _policy fun(key: string): table
---@field private _origins table<string, table>
---@field private _count integer
---@field private _bytes integer of robots.txt
local Origins = {}
Origins.__index = Origins

---@param key string
---@return table origin what this worker knows of it: policy, robots
function Origins:get(key)
  local o = self._origins[key]
  if not o then
    o = { key = key, policy = self._policy(key) }
    self._origins[key], self._count = o, self._count + 1
  end
  return o
end

-- Takes in the robots.txt of an origin, unless it is there.
local function load_one(self, key, at, read)
  local o = self:get(key)
  if o.robots and o.robots.at == at then return true end
  local body, err = read(key)
  if err then return nil, err end
  body = body or ""
  self._bytes = self._bytes + #body - #(o.robots and o.robots.body or "")
  o.robots = { at = at, body = body }
  return true
end

--- Sees to it that the robots.txt of each origin is parsed here, before the entries of that origin are looked at.
---@param groups string[][] of `take`, see frontier/inside
---@param read fun(key: string): string?, rill.Error?
---@return boolean? ok
---@return rill.Error? err
function Origins:load(groups, read)
  for _, group in ipairs(groups) do
    local key, at = group[1], group[3] -- when it was read
    if at ~= "" and group[#group] ~= "" then
      local ok, err = load_one(self, key, at, read)
      if not ok then return nil, err end
    end
  end
  return true
end

--- Makes room. To be called before entries are taken: their robots.txt must be there when they are looked at.
function Origins:bound()
  if self._count < ORIGINS_KEPT and self._bytes < M.ROBOTS_KEPT then return end
  self._origins, self._count, self._bytes = {}, 0, 0
end

---@param policy fun(key: string): table
---@return rill.CrawlOrigins
function M.new(policy)
  return setmetatable({ _policy = policy, _origins = {}, _count = 0, _bytes = 0 }, Origins)
end

return M
