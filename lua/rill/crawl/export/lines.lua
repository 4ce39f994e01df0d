--- A text file that lines are collected for and written to at once: what JSON Lines and CSV have in common.

---@class rill.CrawlLines
---@field private _file rill.CrawlFile
---@field private _lines string[] not written yet
---@field private _line_end string
local Lines = {}
Lines.__index = Lines

local M = { Lines = Lines }

--- Makes `writer` one that writes lines; its class has Lines behind it.
---@param writer table gets what is needed
---@param file rill.CrawlFile owned from now on
---@param line_end string
---@return table writer
function M.init(writer, file, line_end)
  writer._file, writer._lines, writer._line_end = file, {}, line_end
  return writer
end

--- Adds a line, which flush() writes.
---@param line string without its end
function Lines:add(line)
  self._lines[#self._lines + 1] = line
end

---@return boolean? ok
---@return rill.Error? err
function Lines:flush()
  if not self._lines[1] then return true end
  self:add ""
  local bytes = table.concat(self._lines, self._line_end)
  self._lines = {}
  return self._file:write(bytes)
end

---@return number
function Lines:offset()
  return self._file.length
end

--- Cuts the file, and forgets what was not written.
---@param offset number
---@return boolean? ok
---@return rill.Error? err
function Lines:truncate(offset)
  self._lines = {}
  return self._file:truncate(offset)
end

function Lines:sync()
  return self._file:sync()
end

---@param unused boolean? see file.lua
function Lines:close(unused)
  self._file:close(unused)
end

return M
