--- Loads the library, once, and anchors it: the FFI namespace of src/rill.h.
local ffi = require("rill.core.ffi")
local library = require("rill.core.library")

-- Declarations outlive the module: a program that clears package.loaded comes here twice.
if not pcall(ffi.typeof, "rill_event") then
  local found, declarations = pcall(require, "rill.cdef")
  if not found then
    error("rill is not built: run make first (rill/cdef.lua is missing)", 0)
  end
  ffi.cdef(declarations)
end

local path = library.core()
local C, why = library.load(path)
if not C then error("rill: " .. why, 0) end

if C.rill_abi() ~= C.RILL_ABI or C.rill_event_size() ~= ffi.sizeof("rill_event") then
  error(("rill: %s has ABI %d with events of %d bytes, these Lua modules are made for ABI %d with %d: "
    .. "install both from one version"):format(path, C.rill_abi(), C.rill_event_size(),
    tonumber(C.RILL_ABI), ffi.sizeof("rill_event")), 0)
end

return C
