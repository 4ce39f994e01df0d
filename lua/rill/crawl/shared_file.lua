--- A file that two options of a crawl name: each would write over what the other has written.
local errors = require("rill.errors")

local M = {}

-- One spelling of a path, as far as it can be had without asking the system.
local function plain(path)
  path = path:gsub("/+", "/")
  local before
  repeat
    before = path
    path = path:gsub("^%./(.)", "%1"):gsub("/%./", "/")
  until path == before
  return path
end

-- A table of a database shares its file with others, the state's too.
local function is_file(path)
  return type(path) == "string" and path ~= "" and path ~= "-" and not path:find "^/dev/" and not path:find "%.sqlite#."
    and not path:find "%.db#." and not path:find "^rediss?[+:]"
end

local function add(known, name, path)
  if type(path) == "table" and path.path then path = path.format ~= "sqlite" and path.path end
  if not is_file(path) then return end
  local spelled = plain(path)
  local other = known[spelled]
  if other == name then errors.raise(("crawl: %s: it is named twice: %s"):format(name, errors.show(path))) end
  if other then errors.raise(("crawl: %s and %s name one file: %s"):format(other, name, errors.show(path))) end
  known[spelled] = name
end

--- Raises where two of them name one file.
---@param options table of a crawl; those of the command too
function M.check(options)
  local known = {}
  for _, name in ipairs { "state", "out", "skipped", "har", "waterfall", "stats" } do
    local value = options[name]
    local list = type(value) == "table" and value.path == nil and value or { value }
    for _, path in ipairs(list) do add(known, name, path) end
  end
end

return M
