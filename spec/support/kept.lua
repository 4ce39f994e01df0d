--- For specs that build the library again: Debian's flags without optimizing, and the objects that such a build leaves
--- for the next one.
local lfs = require "lfs"
local process = require "support.process"
local scratch = require "support.scratch"

local M = {}

--- Of dpkg-buildflags, for env(1).
M.debian = { "DEB_CFLAGS_STRIP=-g", "DEB_BUILD_OPTIONS=noopt nocheck parallel=2" }

--- The compiler: see there.
M.cc = lfs.currentdir() .. "/spec/support/cc"

--- Words that the command line of a build begins with: without what belongs to the outer make, or the specs' library.
---@param ... string more words
---@return string[]
function M.environment(...)
  local words = { "env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "RILL_LIBRARY",
    "RILL_OBJECTS=" .. scratch.shared "objects" }
  for _, word in ipairs { ... } do words[#words + 1] = word end
  return words
end

--- CFLAGS with which debian/rules has make called, and before them CPPFLAGS.
---@return string
function M.flags()
  local out = scratch.directory "flags" .. "/output"
  local argv = M.environment(unpack(M.debian))
  for _, word in ipairs { "DEB_BUILD_MAINT_OPTIONS=hardening=+all", "sh", "-ec",
    "echo $( (dpkg-buildflags --get CPPFLAGS; dpkg-buildflags --get CFLAGS) 2>/dev/null)" } do
    argv[#argv + 1] = word
  end
  process.run(argv, out)
  return (scratch.read(out):gsub(" %-ffile%-prefix%-map=%S+", ""):gsub("\n$", ""))
end

return M
