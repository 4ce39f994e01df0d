--- Inside nginx: a loop of our own would hold up the worker and all its clients.
local errors = require("rill.errors")

--- Raises inside nginx.
---@param call string? what was called
return function(call)
  local ngx = package.loaded.ngx -- no global: a strict script asks for none that is not there
  if type(ngx) == "table" and type(ngx.get_phase) == "function" and type(ngx.config) == "table" then
    errors.raise((call and call .. ": " or "") .. "rill does not run inside nginx yet: its loop would hold up the "
      .. "worker, and all clients of that. rill.url and rill.html work here; requests need a process of their own")
  end
end
