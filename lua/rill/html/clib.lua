--- Loads the library of documents, once, and anchors it: the FFI namespace of src/doc/doc.h. It alone needs libxml2
--- and PCRE2.
local ffi = require("rill.core.ffi")
local library = require("rill.core.library")

local NEEDS = "rill.html.document needs libxml2 and PCRE2 (Debian: apt-get install libxml2 libpcre2-8-0)"

-- Declarations outlive the module: a program that clears package.loaded comes here twice.
if not pcall(ffi.typeof, "rill_doc") then
  local found, declarations = pcall(require, "rill.html.cdef")
  if not found then error("rill is not built: run make first (rill/html/cdef.lua is missing)", 0) end
  ffi.cdef(declarations)
end

local ABI = tonumber(ffi.C.RILL_DOC_ABI)

--- Another build of rill's has this library beside it.
local function beside_given()
  local given = os.getenv "RILL_LIBRARY"
  local path = given and given:gsub("[^/]*$", "") .. "librilldoc.so"
  local file = path and io.open(path, "rb")
  if not file then return nil end
  file:close()
  return path
end

local path = beside_given() or library.find("librilldoc", ABI)
local C, why = library.load(path)
if not C then error(("%s: %s"):format(NEEDS, why), 0) end
if C.rill_doc_abi() ~= ABI then
  error(("rill: %s has ABI %d, these Lua modules are made for ABI %d: install both from one version"):format(path,
    C.rill_doc_abi(), ABI), 0)
end

return C
