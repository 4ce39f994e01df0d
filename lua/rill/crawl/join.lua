--- Many workers' output files become one: each up to the place that its last commit named.
local errors = require("rill.errors")
local frontiers = require("rill.crawl.frontiers")
local outputs = require("rill.crawl.outputs")
local own_path = require("rill.crawl.own_path")

local BLOCK = 2 ^ 20 -- bytes

local function failure(kind, path, message)
  return errors.new { reason = "output", kind = kind, path = path, message = message }
end

local function base(path)
  return path:match "[^/]*$"
end

-- What each worker has committed of that output: { path, length }, by the workers' names.
local function parts_of(kept, out)
  local names, parts = {}, {}
  for name in pairs(kept.workers) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local own = own_path(out, name)
    for path, length in pairs(kept.workers[name]) do
      if base(path) == base(own) then parts[#parts + 1] = { path = own, length = length } end
    end
  end
  return parts
end

local function size_of(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local size = file:seek "end"
  file:close()
  return size
end

-- The crawl's options name it; else the name does.
local function format_of(kept, out)
  local files = kept.conf.out or kept.conf.out_files
  local given = outputs.given_format(files, function(path) return base(path) == base(out) end)
  return given or outputs.format_of(out)
end

-- All that can be wrong is looked at before anything is written.
local function check(parts, state, out, format)
  if not parts[1] then
    return nil, failure("missing", out, ("no worker of %s writes %s"):format(state, base(out)))
  end
  if format == "sqlite" or out:find "#" then
    return nil, failure("format", out, "tables are not joined: SQLite's ATTACH reads them together")
  end
  if size_of(out) then return nil, failure("exists", out, out .. " exists already: remove it, or name another") end
  for _, part in ipairs(parts) do
    local size = size_of(part.path)
    if not size and part.length > 0 then
      return nil, failure("short", part.path, ("%s is not there, the state knows of %.0f bytes: the files of all "
        .. "workers stand beside the one that is to be made"):format(part.path, part.length))
    end
    if size and size < part.length then
      return nil, failure("short", part.path, ("%s has %.0f bytes, the state knows of %.0f"):format(part.path, size,
        part.length))
    end
  end
  return true
end

local function header_of(part)
  local file = part.length > 0 and io.open(part.path, "rb")
  if not file then return nil end
  local line = file:read "*l"
  file:close()
  return line and line .. "\n"
end

-- CSV begins with the names of its columns: once, and the same ones everywhere.
local function skip_headers(parts)
  local first
  for _, part in ipairs(parts) do
    local line = header_of(part)
    if line and not first then
      first = line
    elseif line and line ~= first then
      return nil, failure("fields", part.path, part.path .. " has other columns: the option fields fixes them")
    elseif line then
      part.skip = #line
    end
  end
  return true
end

local function copy(part, target)
  local file, why = io.open(part.path, "rb")
  if not file then return part.length == 0 or nil, why end
  local at = part.skip or 0
  file:seek("set", at)
  while at < part.length do
    local bytes = file:read(math.min(BLOCK, part.length - at))
    local ok
    if bytes then ok, why = target:write(bytes) else why = part.path .. " was cut meanwhile: try again" end
    if not ok then break end
    at = at + #bytes
  end
  file:close()
  return at >= part.length or nil, why
end

local function copy_all(parts, path)
  local target, why = io.open(path, "wb")
  if not target then return nil, why end
  local ok = true
  for _, part in ipairs(parts) do
    if ok then ok, why = copy(part, target) end
  end
  local closed, late = target:close()
  return ok and closed, why or late
end

--- Joins the files that the workers of a crawl have written; these stay as they are.
---@param state string|string[] the crawl's, in Redis
---@param out string the name its option `out` had; the workers' files lie beside it
---@return boolean? ok
---@return rill.Error? err reason "state" or "output"; `path` names the file
return function(state, out)
  frontiers.check("crawl.join", state)
  if type(out) ~= "string" or out == "" then
    errors.raise("crawl.join: out must be a string, got " .. errors.show(out))
  end
  local kept, err = frontiers.read(state)
  if not kept then return nil, err end
  if not kept.workers then
    return nil, failure("missing", out, "a crawl with its state in a file has one worker: its outputs need no joining")
  end
  local parts = parts_of(kept, out)
  local ok
  local format = format_of(kept, out)
  ok, err = check(parts, frontiers.shown(state), out, format)
  if ok and format == "csv" then ok, err = skip_headers(parts) end
  if not ok then return nil, err end
  local done, why = copy_all(parts, out .. ".part")
  if done then done, why = os.rename(out .. ".part", out) end
  if done then return true end
  os.remove(out .. ".part")
  return nil, failure(tostring(why):find "No space" and "full" or "file", out, ("cannot write %s: %s"):format(out,
    tostring(why)))
end
