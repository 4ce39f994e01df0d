--- Loads the library, once, and anchors it: the FFI namespace of src/rill.h.
local ffi = require("rill.core.ffi")

-- Declarations outlive the module: a program that clears package.loaded comes here twice.
if not pcall(ffi.typeof, "rill_event") then
  local found, declarations = pcall(require, "rill.cdef")
  if not found then
    error("rill is not built: run make first (rill/cdef.lua is missing)", 0)
  end
  ffi.cdef(declarations)
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

--- Where librill is: where RILL_LIBRARY says (another build of it), beside this file (a source tree,
--- `make install`), where Lua finds C modules (a rock), or wherever the system's loader looks.
local function find()
  local given = os.getenv "RILL_LIBRARY"
  if given then
    return given
  end
  local beside = debug.getinfo(1, "S").source:gsub("^@", ""):gsub("clib%.lua$", "") .. "librill.so"
  if not beside:find("/", 1, true) then
    beside = "./" .. beside
  end
  if exists(beside) then
    return beside
  end
  return package.searchpath("rill.librill", package.cpath) or ("librill.so.%d"):format(ffi.C.RILL_ABI)
end

local path = find()
local loaded, C = pcall(ffi.load, path)
if not loaded then
  local what = path:find("/", 1, true) and "cannot load " .. path or path .. " not found, run make first"
  local reason = C:sub(1, #path) == path and C:sub(#path + 3) or C -- dlopen's begins with the file it is about
  error(("rill: %s: %s"):format(what, reason), 0)
end

if C.rill_abi() ~= C.RILL_ABI or C.rill_event_size() ~= ffi.sizeof("rill_event") then
  error(("rill: %s has ABI %d with events of %d bytes, these Lua modules are made for ABI %d with %d: "
    .. "install both from one version"):format(path, C.rill_abi(), C.rill_event_size(),
    tonumber(C.RILL_ABI), ffi.sizeof("rill_event")), 0)
end

return C
