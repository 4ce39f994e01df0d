--- Files that are written in pieces: beside their place, and renamed when complete.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")
local errors = require("rill.errors")
local random = require("rill.core.random")
local runtime = require("rill.runtime")
local timer = require("rill.task.timer")

local M = {}

local SLICE = 256 * 1024 -- bytes between which other tasks run

local failure = ffi.new("rill_error[1]")

--- Raises unless it can be a path.
---@param call string
---@param path any
function M.check(call, path)
  if type(path) ~= "string" or path == "" or path:find "%z" then
    errors.raise(("%s: a path must be a string without NUL, got %s"):format(call, errors.show(path)))
  end
end

--- An error of a file.
---@param message string
---@return nil
---@return rill.Error err
function M.failed(message)
  return nil, errors.new { reason = "file_error", message = message }
end

local function of_core(code, beside, path)
  if code == 0 then return true end
  local message = ffi.string(failure[0].message)
  local at = beside and message:find(beside, 1, true)
  if at then message = message:sub(1, at - 1) .. path .. message:sub(at + #beside) end
  return nil, errors.new { reason = errors.reasons[-code], message = message }
end

local function give_way()
  if runtime.may_wait() then timer.sleep(0) end
end

local function fill(file, pieces)
  local written = 0
  for piece in pieces do
    local ok, why = file:write(piece)
    if not ok then return nil, why end
    written = written + #piece
    if written > SLICE then
      written = 0
      give_way()
    end
  end
  return file:close()
end

local function write_to(beside, path, pieces)
  local file, why = io.open(beside, "r+b")
  if not file then return M.failed(tostring(why)) end
  local called, ok, wrong = pcall(fill, file, pieces)
  if io.type(file) == "file" then file:close() end
  if not called then error(ok, 0) end -- the task was cancelled
  if not ok then return M.failed(("%s: %s"):format(path, wrong)) end
  return of_core(C.rill_file_replace(beside, path, failure))
end

--- Writes a file. What is there is as it was until all is written, and keeps its mode.
---@param path string
---@param mode integer of a new file
---@param pieces fun(): string?
---@return boolean? written
---@return rill.Error? err
function M.write(path, mode, pieces)
  local ok, err = of_core(C.rill_file_check(path, failure))
  if not ok then return nil, err end
  local folder = path:match "^(.*/)[^/]*$" or ""
  local beside = ("%s.rill-%s"):format(folder, random(8))
  ok, err = of_core(C.rill_file_save(runtime.loop(), beside, "", 0, mode, failure), beside, path)
  if not ok then return nil, err end
  local called
  called, ok, err = pcall(write_to, beside, path, pieces)
  if not called or not ok then os.remove(beside) end
  if not called then error(ok, 0) end
  return ok, err
end

return M
