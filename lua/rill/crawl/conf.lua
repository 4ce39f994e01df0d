--- The options that a state keeps, so that a crawl goes on when nothing but its state is named.
local arguments = require("rill.core.arguments")
local json = require("rill.core.plain_json")

local M = {}

local MAX_STARTS = 1000 -- more of them are in the queue anyway
local NOT_KEPT = { state = true, progress = true, recrawl = true, worker = true, drain = true }
local SECRET = { auth = true, headers = true, cookies = true, proxy = true }

-- No function, nor a table that can be called, which would come back as one that cannot.
local function is_plain(value)
  if arguments.is_callable(value) then return false end
  if type(value) ~= "table" then return true end
  for _, each in pairs(value) do
    if not is_plain(each) then return false end
  end
  return true
end

local function can_be_kept(value)
  return pcall(json.encode, value) and is_plain(value)
end

local function kept_client(client)
  if type(client) ~= "table" or client.request then return nil end
  local kept = {}
  for name, value in pairs(client) do
    if not SECRET[name] and can_be_kept(value) then kept[name] = value end
  end
  return kept
end

-- The files of a list `out` that is not kept, for it has functions: crawl.join asks what they are.
local function files_of(out)
  if type(out) ~= "table" or out.path or arguments.is_callable(out) then return nil end
  local files = {}
  for _, entry in ipairs(out) do
    if can_be_kept(entry) then files[#files + 1] = entry end
  end
  return files
end

--- Functions, and what may be secret, are not kept.
---@param given table options as a script gave them
---@return string
function M.encode(given)
  local kept = {}
  for name, value in pairs(given) do
    if name == "client" then
      kept.client = kept_client(value)
    elseif not NOT_KEPT[name] and can_be_kept(value) then
      kept[name] = value
    end
  end
  if kept.out == nil then kept.out_files = files_of(given.out) end
  if type(kept.start) == "table" and #kept.start > MAX_STARTS then kept.start = { kept.start[1] } end
  return json.encode(kept)
end

--- Fills options that were not given from those that were kept.
---@param given table
---@param kept table
---@return table
function M.merge(given, kept)
  local all = {}
  for name, value in pairs(kept) do all[name] = value end
  all.out_files = nil
  for name, value in pairs(given) do all[name] = value end
  if given.start == nil and all.start == nil then all.start = {} end
  return all
end

return M
