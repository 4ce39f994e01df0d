--- Items as lines of JSON in a file, or on standard output.
local file = require("rill.crawl.file")
local json = require("rill.core.plain_json")
local lines = require("rill.crawl.export.lines")

local M = {}

---@class rill.CrawlJsonl: rill.CrawlLines
---@field private _fields string[]?
---@field private _with_id boolean
local Jsonl = setmetatable({}, lines.Lines)
Jsonl.__index = Jsonl

---@param item table
---@param _ any the page
---@param id string the same whenever this item is written again
function Jsonl:write(item, _, id)
  local line = json.encode(item, self._fields)
  if self._with_id then
    line = line:gsub("}$", (line == "{}" or line == "[]") and "" or ",") .. '"item_id":' .. json.string(id) .. "}"
  end
  self:add(line)
end

--- Writes an item whose names have an order.
---@param item table
---@param order string[]
function Jsonl:write_ordered(item, order, id)
  local fields = self._fields
  self._fields = fields or order
  self:write(item, nil, id)
  self._fields = fields
end

M.exists = file.exists

---@param path string
---@param options { fields: string[]? }
---@return table? writer
---@return rill.Error? err
function M.open(path, options)
  local opened, err = file.open(path)
  if not opened then return nil, err end
  return lines.init(setmetatable({ _fields = options.fields, _with_id = false }, Jsonl), opened, "\n")
end

--- Standard output: each line has its `item_id`, since a line may come twice when a crawl was killed.
---@return table writer
function M.stdout()
  return lines.init(setmetatable({ _with_id = true }, Jsonl), file.descriptor(1, "-"), "\n")
end

return M
