-- Finds names that are misspelt in scripts that use rill, and in rill's own modules: luajit .ci/types.lua FILE...
-- Options, fields and methods are looked up in lua/rill/meta.lua, as lua-language-server does it, for modules also in
-- what these declare of their classes. What is wrong is written as path:line: what, with the nearest name that there
-- is; then it fails.
package.path = ".ci/?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
local declarations = require("types.declarations")
local values = require("types.values")
local walk = require("types.walk")

-- Scripts see what meta.lua declares; modules of rill's own also what all of them declare.
local function knowledge_of_modules()
  local declared, paths = declarations.read "lua/rill/meta.lua", {}
  local found = assert(io.popen "find lua/rill -name '*.lua' ! -name meta.lua ! -name cdef.lua | sort")
  for path in found:lines() do paths[#paths + 1] = path end
  found:close()
  declarations.add_modules(declared, paths)
  return values(declared, true)
end

local known, known_inside = values(declarations.read "lua/rill/meta.lua"), knowledge_of_modules()
local failed = 0
for _, path in ipairs(arg) do
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  local inside = path:find "^lua/" ~= nil
  for _, what in ipairs(walk(inside and known_inside or known, path, text, inside)) do
    failed = failed + 1
    io.stderr:write(what, "\n")
  end
end
os.exit(failed == 0 and 0 or 1)
