--- Methods that were called with a dot say so.
local errors = require("rill.errors")

local HERE = debug.getinfo(1, "S").source

-- Loaded once for each method: closures of one function would share what LuaJIT learns about it, and so its traces. As
-- bytecode, which takes a quarter of the time that the text takes.
local CHECKED = string.dump(assert(loadstring([[
local fn, class, is_other, refuse = ...
return function(self, ...)
  if (getmetatable(self) ~= class or not class) and is_other(self) then refuse(self) end
  return fn(self, ...)
end]], HERE)))

--- Puts a check before the public methods of a class: each must be given an object of it, or one that inherits from
--- one.
---@param name string what scripts call such an object, as in "client:get"
---@param class table? its metatable; nil: each has its own
---@param methods table where its methods are; those that begin with "_" are private
---@param inner table<string, boolean>? methods that only rill calls
return function(name, class, methods, inner)
  for method, fn in pairs(methods) do
    if type(fn) == "function" and not method:find "^_" and not (inner and inner[method]) then
      local function is_other(self)
        local kind = type(self)
        return kind ~= "table" and kind ~= "userdata" or self[method] ~= methods[method]
      end
      local function refuse(self)
        errors.raise(("%s.%s: call it with a colon, %s:%s(...): its first argument must be the %s, got %s")
          :format(name, method, name, method, name, errors.show(self)))
      end
      methods[method] = assert(loadstring(CHECKED, HERE))(fn, class, is_other, refuse)
    end
  end
end
