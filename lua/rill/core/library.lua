--- Where a shared library of rill's is, and loading it.
local ffi = require("rill.core.ffi")

local M = {}

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- The folder lua/rill, wherever it is: "./" or a path that ends with "/".
local HERE = debug.getinfo(1, "S").source:gsub("^@", ""):gsub("core[/\\]library%.lua$", "")
if not HERE:find("/", 1, true) then HERE = "./" .. HERE end

--- Where a library is: beside the modules (a source tree, `make install`), where Lua finds C modules (a rock), or
--- wherever the system's loader looks.
---@param name string "librill"
---@param abi integer its soname ends with it
---@return string
function M.find(name, abi)
  local beside = HERE .. name .. ".so"
  if exists(beside) then return beside end
  return package.searchpath("rill." .. name, package.cpath) or ("%s.so.%d"):format(name, abi)
end

--- Where the core is; RILL_LIBRARY names another build of it. To be asked after its declarations were made.
---@return string
function M.core()
  return os.getenv "RILL_LIBRARY" or M.find("librill", tonumber(ffi.C.RILL_ABI))
end

--- Loads a library.
---@param path string
---@return ffi.namespace*? C
---@return string why it cannot be loaded
function M.load(path)
  local loaded, C = pcall(ffi.load, path)
  if loaded then return C, "" end
  local what = path:find("/", 1, true) and "cannot load " .. path or path .. " not found, run make first"
  local reason = C:sub(1, #path) == path and C:sub(#path + 3) or C -- dlopen's begins with the file it is about
  return nil, ("%s: %s"):format(what, reason)
end

return M
