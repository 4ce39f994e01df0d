--- Bodies as files under host and path, with names that no file system trips over.
local address = require("rill.crawl.address")
local digest = require("rill.crawl.digest")
local errors = require("rill.errors")
local ffi = require("rill.core.ffi")

for _, line in ipairs { "int mkdir(const char *path, unsigned int mode);", "int close(int fd);",
  "int open(const char *path, int flags, ...);" } do
  pcall(ffi.cdef, line)
end

local M = {}

local MODE = 0x1FF -- rwx for all, less the umask
local LONGEST = 120 -- bytes of a name
local O_DIRECTORY, O_CLOEXEC = 0x10000, 0x80000 -- Linux
local ENOSPC, EDQUOT = 28, 122
-- Not "File too large": what is beyond `ulimit -f` by itself keeps no other body from being written.
local FULL = { "No space left on device", "Disk quota exceeded" }

-- "~" stands before what is escaped, and behind what would have a name twice: no URL's own "~" stays.
local function safe(name)
  name = name:gsub("[^%w%.%-_=,%%+@!:;&()?]", function(char) return ("~%02x"):format(char:byte()) end)
  if name:find "^%.+$" then name = "~" .. name end
  if #name > LONGEST then name = name:sub(1, LONGEST - 17) .. ("~%08x%08x"):format(digest(name)) end
  return name
end

--- The directories of a page's file, and its name.
---@param url string normalized
---@return string[] directories
---@return string name
function M.place(url)
  local origin = address.origin(url)
  local path, query = address.path(url, origin)
  local directories = { safe((origin:gsub("^%a+://", ""))) }
  for segment in path:gmatch "([^/]+)/" do directories[#directories + 1] = safe(segment) end
  local last = path:match "[^/]*$"
  local own = last == "" and "index.html" or last == "index.html" and "index.html~" or nil
  return directories, (own or "") .. safe((own and "" or last) .. (query and "?" .. query or ""))
end

local function is_directory(path)
  local fd = ffi.C.open(path, O_DIRECTORY + O_CLOEXEC)
  if fd < 0 then return false end
  ffi.C.close(fd)
  return true
end

local function make_directories(path)
  for above in path:gmatch "()/" do
    if above > 1 then ffi.C.mkdir(path:sub(1, above - 1), MODE) end
  end
  ffi.C.mkdir(path, MODE)
end

-- A directory whose name a page's file has already gets another.
local function enter(path, name)
  local inner = path .. "/" .. name
  ffi.C.mkdir(inner, MODE)
  if is_directory(inner) then return inner end
  inner = inner .. "~"
  ffi.C.mkdir(inner, MODE)
  return inner
end

--- The error of a crawl whose file cannot be written.
---@param err rill.Error
---@param path string
---@return rill.Error err reason "output"; kind "full" where the disk is, else "file"
function M.failure(err, path)
  local kind = "file"
  for _, text in ipairs(FULL) do
    if err.message:find(text, 1, true) then kind = "full" end
  end
  return errors.new { reason = "output", kind = kind, path = path, message = err.message }
end

--- Makes the directory that bodies go to.
---@param directory string
---@return boolean? ok
---@return rill.Error? err reason "output"
function M.open(directory)
  make_directories(directory)
  local number = ffi.errno()
  if is_directory(directory) then return true end
  local is_full = number == ENOSPC or number == EDQUOT
  return nil, errors.new { reason = "output", kind = is_full and "full" or "file", path = directory,
    message = directory .. ": save must name a directory that is there or can be made" }
end

--- Writes a page's body.
---@param directory string
---@param page rill.CrawlPage
---@return boolean? saved
---@return rill.Error? err reason "output"; kind "full": the disk is
function M.page(directory, page)
  local directories, name = M.place(page.url)
  make_directories(directory)
  local path = directory
  for _, inner in ipairs(directories) do path = enter(path, inner) end
  path = path .. "/" .. name
  if is_directory(path) then path = path .. "~" end
  local ok, err = page:save(path)
  if ok then return true end
  return nil, M.failure(err, path)
end

return M
