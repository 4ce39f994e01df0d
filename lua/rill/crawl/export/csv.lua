--- Items as rows of CSV (RFC 4180, in UTF-8): the fields of the first item, or those that were named; a header once.
local file = require("rill.crawl.file")
local json = require("rill.core.plain_json")
local lines = require("rill.crawl.export.lines")

local M = {}

local UNKNOWN_MOST = 100 -- names without a column that are warned of

---@class rill.CrawlCsv: rill.CrawlLines
---@field private _fields string[]?
---@field private _known table<string, boolean>
---@field private _warn fun(text: string)
---@field private _unknown integer names that were warned of
---@field private _header boolean it has to be written
local Csv = setmetatable({}, lines.Lines)
Csv.__index = Csv

local function quoted(text)
  if text:find '[",\r\n]' or text:find "^%s" or text:find "%s$" then return '"' .. text:gsub('"', '""') .. '"' end
  return text
end

local function cell(value)
  if value == nil then return "" end
  return quoted(type(value) == "string" and json.utf8(value) or json.encode(value))
end

local function row_of(fields, value_of)
  local cells = {}
  for i, name in ipairs(fields) do cells[i] = cell(value_of(name)) end
  return table.concat(cells, ",")
end

local function set_fields(self, fields)
  self._fields = fields
  for _, name in ipairs(fields) do self._known[name] = true end
end

local function names_of(item)
  local names = {}
  for name in pairs(item) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

local function warn_of_unknown(self, item)
  for name in pairs(item) do
    if not self._known[name] and self._unknown < UNKNOWN_MOST then
      self._known[name], self._unknown = true, self._unknown + 1
      self._warn(("%s has no column %s: it is left out"):format(self._file.path, tostring(name)))
    end
  end
end

--- Adds an item; the names of the first one, in this order where one is given, are the columns.
---@param item table
---@param order string[]
function Csv:write_ordered(item, order)
  if not self._fields then set_fields(self, order) end
  self:write(item)
end

---@param item table
function Csv:write(item)
  if not self._fields then set_fields(self, names_of(item)) end
  if self._header then
    self._header = false
    self:add(row_of(self._fields, function(name) return name end))
  end
  warn_of_unknown(self, item)
  self:add(row_of(self._fields, function(name) return item[name] end))
end

local function split(line)
  local fields, at = {}, 1
  while at <= #line + 1 do
    local value, after = line:match('^"(.-)"()', at)
    if value then
      while line:sub(after, after) == '"' do -- a doubled quote
        local more, next_after = line:match('^(.-)"()', after + 1)
        if not more then break end
        value, after = value .. '"' .. more, next_after
      end
    else
      value, after = line:match("^([^,]*)()", at)
    end
    fields[#fields + 1] = value
    at = after + 1
  end
  return fields
end

-- The columns that a file begins with.
local function read_header(path)
  local opened = io.open(path, "rb")
  local line = opened and opened:read "*l"
  if opened then opened:close() end
  return line and line ~= "" and split((line:gsub("\r$", ""))) or nil
end

---@param offset number
function Csv:truncate(offset)
  local ok, err = lines.Lines.truncate(self, offset)
  if not ok then return nil, err end
  self._header = offset == 0
  local fields = offset > 0 and read_header(self._file.path)
  if fields then
    self._known = {}
    set_fields(self, fields)
  end
  return true
end

M.exists = file.exists

---@param path string
---@param options { fields: string[]?, warn: fun(text: string) }
---@return table? writer
---@return rill.Error? err
function M.open(path, options)
  local opened, err = file.open(path)
  if not opened then return nil, err end
  local own = { _known = {}, _warn = options.warn, _unknown = 0, _header = true }
  local writer = lines.init(setmetatable(own, Csv), opened, "\r\n")
  if options.fields then set_fields(writer, options.fields) end
  if opened.length > 0 then
    local ok
    ok, err = writer:truncate(opened.length)
    if not ok then return nil, err end
  end
  return writer
end

return M
