--- All that a crawl writes items to: each has an offset, which the page's transaction keeps.
local errors = require("rill.errors")

local M = {}

local OPTIONS = { path = true, format = true, fields = true, append = true }
local FORMATS = {
  jsonl = "rill.crawl.export.jsonl", csv = "rill.crawl.export.csv", sqlite = "rill.crawl.export.sqlite",
}

---@class rill.CrawlOutputs
---@field private _writers { name: string, writer: table }[]
---@field private _functions function[]
local Outputs = {}
Outputs.__index = Outputs

local function format_of(path)
  if path:find "%.csv$" then return "csv" end
  if path:find "%.sqlite#." or path:find "%.db#." then return "sqlite" end
  return "jsonl"
end

-- One of `out` as a table of options.
local function as_options(entry)
  if type(entry) == "string" and entry ~= "" then return { path = entry } end
  if type(entry) ~= "table" or type(entry.path) ~= "string" then
    errors.raise("crawl: out must be a path, a function, a table with a path, or a list of them, got "
      .. errors.show(entry))
  end
  for name in pairs(entry) do
    if not OPTIONS[name] then errors.raise("crawl: out: unknown option " .. errors.show(name)) end
  end
  return entry
end

local function list_of(out)
  if out == nil then return {} end
  if type(out) == "table" and out.path == nil then return out end
  return { out }
end

--- The error of a file that is there and that no state names.
---@param path string
---@return rill.Error
function M.unknown_file(path)
  return errors.new { reason = "output", kind = "exists", path = path,
    message = path .. " exists, and the state does not know it: append = true adds to it" }
end

local function open_file(options, offset)
  local format = options.format or format_of(options.path)
  local room = FORMATS[format]
  if not room then errors.raise("crawl: out: unknown format " .. errors.show(format)) end
  local writer, existed = require(room).open(options.path, options)
  if not writer then return nil, existed end
  if offset then
    local ok, err = writer:truncate(offset)
    if ok then return writer end
    writer:close()
    return nil, err
  end
  if existed and not options.append then
    writer:close()
    return nil, M.unknown_file(options.path)
  end
  return writer
end

local function open_one(self, entry, offsets)
  if type(entry) == "function" then
    table.insert(self._functions, entry)
    return true
  end
  local options = as_options(entry)
  local writer, err
  if options.path == "-" then
    writer = require("rill.crawl.export.jsonl").stdout()
  else
    writer, err = open_file(options, offsets[options.path])
  end
  if not writer then return nil, err end
  table.insert(self._writers, { name = options.path, writer = writer })
  return true
end

--- Gives every output an item.
---@param item table
---@param page rill.CrawlPage?
---@param id string
---@param order string[]? of its names
function Outputs:write(item, page, id, order)
  for _, output in ipairs(self._writers) do
    local writer = output.writer
    if order and writer.write_ordered then
      writer:write_ordered(item, order, id)
    else
      writer:write(item, page, id)
    end
  end
  for _, fn in ipairs(self._functions) do fn(item, page, id) end
end

--- Gives all bytes to the system.
---@return boolean? ok
---@return rill.Error? err
function Outputs:flush()
  for _, output in ipairs(self._writers) do
    local ok, err = output.writer:flush()
    if not ok then return nil, err end
  end
  return true
end

---@return boolean? ok
---@return rill.Error? err
function Outputs:sync()
  for _, output in ipairs(self._writers) do
    if output.name ~= "-" and output.writer.sync then
      local ok, err = output.writer:sync()
      if not ok then return nil, err end
    end
  end
  return true
end

--- How long each is now, by its path.
---@return table<string, number>
function Outputs:offsets()
  local list = {}
  for _, output in ipairs(self._writers) do
    if output.name ~= "-" then list[output.name] = output.writer:offset() end
  end
  return list
end

function Outputs:close()
  for _, output in ipairs(self._writers) do output.writer:close() end
  self._writers = {}
end

--- Opens what `out` names; a file that the state knows is cut to the place that was committed.
---@param out any
---@param offsets table<string, number> of the state
---@return rill.CrawlOutputs?
---@return rill.Error? err
function M.open(out, offsets)
  local self = setmetatable({ _writers = {}, _functions = {} }, Outputs)
  for _, entry in ipairs(list_of(out)) do
    local ok, err = open_one(self, entry, offsets)
    if not ok then
      self:close()
      return nil, err
    end
  end
  return self
end

return M
