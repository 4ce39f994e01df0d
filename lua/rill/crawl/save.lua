--- Bodies as files under host and path, with names that no file system trips over.
local address = require("rill.crawl.address")
local digest = require("rill.crawl.digest")
local ffi = require("rill.core.ffi")

pcall(ffi.cdef, "int mkdir(const char *path, unsigned int mode);")

local M = {}

local LONGEST = 120 -- bytes of a name
local MODE = 0x1FF

local function safe(name)
  name = name:gsub("[^%w%.%-_=,~]", function(char) return ("_%02x"):format(char:byte()) end)
  if name:find "^%.+$" then name = "_" .. name end
  if #name > LONGEST then name = name:sub(1, LONGEST - 17) .. ("-%08x%08x"):format(digest(name)) end
  return name
end

--- The path of a page's file, below a directory.
---@param url string normalized
---@return string
function M.path(url)
  local origin = address.origin(url)
  local host = origin:gsub("^%a+://", "")
  local path, query = address.path(url, origin)
  local parts = { safe(host) }
  for segment in path:gmatch "[^/]+" do parts[#parts + 1] = safe(segment) .. "/" end
  local last = "index"
  if #parts > 1 and path:sub(-1) ~= "/" then last = table.remove(parts):sub(1, -2) end
  parts[#parts + 1] = last .. (query and safe("?" .. query) or "") .. (last == "index" and ".html" or "")
  for i, part in ipairs(parts) do parts[i] = part:gsub("/$", "") end
  for i = 2, #parts - 1 do parts[i] = parts[i] .. "_" end -- a directory and a page may have one name
  return table.concat(parts, "/")
end

--- Writes a page's body.
---@param directory string
---@param page rill.CrawlPage
---@return boolean? saved
---@return rill.Error? err
function M.page(directory, page)
  local path = directory .. "/" .. M.path(page.url)
  for above in path:gmatch "()/" do
    if above > 1 then ffi.C.mkdir(path:sub(1, above - 1), MODE) end
  end
  return page:save(path)
end

return M
