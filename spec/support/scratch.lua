--- Temporary files of one run: one directory, removed when the process has ended.
local ffi = require "ffi"
local lfs = require "lfs"
local process = require "support.process"

pcall(ffi.cdef, [[
char *mkdtemp(char *template);
unsigned int geteuid(void);
]])

local M = {}

local function made()
  local template = (os.getenv "TMPDIR" or "/tmp") .. "/rill-spec-XXXXXX"
  local path = ffi.new("char[?]", #template + 1, template)
  assert(ffi.C.mkdtemp(path) ~= nil, "cannot make a temporary directory")
  -- servers that end at the same time may still write there
  process.at_end('tries=1000; until rm -rf "$0" || [ $((tries -= 1)) = 0 ]; do :; done', ffi.string(path))
  return ffi.string(path)
end

local root, count = made(), 0

--- A new, empty directory.
---@param name string what it is for
---@return string path
function M.directory(name)
  count = count + 1
  local path = ("%s/%s-%d"):format(root, name, count)
  assert(lfs.mkdir(path))
  return path
end

--- A directory that all files of a run of `.ci/specs.lua` share; without one this process has its own.
---@param name string what it is for
---@return string path
function M.shared(name)
  local path = (os.getenv "RILL_SPEC_RUN" or root) .. "/" .. name
  lfs.mkdir(path)
  return path
end

--- Writes a file, and the directories above it that are missing.
---@param path string
---@param content string
---@return string path
function M.write(path, content)
  for parent in path:gmatch "()/" do
    if parent > 1 then lfs.mkdir(path:sub(1, parent - 1)) end
  end
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
  return path
end

---@param path string
---@return string content
function M.read(path)
  local file = assert(io.open(path, "rb"))
  local content = file:read "*a"
  file:close()
  return content
end

--- The files below a directory, in all folders.
---@param directory string
---@return string[] paths each begins with `directory`
function M.find(directory)
  local paths = {}
  for name in lfs.dir(directory) do
    local path = directory .. "/" .. name
    local mode = lfs.attributes(path, "mode")
    if mode == "directory" and not name:find "^%.%.?$" then
      for _, below in ipairs(M.find(path)) do paths[#paths + 1] = below end
    elseif mode == "file" then
      paths[#paths + 1] = path
    end
  end
  return paths
end

--- Whether this process runs as root: nginx then has to be told to keep its user.
M.is_root = ffi.C.geteuid() == 0

return M
