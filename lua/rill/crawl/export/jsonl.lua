--- Items as lines of JSON in a file, or on standard output.
local file = require("rill.crawl.file")
local json = require("rill.crawl.json")

local M = {}

---@class rill.CrawlJsonl
---@field private _file rill.CrawlFile
---@field private _lines string[]
---@field private _fields string[]?
---@field private _with_id boolean
local Jsonl = {}
Jsonl.__index = Jsonl

---@param item table
---@param _ any the page
---@param id string the same whenever this item is written again
function Jsonl:write(item, _, id)
  local line = json.encode(item, self._fields)
  if self._with_id then
    line = line:gsub("}$", (line == "{}" or line == "[]") and "" or ",") .. '"item_id":' .. json.string(id) .. "}"
  end
  self._lines[#self._lines + 1] = line
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

---@return boolean? ok
---@return rill.Error? err
function Jsonl:flush()
  if not self._lines[1] then return true end
  self._lines[#self._lines + 1] = ""
  local bytes = table.concat(self._lines, "\n")
  self._lines = {}
  return self._file:write(bytes)
end

---@return number
function Jsonl:offset()
  return self._file.length
end

---@param offset number
function Jsonl:truncate(offset)
  self._lines = {}
  return self._file:truncate(offset)
end

function Jsonl:sync()
  return self._file:sync()
end

function Jsonl:close()
  self._file:close()
end

M.exists = file.exists

---@param path string
---@param options { fields: string[]? }
---@return table? writer
---@return rill.Error? err
function M.open(path, options)
  local opened, err = file.open(path)
  if not opened then return nil, err end
  return setmetatable({ _file = opened, _lines = {}, _fields = options.fields, _with_id = false }, Jsonl)
end

--- Standard output: each line has its `item_id`, since a line may come twice when a crawl was killed.
---@return table writer
function M.stdout()
  return setmetatable({ _file = file.descriptor(1, "-"), _lines = {}, _with_id = true }, Jsonl)
end

return M
