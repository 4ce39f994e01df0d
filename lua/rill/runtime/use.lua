--- rill.use: which loop a script lives on, where there is a choice.
local errors = require("rill.errors")
local public = require("rill.core.hooks").public
local runtime = require("rill.runtime")

-- The module luv, and whether it is Neovim's.
local function find_luv()
  local editor = rawget(_G, "vim")
  if type(editor) == "table" and editor.loop then return editor.loop, true end
  local ok, found = pcall(require, "luv")
  if ok then return found, false end
  errors.raise('rill.use "luv": Lua has no module luv: install Debian\'s lua-luv, or the rock luv')
end

--- Has rill run on the loop of another library. Once, before the first client; a second call with the same name does
--- nothing.
---@param name string "luv": libuv as the Lua module luv has it, Neovim's too
return function(name)
  if name ~= "luv" then
    errors.raise(('rill.use: name must be "luv", got %s'):format(errors.show(name)))
  end
  if runtime.name == name then return end
  if runtime.name ~= "standalone" then
    errors.raise(("rill.use: this process lives in %s, and cannot change to %s"):format(runtime.name, name))
  end
  if runtime.current() or runtime.exists() then
    errors.raise(('rill.use %q comes too late: call it before the first client and outside of rill.run'):format(name))
  end
  runtime.adopt(require("rill.runtime.luv").open(find_luv()))
  public.runtime = runtime.name
end
