--- What a shared library says about itself, for the specs of what is built and installed.
local process = require "support.process"
local scratch = require "support.scratch"

local M = {}

--- What a program prints, standard error too; raises when it fails.
---@param ... string words
---@return string
function M.output_of(...)
  local out = scratch.directory "tool" .. "/output"
  process.run({ ... }, out)
  return scratch.read(out)
end

--- Fails unless the library is hardened: relocations read-only and bound at once, no executable stack, no paths to
--- search, stack protector, fortified calls.
---@param library string path
function M.assert_hardened(library)
  local dynamic = M.output_of("readelf", "-dW", library)
  assert(dynamic:find "%(FLAGS%) +[^\n]*BIND_NOW" and dynamic:find "%(FLAGS_1%) +[^\n]*NOW", "not bound at once")
  assert(not dynamic:find "RPATH" and not dynamic:find "RUNPATH", "has a search path")
  assert(not dynamic:find "TEXTREL", "writes into its code")
  local segments = M.output_of("readelf", "-lW", library)
  assert(segments:find "\n +GNU_RELRO ", "its relocations stay writable")
  assert(segments:find "\n +GNU_STACK [^\n]* RW +0x", "its stack can be executed")
  local symbols = M.output_of("readelf", "--dyn-syms", "-W", library)
  assert(symbols:find "__stack_chk_fail", "no stack protector")
  assert(symbols:gsub("__stack_chk_fail", ""):find "_chk@", "no fortified calls")
end

return M
