-- Finds names that are misspelt in scripts that use rill: luajit .ci/types.lua FILE... Options, fields and methods are
-- looked up in lua/rill/meta.lua, as lua-language-server does it. What is wrong is written as path:line: what, with the
-- nearest name that there is; then it fails.
package.path = ".ci/?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
local declarations = require("types.declarations")
local values = require("types.values")
local walk = require("types.walk")

local known = values(declarations.read "lua/rill/meta.lua")
local failed = 0
for _, path in ipairs(arg) do
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  for _, what in ipairs(walk(known, path, text)) do
    failed = failed + 1
    io.stderr:write(what, "\n")
  end
end
os.exit(failed == 0 and 0 or 1)
